"""All that a pod gets beside what its owner wrote, in one table.

The reference page is generated from it. Nothing is ever added to an engine's flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract import sidechannel
from kit import names

SERVING_PORT = 8000
DECODE_PORT = 8001


@dataclass(frozen=True)
class Injected:
    """One field that we set. `unless` says when the owner's own value stands."""

    field: str
    value: Any
    unless: str
    why: str


def _probe(period: int, failures: int, timeout: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/health", "port": SERVING_PORT},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": timeout,
    }


PORT = Injected(
    "containers[engine].ports",
    {"name": "serving", "containerPort": SERVING_PORT, "protocol": "TCP"},
    "a port with containerPort 8000 is listed",
    "Engines serve the OpenAI API on 8000.",
)
PROBES = {
    "startupProbe": Injected(
        "containers[engine].startupProbe",
        _probe(10, 360, 5),
        "a startupProbe is set",
        "Loading a large model takes up to an hour.",
    ),
    "readinessProbe": Injected(
        "containers[engine].readinessProbe",
        _probe(3, 2, 2),
        "a readinessProbe is set",
        "A dead engine leaves its Service within 10 s.",
    ),
    "livenessProbe": Injected(
        "containers[engine].livenessProbe",
        _probe(10, 6, 5),
        "a livenessProbe is set",
        "An engine that hangs is restarted after a minute.",
    ),
}
GANG_ENV = (
    Injected(
        "containers[engine].env MODELPLANE_LEADER_ADDRESS",
        "$(LWS_LEADER_ADDRESS), in the pods of a Leader and its Workers",
        "an entry of that name is set",
        "Workers find their leader; first in the list, so that your own entries can use it.",
    ),
    Injected(
        "containers[engine].env MODELPLANE_RANK",
        "$(LWS_WORKER_INDEX), in the pods of a Leader and its Workers: 0 is the leader",
        "an entry of that name is set",
        "Each pod knows its place; first in the list, so that your own entries can use it.",
    ),
)
ENV = (
    Injected(
        "containers[engine].env MODELPLANE_DEPLOYMENT",
        "name of the ModelDeployment",
        "an entry of that name is set",
        "Logs and metrics can say whose they are.",
    ),
    Injected(
        "containers[engine].env MODELPLANE_REPLICA",
        "name of the ModelReplica",
        "an entry of that name is set",
        "Logs and metrics can say whose they are.",
    ),
    Injected(
        "containers[engine].env MODELPLANE_ENGINE",
        "name of the engine",
        "an entry of that name is set",
        "Logs and metrics can say whose they are.",
    ),
)
DRAIN = Injected(
    "containers[engine].lifecycle.preStop",
    "sleep for rollout.drainSeconds",
    "a preStop hook is set",
    "Requests under way finish before the engine is told to stop.",
)
GRACE = Injected(
    "terminationGracePeriodSeconds",
    "rollout.drainSeconds + 30",
    "terminationGracePeriodSeconds is set",
    "The drain fits, and the engine has time to stop.",
)
POD = (
    Injected(
        "serviceAccountName",
        names.ENGINE_ACCOUNT,
        "never",
        "Pods act as nobody else in the tenant's namespace.",
    ),
    Injected(
        "automountServiceAccountToken",
        False,
        "never",
        "An engine needs no access to the cluster's API.",
    ),
    Injected(
        "enableServiceLinks",
        False,
        "never",
        "A Service called vllm would set VLLM_PORT, which vLLM takes for its own.",
    ),
)
PLACEMENT = (
    Injected("nodeSelector", "the pool's nodeSelector", "never", "Pods run where their replica was placed."),
    Injected("tolerations", "the pool's taints", "added to the owner's", "Pools are tainted to keep others off."),
    Injected("resourceClaims", "one per claiming member", "never", "The devices that were promised are the ones used."),
)
WEIGHTS = Injected(
    f"volumes {names.CACHE_MOUNT}",
    {"name": "modelplane-weights", "mountPath": names.CACHE_MOUNT},
    f"a volume is mounted at {names.CACHE_MOUNT}",
    "With a ModelCache: its volume, in every engine container, for reading and writing.",
)
NIXL_ENV = (
    Injected(
        "containers[engine].env VLLM_NIXL_SIDE_CHANNEL_HOST",
        {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        "an entry of that name is set",
        "PrefillDecode, all pods: NIXL's default is localhost, where no other pod finds it.",
    ),
    Injected(
        "containers[engine].env VLLM_NIXL_SIDE_CHANNEL_PORT",
        {"value": str(sidechannel.DEFAULT)},
        "an entry of that name is set",
        f"PrefillDecode, all pods: where engines agree on a transfer. {sidechannel.OTHER} where the engine publishes KV events on it.",
    ),
)
SHARED_MEMORY = Injected(
    "volumes /dev/shm",
    {"emptyDir": {"medium": "Memory"}},
    "a volume is mounted at /dev/shm",
    "PrefillDecode, all pods: the default of 64 MiB is too little for KV transfers.",
)
SIDECAR = Injected(
    "initContainers pd-sidecar",
    "the image and resources of spec.serving.sidecar, on port 8000",
    "never",
    "PrefillDecode, decode engines: has prompts prefilled elsewhere; the engine itself listens on another port.",
)
SIDECAR_RESOURCES: dict[str, Any] = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
ROLES = (
    Injected(
        "labels llm-d.ai/role",
        "prefill or decode",
        "never",
        "PrefillDecode, pods that answer: the picker's filters go by it.",
    ),
    Injected(
        "labels modelplane.ai/pd-role",
        "prefill or decode",
        "never",
        "PrefillDecode, all pods of a phase, the workers of a group too.",
    ),
)
TABLE = (
    PORT,
    *PROBES.values(),
    *GANG_ENV,
    *ENV,
    DRAIN,
    GRACE,
    *POD,
    *PLACEMENT,
    WEIGHTS,
    *NIXL_ENV,
    SHARED_MEMORY,
    SIDECAR,
    *ROLES,
)
