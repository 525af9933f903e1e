"""What a call says of its composite: every condition of the kind, status, readiness, when to look again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from crossplane.function import resource, response
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from kit import conditions

Manifest = dict[str, Any]

UNSETTLED_SECONDS = 30.0
# An open circuit lets events through once in 30 s for five minutes; a TTL passes it.
OPEN_CIRCUIT_SECONDS = 5.0
OPEN_CIRCUIT_LASTS = 330.0
_FROM_CROSSPLANE = ("conditions", "crossplane")


class Report:
    """Collects, and fills what was not said with what was said before."""

    def __init__(self, kind: str, observed: Manifest) -> None:
        self._types = {c.type: c for c in conditions.of(kind)}
        status = observed.get("status") or {}
        self._before: Manifest = status if isinstance(status, dict) else {}
        self._said: dict[str, resource.Condition] = {}
        self._status: Manifest = {}
        self._keep = False
        self._forgotten: set[str] = set(_FROM_CROSSPLANE)
        self._fatal = ""

    def condition(self, type: str, met: bool | None, reason: str, message: str) -> None:
        """Set one condition. Raises ValueError when the table does not have it."""
        known = self._types.get(type)
        if known is None:
            raise ValueError(f"condition {type} is not in kit.conditions")
        if reason not in known.reasons + conditions.COMMON_REASONS:
            raise ValueError(f"reason {reason} of condition {type} is not in kit.conditions")
        self._said[type] = resource.Condition(type, _status(met), reason, " ".join(message.split()))

    def status(self, **fields: Any) -> None:
        """Set status fields."""
        self._status.update({k: v for k, v in fields.items() if v is not None})

    def keep(self) -> None:
        """Status fields that are not said stay as they are."""
        self._keep = True

    def keep_field(self, field: str) -> None:
        """One status field stays as it is."""
        if field in self._before:
            self._status.setdefault(field, self._before[field])

    def forget(self, field: str) -> None:
        """The status field is not kept; it goes unless it is said again."""
        self._forgotten.add(field)

    def internal_error(self, message: str) -> None:
        """The kind's first condition says that the function itself failed."""
        self._first(None, "InternalError", message)

    def invalid(self, message: str) -> None:
        """The kind's first condition says that the composite cannot be read."""
        self._first(False, "InvalidSpec", message)

    def _first(self, met: bool | None, reason: str, message: str) -> None:
        for type in list(self._types)[:1]:
            self.condition(type, met, reason, message)

    def fatal(self, message: str) -> None:
        """The function cannot go on: Crossplane keeps everything and tries again."""
        self._fatal = message

    def is_ready(self) -> bool:
        """Whether every condition that counts is True, or says that nothing is wrong."""
        said = [self._final(c) for c in self._types.values() if c.counts]
        return all(c.status == "True" or c.reason in conditions.NOTHING_WRONG for c in said)

    def write(self, rsp: fnv1.RunFunctionResponse, ttl: float | None) -> None:
        """Put all of it into the response."""
        response.set_conditions(rsp, *(self._final(c) for c in self._types.values()))
        status = {**self._kept_status(), **self._status}
        if status:
            resource.update_status(rsp.desired.composite, status)
        ready = self.is_ready()
        rsp.desired.composite.ready = fnv1.READY_TRUE if ready else fnv1.READY_FALSE
        rsp.meta.ttl.FromTimedelta(dt.timedelta(seconds=self._look_again(ready, ttl)))
        for was, now in self._transitions():
            self._tell(rsp, was, now)
        if self._fatal:
            response.fatal(rsp, self._fatal)

    def _transitions(self) -> Iterator[tuple[Manifest, resource.Condition]]:
        """What each condition was and is, where that is news; never what is merely not known yet."""
        for type in self._types:
            was, now = conditions.find({"status": self._before}, type), self._final(self._types[type])
            changed = was and (was.get("status"), was.get("reason")) != (now.status, now.reason)
            quiet = now.status == "Unknown" or now.reason in conditions.NOTHING_WRONG
            if changed and not quiet and (now.status != was.get("status") or now.status == "False"):
                yield was, now

    @staticmethod
    def _tell(rsp: fnv1.RunFunctionResponse, was: Manifest, now: resource.Condition) -> None:
        """One event. What is not there yet is no event: it becomes one when it is there, or when it was and is gone."""
        if now.status == "False" and was.get("status") != "True" and now.reason in conditions.NOT_YET:
            return
        say = response.normal if now.status == "True" else response.warning
        say(rsp, f"{now.typ}: {now.message or now.reason}")
        rsp.results[-1].reason = now.reason or ""

    def _final(self, known: conditions.ConditionType) -> resource.Condition:
        said = self._said.get(known.type)
        if said is not None:
            return said
        for before in self._conditions_before():
            if before.get("type") == known.type:
                reason, message = str(before.get("reason") or ""), str(before.get("message") or "")
                return resource.Condition(known.type, str(before.get("status")), reason, message)
        return resource.Condition(known.type, "Unknown", "Pending", "Not decided yet.")

    def _conditions_before(self) -> list[Manifest]:
        return conditions.said_by({"status": self._before})

    def _kept_status(self) -> Manifest:
        if not self._keep:
            return {}
        return {k: v for k, v in self._before.items() if k not in self._forgotten}

    def _look_again(self, ready: bool, ttl: float | None) -> float:
        if self._circuit_is_open():
            return OPEN_CIRCUIT_SECONDS
        if ttl is not None:
            return ttl
        return 0.0 if ready else UNSETTLED_SECONDS

    def _circuit_is_open(self) -> bool:
        for before in self._conditions_before():
            if before.get("type") == "Responsive" and before.get("status") == "False":
                return conditions.seconds_since(before.get("lastTransitionTime")) < OPEN_CIRCUIT_LASTS
        return False


def _status(met: bool | None) -> str:
    if met is None:
        return "Unknown"
    return "True" if met else "False"
