"""Say of a kind that nothing is done for it yet: never silently."""

from __future__ import annotations

from typing import Any

from kit import conditions
from kit.call import Call

INSTEAD = {
    "ModelService": "Send requests to the gateway of a cluster: kubectl get modelendpoints shows the addresses.",
    "InferenceGateway": "Each workload cluster is reached through its own gateway.",
}


def compose(call: Call[Any]) -> None:
    """Set every condition of the kind to False, with what to do instead."""
    kind = call.xr.kind
    message = f"This version of Modelplane does not act on {kind}. {INSTEAD[kind]}"
    for condition in conditions.of(kind):
        call.condition(condition.type, False, conditions.NOT_AVAILABLE, message)
    call.look_again(0)
