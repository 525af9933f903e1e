"""A synthetic fleet, a deployment that wants places on it, and the requests of one reconcile as bytes."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from compose_model_deployment import function
from kit import wire
from kit.testing import MOST_ROUNDS
from scenarios import Scenario, named
from scheduling import (
    Cluster,
    DeploymentNeeds,
    DeviceRequest,
    EngineNeed,
    MemberNeed,
    NodeClass,
    Phase,
    Pool,
    read_class,
)

Manifest = dict[str, Any]

POOLS = 8
NODES = 2  # Of each pool.
REPLICAS_PER_CLUSTER = 5
CLASSES = {
    "a100": ("Ampere", "40Gi"),
    "a100-80": ("Ampere", "80Gi"),
    "h100": ("Hopper", "80Gi"),
    "h200": ("Hopper", "141Gi"),
}
ENGINES = {"decode": "80Gi", "prefill": "40Gi"}  # Each on one node, with eight GPUs of so much memory.
MOST_CALLS = 12
OLD = "2026-01-01T00:00:00Z"


def free_nodes(scenario: Scenario, number: int, revision: int = 0) -> list[int]:
    """Of each pool: five replicas of two engines hold ten of a cluster's sixteen nodes."""
    nodes = [NODES] * POOLS
    # The same fleet on every run, so that two runs can be compared.
    shuffled = random.Random(f"{number}/{revision}")  # noqa: S311  # As above: nothing secret.
    held = REPLICAS_PER_CLUSTER * len(ENGINES) if scenario.free else NODES * POOLS
    for pool in shuffled.sample([pool for pool in range(POOLS) for _ in range(NODES)], held):
        nodes[pool] -= 1
    return nodes


def class_of(number: int, pool: int) -> str:
    return list(CLASSES)[(number + pool) % len(CLASSES)]


def devices(name: str) -> list[Manifest]:
    """What a node of a class offers."""
    architecture, memory = CLASSES[name]
    gpu: Manifest = {"name": "gpu", "driver": "gpu.nvidia.com", "deviceClassName": "gpu.nvidia.com", "count": 8}
    attributes = {"architecture": {"string": architecture}, "cudaDriverVersion": {"version": "12.9.0"}}
    return [{**gpu, "attributes": attributes, "capacity": {"memory": {"value": memory}}}]


def selectors(memory: str) -> list[str]:
    return [
        'device.driver == "gpu.nvidia.com"',
        f'device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("{memory}")) >= 0',
    ]


def manifest_of_cluster(scenario: Scenario, number: int, revision: int = 0) -> Manifest:
    """An InferenceCluster as the API server returns it, with the bookkeeping that it keeps."""
    free = free_nodes(scenario, number, revision)
    pools = [
        {"name": f"pool-{pool}", "className": class_of(number, pool), "domain": f"d{pool // 2}"}
        for pool in range(POOLS)
    ]
    taint = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}
    gpu_pools = [
        {**pool, "nodes": NODES, "reserved": NODES - left, "free": left, "waiting": 0}
        for pool, left in zip(pools, free, strict=True)
    ]
    written = {f"f:{field}-{index}": {} for field in ("spec", "status") for index in range(20)}
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "InferenceCluster",
        "metadata": {
            "name": f"cluster-{number:05d}",
            # Two fleets of one process must not be taken for one another: what was read is remembered by uid.
            "uid": f"00000000-0000-4000-8000-{scenario.name}-{number}",
            "resourceVersion": str(1000 + revision),
            "creationTimestamp": OLD,
            "labels": {"region": f"r{number % 5}", "tier": "gold"},
            "managedFields": [{"manager": "crossplane", "operation": "Apply", "fieldsV1": written}],
        },
        "spec": {
            "cluster": {"source": "Existing", "existing": {"secretRef": {"name": f"kubeconfig-{number}"}}},
            "nodePools": [{**pool, "nodeCount": NODES, "zones": ["a"], "taints": [taint]} for pool in pools],
        },
        "status": {
            "gateway": {"address": f"gateway-{number}.example"},
            "providerConfigName": f"cluster-{number:05d}",
            "gpuPools": gpu_pools,
            "conditions": [
                {"type": kind, "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": OLD}
                for kind in ("ClassesFound", "StackReady", "GatewayReady", "PoolNodesFound", "Synced", "Ready")
            ],
        },
    }


def manifest_of_class(name: str) -> Manifest:
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "InferenceClass",
        "metadata": {"name": name, "uid": f"class-{name}", "resourceVersion": "7"},
        "spec": {"devices": devices(name)},
    }


