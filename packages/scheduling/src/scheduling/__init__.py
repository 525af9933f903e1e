"""Where replicas go: pure values and functions, without Crossplane or Kubernetes."""

from scheduling.capacity import Claim, Cluster, Device, NodeClass, Pool, read_class, read_device
from scheduling.cel import compile_error, literal_errors
from scheduling.explain import Gate, InvalidSelector, Refusal, Stale, count_of, likewise, summary
from scheduling.labels import LabelRule, LabelSelector, read_selector
from scheduling.match import ResolvedRequest
from scheduling.needs import DeploymentNeeds, DeviceRequest, EngineNeed, Kept, MemberNeed, Phase
from scheduling.place import Decision, Placement, place, scale_down
from scheduling.sites import preference
from scheduling.stay import stay

__all__ = [
    "Claim",
    "Cluster",
    "Decision",
    "DeploymentNeeds",
    "Device",
    "DeviceRequest",
    "EngineNeed",
    "Gate",
    "InvalidSelector",
    "Kept",
    "LabelRule",
    "LabelSelector",
    "MemberNeed",
    "NodeClass",
    "Phase",
    "Placement",
    "Pool",
    "Refusal",
    "ResolvedRequest",
    "Stale",
    "compile_error",
    "count_of",
    "likewise",
    "literal_errors",
    "place",
    "preference",
    "read_class",
    "read_device",
    "read_selector",
    "scale_down",
    "stay",
    "summary",
]
