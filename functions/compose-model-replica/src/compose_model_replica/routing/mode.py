"""What a way of serving is to the rest of a replica. A new one adds a row to `routing.MODES` and touches no workload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine

from compose_model_replica.pod import Decorate
from compose_model_replica.site import Site


@dataclass(frozen=True)
class Mode:
    """One value of spec.serving.mode."""

    port: Callable[[ModelReplica, Engine], int]
    """Where the engine itself listens, and is probed."""
    decorate: Callable[[ModelReplica], Decorate]
    """Adds to the pod templates of a replica; it removes nothing."""
    want: Callable[[Call[ModelReplica], Site], None]
    """Wants what brings requests to the pods."""
    report: Callable[[Call[ModelReplica]], None]
    """Says RoutingReady and Disaggregating."""
    answering: Callable[[Engine], bool]
    """Whether a replica serves when one copy of this engine is ready."""
