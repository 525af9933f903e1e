"""One composite at a time, as Crossplane 2.4 reconciles it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit.peeked import EXPLAIN
from kit.wire import Answer

from offline import children, conditions, structural
from offline.admission import Gate
from offline.calling import Caller, NotComposedError
from offline.children import COMPOSITE_LABEL
from offline.conditions import condition
from offline.findings import spell
from offline.kinds import Kind, Kinds
from offline.store import COMPOSITION_KEY, Key, Object, Store, controller_uid, key_of

_FATAL = "A fatal error occurred before the status of this condition could be determined."

_CLOSED = condition("Responsive", True, "WatchCircuitClosed")


class Reconciler:
    """Composes composites into a store."""

    def __init__(self, store: Store, kinds: Kinds, explain: bool = False) -> None:
        self.store = store
        self.kinds = kinds
        self.gate = Gate(kinds)
        self.caller = Caller(store, kinds, explain)
        self.warnings: dict[Key, list[str]] = {}
        self.reasons: dict[Key, list[dict[str, str]]] = {}
        self._admitted: dict[Key, tuple[Object, Object]] = {}

    def reconcile(self, key: Key, kind: Kind) -> None:
        """Compose `key` once and write back what came of it."""
        xr = self._configured(key, kind)
        observed = self._observed(xr)
        try:
            answer = self.caller.call(kind, xr, observed)
        except NotComposedError as error:
            self._failed(xr, str(error), [])
            return
        self.warnings[key] = [r["message"] for r in answer.results if r["severity"] == "Warning"]
        self.reasons[key] = answer.context.get(EXPLAIN, [])
        made = [condition(c["type"], c["status"], c["reason"], c["message"]) for c in answer.conditions]
        made = [c for c in made if c["type"] not in conditions.SYSTEM]
        fatal = next((r["message"] for r in answer.results if r["severity"] == "Fatal"), None)
        if fatal is not None:
            self._failed(xr, f'pipeline step "{kind.step["step"]}" returned a fatal result: {fatal}', made)
            return
        try:
            refused = self._apply(xr, observed, answer)
            self.caller.settled(key, answer)
            self._succeeded(key, kind, answer, [*made, _synced(refused), _ready(answer)])
        except NotComposedError as error:
            self._failed(self._now(key), str(error), made)

    def _configured(self, key: Key, kind: Kind) -> Object:
        """The composite with the fields that Crossplane sets before it calls the function."""
        xr = self._now(key)
        metadata, spec = xr["metadata"], xr.get("spec") or {}
        labels = {COMPOSITE_LABEL: key.name, **(metadata.get("labels") or {})}
        machinery = {
            "compositionRef": {"name": kind.composition["metadata"]["name"]},
            "compositionUpdatePolicy": "Automatic",
            **(spec.get("crossplane") or {}),
        }
        xr = {**xr, "metadata": {**metadata, "labels": labels}, "spec": {**spec, "crossplane": machinery}}
        self.store.put(xr)
        return self._now(key)

    def _now(self, key: Key) -> Object:
        found = self.store.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def _observed(self, xr: Object) -> dict[str, Object]:
        found: dict[str, Object] = {}
        for ref in xr["spec"]["crossplane"].get("resourceRefs") or ():
            value = self.store.get(children.referenced(xr, ref))
            if value is None or controller_uid(value) != xr["metadata"]["uid"]:
                continue
            if name := (value["metadata"].get("annotations") or {}).get(COMPOSITION_KEY):
                found[name] = value
        return dict(sorted(found.items()))

    def _apply(self, xr: Object, observed: Mapping[str, Object], answer: Answer) -> dict[str, str]:
        """Make what exists what is desired; returns which resources were refused, and why."""
        desired = {
            name: children.child(self.kinds, xr, name, wanted, observed.get(name))
            for name, wanted in answer.desired.items()
        }
        for name, value in observed.items():
            if name not in desired:
                self.store.delete(key_of(value))
        refs = [children.reference(v, "namespace" not in xr["metadata"]) for v in desired.values()]
        refs.sort(key=lambda r: r["apiVersion"] + r["kind"] + r["name"] + r.get("namespace", ""))
        machinery = {**xr["spec"]["crossplane"], "resourceRefs": refs}
        self.store.put({**xr, "spec": {**xr["spec"], "crossplane": machinery}})
        return {name: text for name, value in desired.items() if (text := self._apply_one(value))}

    def _apply_one(self, value: Object) -> str:
        key = key_of(value)
        existing = self.store.get(key)
        wanted = children.applied(value, existing)
        raw, admitted = self._admitted.get(key, (None, None))
        if admitted is None or raw != wanted:
            verdict = self.gate.admit(wanted, existing)
            if verdict.problems:
                return f"{key}: " + "; ".join(f"{spell(path)}: {text}" for path, text in verdict.problems)
            admitted = verdict.value
            self._admitted[key] = (wanted, admitted)
        self.store.put(admitted)
        return ""

    def _succeeded(self, key: Key, kind: Kind, answer: Answer, made: list[dict[str, Any]]) -> None:
        xr = self._now(key)
        schema = kind.schema["properties"]["status"]
        status = structural.defaulted(schema, answer.status)
        for path, text in structural.unknown(schema, status, ("status",)):
            raise NotComposedError(f"cannot apply composite resource status: {spell(path)}: {text}")
        self.store.put(
            {**xr, "status": {**status, "conditions": conditions.merged(conditions.of(xr), [_CLOSED, *made])}}
        )

    def _failed(self, xr: Object, why: str, made: list[dict[str, Any]]) -> None:
        """Everything that exists stays; conditions that were not answered become Unknown."""
        known = {c["type"] for c in made} | set(conditions.SYSTEM)
        lost = [
            condition(c["type"], "Unknown", "FatalError", _FATAL) for c in conditions.of(xr) if c["type"] not in known
        ]
        synced = condition("Synced", False, "ReconcileError", f"cannot compose resources: {why}")
        after = conditions.merged(conditions.of(xr), [_CLOSED, *made, *lost, synced])
        status = {**(xr.get("status") or {}), "conditions": after}
        self.store.put({**self._now(key_of(xr)), "status": status})


def _synced(refused: Mapping[str, str]) -> dict[str, Any]:
    if not refused:
        return condition("Synced", True, "ReconcileSuccess")
    text = f"Unsynced resources: {conditions.some(list(refused))} ({'; '.join(refused.values())})"
    return condition("Synced", False, "ReconcileError", text)


def _ready(answer: Answer) -> dict[str, Any]:
    """What the function says of the composite; if nothing, whether all that it wants is ready."""
    if answer.ready is not None:
        return condition("Ready", answer.ready, "Available" if answer.ready else "Creating")
    unready = [name for name in answer.desired if not answer.desired_ready[name]]
    if unready:
        return condition("Ready", False, "Creating", f"Unready resources: {conditions.some(unready)}")
    return condition("Ready", True, "Available")
