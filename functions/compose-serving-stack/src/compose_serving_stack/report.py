"""What a ServingStack says: each component's state, and two conditions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from kit import names, route
from kit.call import Call
from schemas import ServingStack
from schemas.servingstack import Gateway

from compose_serving_stack import gateway as front
from compose_serving_stack.parts import Part, companions
from compose_serving_stack.releases import State

States = Mapping[Part, State]
# The components that are switched off, and what that means.
Left = Mapping[str, str]
_LONGEST = 400
# Until then one sentence covers all that goes well: each other one is six events of the stack and twelve of its cluster's
# circuit (`design/serving-stack.md`).
YOUTH_SECONDS = 300.0
_LEFT = "left to the cluster"
_GATEWAY = f"Gateway {names.SYSTEM_NAMESPACE}/{names.GATEWAY}"


def waits_for(part: Part, states: States) -> list[str]:
    """The components that must run before `part` is installed and do not; its own when an earlier part of it does not."""
    earlier = [p for p in states if p.component == part.component]
    before = earlier[: earlier.index(part)]
    own = [part.component] if any(not states[p].ready for p in before) else []
    return [*own, *unready(states, part.needs)]


def unready(states: States, components: Iterable[str]) -> list[str]:
    """Those of the components that are to be installed and do not run yet."""
    waiting = {part.component for part, state in states.items() if not state.ready}
    return [name for name in components if name in waiting]


def components(call: Call[ServingStack], states: States, left: Left) -> None:
    """Set `status.components` and ComponentsReady."""
    messages = {name: _message(name, states) for name in dict.fromkeys(part.component for part in states)}
    hints = {name: _hint(name, left) for name, message in messages.items() if message}
    rows = [_row(name, message + hints.get(name, ""), states) for name, message in messages.items()]
    call.status(components=[*rows, *({"name": n, "message": f"{_LEFT}: {why}"} for n, why in left.items())])
    missing = _by_cause({name: messages[name] for name in hints}, hints)
    others = f" {_LEFT.capitalize()}: {', '.join(left)}; status.components says what that means." if left else ""
    if not missing:
        running = ", ".join(messages) or "nothing is asked for"
        call.condition("ComponentsReady", True, "Ready", f"Running: {running}.{others}")
        return
    failed = any(state.failed for state in states.values())
    if not failed and not any(hints.values()) and _is_young(call):
        told = f"Being installed, a few at a time; status.components of ServingStack {call.name} says how far each is."
        call.condition("ComponentsReady", False, "NotReady", told + others)
        return
    call.condition("ComponentsReady", False, "Failed" if failed else "NotReady", f"{'; '.join(missing)}.{others}")


def gateway(call: Call[ServingStack], asked: Gateway, states: States, left: Left) -> None:
    """Set `status.gateway` and GatewayReady."""
    address = _address(call)
    before = call.xr.status.gateway
    found = call.seen_remote(front.KEY)
    callers = front.callers(asked, found) if found else before.callers if before else []
    url = route.url(found, address) if found and address else before.url if before else None
    told = {"address": address or None, "url": url, "callers": callers or None}
    call.status(gateway={key: value for key, value in told.items() if value} or None)
    reason, message = _missing(call, asked, states)
    if not reason:
        call.condition("GatewayReady", True, "Ready", f"{names.GATEWAY} is at {address}.")
        return
    hints = [f" {name} is {_LEFT}: {left[name]}." for name in front.needs(asked) if name in left]
    if reason != "NotReachable" and not hints and not address and _is_young(call):
        reason, message = "NotReady", "The gateway is being set up, after what it needs"
    call.condition("GatewayReady", False, reason, f"{message}.{''.join(hints)}")


def _is_young(call: Call[ServingStack]) -> bool:
    return call.age(call.xr.metadata.creationTimestamp) < YOUTH_SECONDS


def _missing(call: Call[ServingStack], asked: Gateway, states: States) -> tuple[str, str]:
    """Why the gateway does not serve, as a reason and a sentence; nothing when it does."""
    keys = (front.KEY, front.POLICY, front.AUTHORITY, front.NAMESPACE)
    trouble = next(filter(None, map(call.trouble, keys)), "")
    if trouble:
        return "NotReachable", f"{_GATEWAY}: {trouble.rstrip('.')}"
    if all(map(call.is_ready, front.manifests(asked))):
        return "", ""
    waiting = unready(states, front.needs(asked))
    if waiting:
        return "NotReady", f"The gateway waits for {', '.join(waiting)}"
    if call.seen(front.KEY) is None:
        return "NotReady", "The gateway is about to be made"
    if call.is_ready(front.KEY):
        return "NotReady", f"{_GATEWAY} does not follow its policy yet"
    return "NoAddress", f"{_GATEWAY} has no address yet{_why(call)}"


def _row(name: str, message: str, states: States) -> dict[str, object]:
    version = next((s.version for p, s in states.items() if p.component == name and s.version), "")
    row = {"name": name, "ready": not message, "version": version, "message": message}
    return {key: value for key, value in row.items() if value != ""}


def _message(name: str, states: States) -> str:
    """Why a component does not run: what the first of its parts that does not says; empty when it runs."""
    own = [(part, state) for part, state in states.items() if part.component == name and not state.ready]
    if not own:
        return ""
    part, state = own[0]
    waiting = [] if state.failed else waits_for(part, states)
    if waiting:
        return f"waits for {', '.join(waiting)}"
    return textwrap.shorten(state.message.rstrip("."), _LONGEST, placeholder=" …")


def _hint(name: str, left: Left) -> str:
    """What a component that does not run may be waiting for, since nobody here installs it."""
    needed = [n for n in left if n in companions(name)]
    return f"; it needs {' and '.join(needed)}, {_LEFT}" if needed else ""


def _by_cause(messages: Mapping[str, str], hints: Mapping[str, str]) -> list[str]:
    """A cluster that cannot be reached is one cause, not one for each component."""
    names = {cause: [n for n, message in messages.items() if message == cause] for cause in messages.values()}
    return [f"{', '.join(found)}: {cause}{''.join(map(hints.__getitem__, found))}" for cause, found in names.items()]


def _address(call: Call[ServingStack]) -> str:
    """The gateway's address; the last one known while the cluster cannot be read."""
    addresses = call.seen_remote(front.KEY).get("status", {}).get("addresses") or []
    if addresses:
        return str(addresses[0]["value"])
    before = call.xr.status.gateway
    return before.address or "" if before else ""


def _why(call: Call[ServingStack]) -> str:
    """What its controller says of a Gateway that it has not made work."""
    said = call.seen_remote(front.KEY).get("status", {}).get("conditions") or []
    refused = [c for c in said if c.get("type") in ("Accepted", "Programmed") and c.get("status") == "False"]
    return f": {str(refused[0].get('message', '')).rstrip('.')}" if refused else ""
