"""What a ServingStack says: each component's state, and two conditions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from kit import names
from kit.call import Call
from schemas import ServingStack
from schemas.servingstack import Gateway

from compose_serving_stack import gateway as front
from compose_serving_stack.parts import Part
from compose_serving_stack.releases import State

States = Mapping[Part, State]
_LONGEST = 400
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


def components(call: Call[ServingStack], states: States) -> None:
    """Set `status.components` and ComponentsReady."""
    rows = [_row(name, states) for name in dict.fromkeys(part.component for part in states)]
    call.status(components=rows)
    missing = [f"{row['name']}: {str(row['message']).rstrip('.')}" for row in rows if not row["ready"]]
    if not missing:
        call.condition("ComponentsReady", True, "Ready", f"Running: {', '.join(str(r['name']) for r in rows)}.")
        return
    failed = any(state.failed for state in states.values())
    call.condition("ComponentsReady", False, "Failed" if failed else "NotReady", f"{'; '.join(missing)}.")


def gateway(call: Call[ServingStack], asked: Gateway, states: States) -> None:
    """Set `status.gateway` and GatewayReady."""
    address = _address(call)
    call.status(gateway={"address": address} if address else None)
    waiting = unready(states, front.needs(asked))
    trouble = call.trouble(front.KEY) or call.trouble(front.POLICY)
    if trouble:
        call.condition("GatewayReady", False, "NotReachable", f"{_GATEWAY}: {trouble.rstrip('.')}.")
    elif all(map(call.is_ready, front.manifests(asked))):
        call.condition("GatewayReady", True, "Ready", f"{names.GATEWAY} is at {address}.")
    elif waiting:
        call.condition("GatewayReady", False, "NotReady", f"The gateway waits for {', '.join(waiting)}.")
    elif call.seen(front.KEY) is None:
        call.condition("GatewayReady", False, "NotReady", "The gateway is about to be made.")
    else:
        call.condition("GatewayReady", False, "NoAddress", f"{_GATEWAY} has no address yet{_why(call)}.")


def _row(name: str, states: States) -> dict[str, object]:
    """A component runs when all of its parts do; the first that does not says why."""
    own = {part: state for part, state in states.items() if part.component == name}
    part, state = next(((p, s) for p, s in own.items() if not s.ready), list(own.items())[-1])
    row = {"name": name, "ready": state.ready, "message": _message(part, state, states)}
    return {**row, "version": state.version} if state.version else row


def _message(part: Part, state: State, states: States) -> str:
    if state.ready:
        return ""
    waiting = [] if state.failed else waits_for(part, states)
    if waiting:
        return f"waits for {', '.join(waiting)}"
    return textwrap.shorten(state.message, _LONGEST, placeholder=" …")


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
