"""The port where vLLM's engines agree on a transfer of KV blocks, and who else may want it."""

from __future__ import annotations

import json
import re

from contract.flags import Flags

HOST, PORT = "VLLM_NIXL_SIDE_CHANNEL_HOST", "VLLM_NIXL_SIDE_CHANNEL_PORT"
DEFAULT, OTHER = 5557, 5600
_BOUND = re.compile(r"tcp://(?:\*|\[::\]):(\d{1,5})")


def port_of(flags: Flags) -> int | None:
    """The port of an engine's side channel; None when it is unknown."""
    written = flags.env.get(PORT, str(port_unless_set(flags)))
    return int(written) if isinstance(written, str) and re.fullmatch(r"\d{1,5}", written) else None


def port_unless_set(flags: Flags) -> int:
    """The port that an engine is given where its owner sets none: not the one that it publishes KV events on."""
    return OTHER if events_port(flags) == DEFAULT else DEFAULT


def events_port(flags: Flags) -> int | None:
    """The port that `--kv-events-config` binds, if it surely binds one."""
    try:
        events = json.loads(flags.text("kv-events-config") or "{}")
    except (ValueError, RecursionError):
        return None
    # vLLM binds an address with a star, and connects to any other; 5557 is its default.
    if not isinstance(events, dict) or events.get("enable_kv_cache_events") is not True:
        return None
    bound = _BOUND.fullmatch(str(events.get("endpoint", f"tcp://*:{DEFAULT}")))
    return int(bound.group(1)) if bound and events.get("publisher") == "zmq" else None
