"""The CEL rules of a schema, at every level, with their own sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from offline import cel
from offline.findings import Path
from offline.structural import Problem, Schema, below, entries, list_identity

_OLD = re.compile(r"\boldSelf\b")
_ABSENT = object()


def broken(schema: Schema, value: Any, old: Any = None) -> Iterator[Problem]:
    """Each rule that `value`, or the change from `old` to it, breaks."""
    return _broken(schema, value, _ABSENT if old is None else old, ())


def _broken(schema: Schema, value: Any, old: Any, path: Path) -> Iterator[Problem]:
    if value is None:
        return
    if rules := schema.get("x-kubernetes-validations"):
        variables = {"self": cel.escape(schema, value)}
        if old is not _ABSENT:
            variables["oldSelf"] = cel.escape(schema, old)
        for rule in rules:
            if text := _refusal(rule, variables):
                yield (*path, *_steps(rule.get("fieldPath", ""))), text
    for key, item in entries(value):
        if (inner := below(schema, key)) is not None:
            yield from _broken(inner, item, _counterpart(schema, old, key, item), (*path, key))


def _refusal(rule: Mapping[str, Any], variables: dict[str, Any]) -> str | None:
    if _OLD.search(rule["rule"]) and "oldSelf" not in variables:
        return None
    try:
        if cel.evaluate(rule["rule"], **variables) is True:
            return None
        return _message(rule, variables)
    except cel.RuleError as error:
        return f"{_message(rule, {})} (the rule has no answer here: {error})"


def _message(rule: Mapping[str, Any], variables: dict[str, Any]) -> str:
    if "messageExpression" in rule and variables:
        return str(cel.evaluate(rule["messageExpression"], **variables))
    return str(rule.get("message") or f"failed rule: {rule['rule']}")


def _counterpart(schema: Schema, old: Any, key: str | int, item: Any) -> Any:
    """The earlier value of a field or of the list-map entry that is the same."""
    if isinstance(key, str):
        return old.get(key, _ABSENT) if isinstance(old, dict) else _ABSENT
    if not isinstance(old, list) or schema.get("x-kubernetes-list-type") != "map":
        return _ABSENT
    identity = list_identity(schema, item)
    return next((o for o in old if list_identity(schema, o) == identity), _ABSENT)


def _steps(field_path: str) -> list[str]:
    return [step for step in field_path.split(".") if step]
