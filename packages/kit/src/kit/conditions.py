"""Every condition of every kind, in one table: who says what, and what Ready means.

A composite is Ready when each of its conditions that count is True or says that nothing is wrong. The reference
page is generated from this table, and the kit refuses a condition that is not in it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOT_AVAILABLE = "NotAvailable"
# Reasons of conditions that are not True although nothing is wrong: people need not be told each time.
NOTHING_WRONG = ("NotRequested", "NotChecked", "NotManaged")
# Reasons of what is still on its way, as everything is at first.
NOT_YET = (
    "Pending",
    "Hydrating",
    "SecretsMissing",
    "NotReady",
    "Waiting",
    "TenantNotReady",
    "GrantNotFound",
    "NoAddress",
)
COMMON_REASONS = ("Pending", "InternalError", "InvalidSpec", NOT_AVAILABLE)


@dataclass(frozen=True)
class ConditionType:
    """One condition of one kind. `counts`: for the composite to be Ready it must be True, or say that nothing is wrong."""

    kind: str
    type: str
    meaning: str
    reasons: tuple[str, ...] = ()
    counts: bool = True


TABLE = (
    ConditionType(
        "InferenceClass", "Valid", "Quantities and versions of all devices can be read.", ("Valid", "InvalidDevices")
    ),
    ConditionType(
        "InferenceCluster",
        "ClassesFound",
        "Every node pool's InferenceClass exists and is valid.",
        ("Found", "NotFound", "NotValid"),
    ),
    ConditionType(
        "InferenceCluster",
        "StackReady",
        "The serving stack that is installed on the cluster runs.",
        ("Ready", "NotManaged", "NotReady", "Failed"),
    ),
    ConditionType(
        "InferenceCluster",
        "GatewayReady",
        "The cluster's inference gateway has an address.",
        ("Ready", "NotReady", "NotReachable", "NoGateway", "NoAddress"),
    ),
    ConditionType(
        "InferenceCluster",
        "PoolNodesFound",
        "The cluster has the nodes that its pools declare.",
        ("Found", "NotChecked", "NotFound"),
        counts=False,
    ),
    ConditionType(
        "ModelDeployment",
        "ContractValid",
        "The engines' flags fit together and fit how they are served.",
        ("Valid", "Warnings", "InvalidContract"),
    ),
    ConditionType(
        "ModelDeployment",
        "ReplicasScheduled",
        "Every replica has a cluster.",
        (
            "Scheduled",
            "NoClusters",
            "InsufficientCapacity",
            "InvalidNodeSelector",
            "NoFittingCluster",
            "WaitingForCache",
            "InvalidContract",
        ),
    ),
    ConditionType(
        "ModelDeployment",
        "PlacementCurrent",
        "Every replica still fits where it runs.",
        ("Current", "Outdated", "Moving"),
        counts=False,
    ),
    ConditionType(
        "ModelDeployment", "ReplicasReady", "Every replica serves.", ("Ready", "NotReady", "NoReplicas", "Rolling")
    ),
    ConditionType(
        "ModelDeployment",
        "ModelCacheResolved",
        "The ModelCache that is asked for can be used.",
        ("Resolved", "NotRequested", "NotFound", "NotHydrated"),
        counts=False,
    ),
    ConditionType(
        "ModelReplica",
        "ContractValid",
        "The engines' flags fit together and fit how they are served.",
        ("Valid", "NotChecked"),
        counts=False,
    ),
    ConditionType(
        "ModelReplica",
        "Granted",
        "The replica's cluster has given it nodes and prepared the tenant's namespace.",
        (
            "Granted",
            "Waiting",
            "Refused",
            "GrantNotFound",
            "ClusterNotFound",
            "PoolNotFound",
            "TenantNotReady",
        ),
        counts=False,  # What runs goes on serving when its cluster's record is lost.
    ),
    ConditionType(
        "ModelReplica",
        "EnginesReady",
        "At least one copy answers.",
        ("Ready", "NotReady", "PartlyReady", "SecretsMissing"),
    ),
    ConditionType("ModelReplica", "RoutingReady", "The replica's route is accepted.", ("Ready", "NotReady")),
    ConditionType(
        "ModelReplica",
        "Disaggregating",
        "Prompts are prefilled on other pods than those that decode.",
        (
            "Disaggregating",
            "Proven",
            "Disproven",
            "NotRequested",
            "NotRouted",
            "PrefillUnavailable",
            "DecodeUnavailable",
        ),
        counts=False,
    ),
    ConditionType(
        "ModelRoute",
        "RoutingReady",
        "The replica's route, pool and picker are ready.",
        ("Ready", "NotReady", "UnknownPicker"),
    ),
    ConditionType(
        "ModelEndpoint",
        "RoutingReady",
        "A gateway may send requests to the address, and has what it needs for it.",
        ("Ready", "InvalidURL", "NotAllowed", "SecretNotFound", "InvalidSecret"),
    ),
    ConditionType(
        "ModelService",
        "RoutingReady",
        "The service has an address, and a ready endpoint answers there.",
        (
            "Ready",
            "NotReady",
            "NoGateway",
            "NoAddress",
            "NoEndpoints",
            "NoReadyEndpoint",
            "NoAuthority",
            "TooManyEndpoints",
            "PathsDiffer",
            "NotAccepted",
        ),
    ),
    ConditionType(
        "InferenceGateway",
        "RoutingReady",
        "The gateway has an address, and drops what clients must not send.",
        ("Ready", "NotReady", "NotInstalled", "NotAccepted", "NoAddress"),
    ),
    ConditionType(
        "InferenceGateway",
        "CallersAuthenticated",
        "Callers must show who they are.",
        ("Authenticated", "NotRequested", "NotReady"),
        counts=False,
    ),
    ConditionType(
        "ModelCache",
        "Hydrated",
        "The weights are on every cluster that is selected.",
        ("Hydrated", "Hydrating", "Failed", "NoClusters", "TooManyClusters"),
    ),
    ConditionType(
        "ClusterCache",
        "Hydrated",
        "The volume on the cluster holds the weights.",
        ("Hydrated", "Hydrating", "SecretsMissing", "Failed"),
    ),
    ConditionType(
        "ServingStack",
        "ComponentsReady",
        "Every component that is not switched off runs.",
        ("Ready", "NotReady", "Failed"),
    ),
    ConditionType(
        "ServingStack",
        "GatewayReady",
        "The cluster's gateway has an address, and drops what clients must not send.",
        ("Ready", "NotReady", "NotReachable", "NoAddress"),
    ),
    ConditionType(
        "CapacityLedger", "Arbitrated", "Every claim on the cluster's nodes has its answer.", ("Arbitrated",)
    ),
    ConditionType(
        "ClusterTenant",
        "NamespaceReady",
        "The tenant's namespace and service account exist on the cluster.",
        ("Ready", "NotReady"),
    ),
    ConditionType(
        "ClusterTenant",
        "PickersAllowed",
        "Endpoint pickers may read pods and pools of the tenant's namespace.",
        ("Ready", "NotReady"),
        counts=False,  # Only PrefillDecode has pickers.
    ),
    ConditionType(
        "ClusterTenant",
        "CallersLimited",
        "A NetworkPolicy lets only the gateway, monitoring and the tenant itself reach the tenant's pods.",
        ("Ready", "NotReady", "NotManaged"),
        counts=False,  # Whether it is enforced is the cluster's network's.
    ),
)


def of(kind: str) -> tuple[ConditionType, ...]:
    """The conditions of `kind`, in the order they are reported."""
    return tuple(c for c in TABLE if c.kind == kind)


def said_by(manifest: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The conditions in an object's status; what is none of a condition's shape is passed over."""
    status = (manifest or {}).get("status")
    found = status.get("conditions") if isinstance(status, Mapping) else None
    return [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []


def find(manifest: Mapping[str, Any] | None, type: str) -> dict[str, Any]:
    """One condition of an object; empty when it has not said that one."""
    return next((c for c in said_by(manifest) if c.get("type") == type), {})


def now() -> str:
    """This moment as a Kubernetes timestamp."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(timestamp: Any) -> float:
    """How long ago a Kubernetes timestamp was; endless when it is none."""
    try:
        then = dt.datetime.fromisoformat(str(timestamp))
    except ValueError:
        return math.inf
    return (dt.datetime.now(dt.UTC) - then.replace(tzinfo=then.tzinfo or dt.UTC)).total_seconds()
