"""Say how an address is reached. One of a replica needs nothing more than what the replica composed."""

from __future__ import annotations

from kit import conditions
from kit.call import Call
from schemas import ModelEndpoint

_NEEDS_MORE = ("auth", "tls", "rewritePath")


def compose(call: Call[ModelEndpoint]) -> None:
    """Report whether requests can go to the address as it stands."""
    spec = call.xr.spec
    asked = [f"spec.{field}" for field in _NEEDS_MORE if getattr(spec, field) is not None]
    if asked:
        message = (
            f"This version of Modelplane does not act on {', '.join(asked)}: remove it, or add it to each request."
        )
        call.condition("RoutingReady", False, conditions.NOT_AVAILABLE, message)
    else:
        host = f" with Host {spec.hostname}" if spec.hostname else ""
        call.condition("RoutingReady", True, "Ready", f"Requests go to {spec.url}{host}.")
    call.look_again(0)
