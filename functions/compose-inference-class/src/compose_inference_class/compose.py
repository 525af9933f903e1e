"""Check what a schema cannot: that quantities and versions can be read."""

from __future__ import annotations

from kit.call import Call
from scheduling import read_device
from schemas import InferenceClass
from schemas.inferenceclass import Device


def compose(call: Call[InferenceClass]) -> None:
    """Report whether the class can be used for placement."""
    devices = call.xr.spec.devices
    summary = ", ".join(f"{d.count}x {d.name}" for d in devices)
    call.status(summary=summary)
    problems = sorted(filter(None, (_problem(d) for d in devices)))
    if problems:
        call.condition("Valid", False, "InvalidDevices", "; ".join(problems) + ".")
        call.look_again(0)
        return
    call.condition("Valid", True, "Valid", f"A node offers {summary}.")


def _problem(device: Device) -> str:
    try:
        read_device(device.manifest())
    except ValueError as e:
        return f"spec.{e}"
    return ""
