"""The InferenceClasses of a cluster's pools: watched once the cluster can be reached, only looked at before.

Classes are mostly created together with the cluster, and their births would open its circuit.
"""

from __future__ import annotations

from kit.call import Call, NotFetched
from kit.fields import Fields
from kit.objects import group_version_kind
from schemas import InferenceClass, InferenceCluster

LOOK_AGAIN_SECONDS = 5.0
_MISSING = "Missing"
_INVALID = "False"
_UNSAID = "Unknown"


def watch(call: Call[InferenceCluster]) -> dict[str, InferenceClass | None]:
    """The class of each name, None for one that does not exist. Raises NotFetched before they were looked up."""
    found = {name: call.find(f"class-{name}", InferenceClass, name=name) for name in _names(call)}
    if any(f is None for f in found.values()):
        raise NotFetched("classes")
    classes = {name: f[0] if f else None for name, f in found.items()}
    _report(call, {name: _said(one) if one else _MISSING for name, one in classes.items()})
    return classes


def look(call: Call[InferenceCluster]) -> None:
    """Report what the classes say now, without being called when they change."""
    kind = group_version_kind(InferenceClass)
    found = {name: call.peek_manifests(f"class-{name}", *kind, _validity, name=name) for name in _names(call)}
    if any(f is None for f in found.values()):
        raise NotFetched("classes")
    _report(call, {name: f[0] if f else _MISSING for name, f in found.items()})
    call.look_again(LOOK_AGAIN_SECONDS)


def _names(call: Call[InferenceCluster]) -> list[str]:
    return sorted({p.className for p in call.xr.spec.nodePools})


def _said(found: InferenceClass) -> str:
    return next((c.status for c in found.status.conditions if c.type == "Valid"), _UNSAID)


def _validity(found: Fields) -> str:
    said = (c.text("status", "") for c in found.parts("status.conditions") if c.text("type", "") == "Valid")
    return next(said, _UNSAID)


def _report(call: Call[InferenceCluster], said: dict[str, str]) -> None:
    missing = [name for name, word in said.items() if word == _MISSING]
    if missing:
        call.condition(
            "ClassesFound",
            False,
            "NotFound",
            f"InferenceClass {', '.join(missing)} does not exist: create it, or correct spec.nodePools[].className.",
        )
        return
    invalid = [name for name, word in said.items() if word == _INVALID]
    if invalid:
        call.condition(
            "ClassesFound",
            False,
            "NotValid",
            f"InferenceClass {', '.join(invalid)} is not valid; kubectl describe inferenceclass {invalid[0]} says why.",
        )
        return
    call.condition("ClassesFound", True, "Found", f"Found {', '.join(said)}.")