def deployment(wanted: int) -> Manifest:
    """A PrefillDecode deployment: two engines with different needs, whose pools share a domain."""
    transfer = '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'
    args = ["--model=m", f"--kv-transfer-config={transfer}", "--tensor-parallel-size=8"]
    container = {"name": "engine", "image": "vllm/vllm-openai:v0.19.1"}
    own = {"prefill": [], "decode": ["--port=8001"]}
    engines = [
        {
            "name": name,
            "phase": name.title(),
            "copies": 1,
            "members": [
                {
                    "role": "Standalone",
                    "nodeSelector": {
                        "devices": [{"name": "gpu", "count": 8, "selectors": [{"cel": s} for s in selectors(memory)]}]
                    },
                    "template": {"spec": {"containers": [{**container, "args": [*args, *own[name]]}]}},
                }
            ],
        }
        for name, memory in ENGINES.items()
    ]
    metadata = {"name": "qwen", "namespace": "ml-team", "uid": "qwen-uid", "creationTimestamp": OLD}
    spec = {"replicas": wanted, "serving": {"mode": "PrefillDecode"}, "engines": engines}
    return {"apiVersion": "modelplane.ai/v1alpha1", "kind": "ModelDeployment", "metadata": metadata, "spec": spec}


def reconcile(ask: wire.Ask) -> tuple[list[bytes], wire.Answer]:
    """The requests that Crossplane would send, one a round, until what is required comes to rest; and the answer."""
    offered, sent = ask.found, [wire.request(replace(ask, found={})).SerializeToString()]
    got = wire.run(function, replace(ask, found={}))
    for _ in range(MOST_ROUNDS):
        if not got.requirements and len(sent) == 1:
            break
        before = got.requirements
        ask = replace(ask, context=got.context, found={k: v for k, v in offered.items() if k in before})
        sent.append(wire.request(ask).SerializeToString())
        got = wire.run(function, ask)
        if got.requirements == before:
            break
    return sent, got


def ask_of(scenario: Scenario, revision: int = 0) -> wire.Ask:
    """All that the deployment may ask for or has, when it is settled."""
    differs = int(scenario.clusters * scenario.changed)
    found = {
        "clusters": [
            manifest_of_cluster(scenario, number, revision if number < differs else 0)
            for number in range(scenario.clusters)
        ],
        "classes": [manifest_of_class(name) for name in CLASSES],
        "replicas": [],
    }
    ask = wire.Ask(deployment(scenario.wanted), found=found)
    return settled(ask) if scenario.settled else ask


def settled(ask: wire.Ask) -> wire.Ask:
    """The deployment once all of its replicas exist and serve, and nothing more is changed or said."""
    for _ in range(MOST_CALLS):
        _, got = reconcile(ask)
        status = {**got.status, "conditions": got.conditions}
        after = replace(ask, xr={**ask.xr, "status": status}, observed={k: _as_seen(m) for k, m in got.desired.items()})
        if after == ask:
            return ask
        ask = after
    raise RuntimeError(f"the deployment has not come to rest after {MOST_CALLS} calls")


def _as_seen(manifest: Manifest) -> Manifest:
    """An object that exists: a replica is granted, and serves."""
    seen = {**manifest, "metadata": {**manifest["metadata"], "creationTimestamp": OLD}}
    if manifest["kind"] != "ModelReplica":
        return seen
    conditions = [{"type": kind, "status": "True", "reason": "Ready"} for kind in ("Granted", "Ready")]
    endpoint = {"url": "http://west.example", "hostname": "qwen.example"}
    return {**seen, "status": {"conditions": conditions, "endpoint": endpoint, "offer": "0ffe2"}}


def clusters(scenario: Scenario) -> list[Cluster]:
    """The same fleet as `scheduling` takes it."""
    offers: dict[str, NodeClass] = {name: read_class(name, devices(name)) for name in CLASSES}
    return [
        Cluster(
            f"cluster-{number:05d}",
            tuple(
                Pool(f"pool-{pool}", class_of(number, pool), free, offers[class_of(number, pool)], f"d{pool // 2}")
                for pool, free in enumerate(free_nodes(scenario, number))
            ),
        )
        for number in range(scenario.clusters)
    ]


def prefill_decode(wanted: int) -> DeploymentNeeds:
    """The same two engines as a pair: they have to share a domain."""
    phases = {"prefill": Phase.PREFILL, "decode": Phase.DECODE}
    engines = tuple(
        EngineNeed(
            name, (MemberNeed(requests=(DeviceRequest("gpu", tuple(selectors(memory)), 8),)),), phase=phases[name]
        )
        for name, memory in ENGINES.items()
    )
    return DeploymentNeeds("qwen-uid", "ml-team", engines, wanted)


def write(scenario: Scenario, folder: Path) -> None:
    """The requests of a reconcile as files, REVISION-ROUND; several revisions where the fleet changes."""
    folder.mkdir(parents=True)
    for revision in range(2 if scenario.changed else 1):
        for number, sent in enumerate(reconcile(ask_of(scenario, revision))[0]):
            (folder / f"{revision}-{number}").write_bytes(sent)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        write(named(name), Path(sys.argv[1]) / name)
