"""Label selectors, which answer with the reason when they do not match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scheduling.advice import close

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True)
class LabelRule:
    """One entry of matchExpressions."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def mismatch(self, labels: Mapping[str, str]) -> str:
        """Why these labels do not satisfy the rule; empty when they do."""
        met = {
            "In": labels.get(self.key) in self.values,
            "NotIn": labels.get(self.key) not in self.values,
            "Exists": self.key in labels,
            "DoesNotExist": self.key not in labels,
        }
        if met.get(self.operator, False):
            return ""
        if self.operator not in OPERATORS:
            return f"operator {self.operator} of {self.key} is unknown, write one of {', '.join(OPERATORS)}"
        wanted = {"In": "one of", "NotIn": "none of"}.get(self.operator, "")
        rule = f"{wanted} {', '.join(sorted(self.values))}" if wanted else self.operator
        return f"label {self.key} {_shown(self.key, labels)}, must be {rule}"


@dataclass(frozen=True)
class LabelSelector:
    """Selects everything when it says nothing."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[LabelRule, ...] = ()

    def mismatch(self, labels: Mapping[str, str]) -> str:
        """Why these labels are not selected, by the first rule that fails; empty when they are."""
        if not self.match_labels and not self.match_expressions:
            return ""
        for key, value in sorted(self.match_labels.items()):
            if labels.get(key) != value:
                return f"label {key} {_shown(key, labels)}, must be {value}"
        reasons = (rule.mismatch(labels) for rule in sorted(self.match_expressions, key=_order))
        return next((reason for reason in reasons if reason), "")


def read_selector(manifest: Mapping[str, Any] | None) -> LabelSelector:
    """The selector a manifest spells as matchLabels and matchExpressions."""
    given = manifest or {}
    rules: Sequence[Mapping[str, Any]] = given.get("matchExpressions") or ()
    return LabelSelector(
        match_labels=dict(given.get("matchLabels") or {}),
        match_expressions=tuple(
            LabelRule(rule["key"], rule["operator"], tuple(rule.get("values") or ())) for rule in rules
        ),
    )


def _order(rule: LabelRule) -> tuple[str, str, tuple[str, ...]]:
    return (rule.key, rule.operator, rule.values)


def _shown(key: str, labels: Mapping[str, str]) -> str:
    if key in labels:
        return f"is {labels[key]}"
    near = close(key, tuple(sorted(labels)))
    return f"is not set ({near} is)" if near else "is not set"
