"""What stands on a workload cluster for one replica, as far as it tells which link is broken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from contract.check import check

from cli.proving import Pods, Remote, Target, engine_port
from cli.verdict import Parts

Manifest = dict[str, Any]
# What pods alone can tell; the other rules need what their author wrote.
_RULES = re.compile(
    r"decode-port|models-differ|kv-.*|dtypes-differ|connector.*|block-size-phases|side-channel-host"
    r"|picker-(no-handler|decider.*|headers-handler|profile-name|filter-swapped|reference|gate-.*|parameters|api-version)"
)
_HEADER = re.compile(r"(?i)x-prefiller-host-port|x-encoder-hosts-ports")


def read(remote: Remote, target: Target, pods: Pods) -> Parts:
    """Look at every link once."""
    space = target.namespace
    routes = [r for r in remote.get("httproutes", space) if target.hostname in (r["spec"].get("hostnames") or [])]
    pools = [p for p in remote.get("inferencepools", space) if _selects(p, pods)]
    serving = (*pods.prefill, *pods.decode)
    ready = [p for p in pods.prefill if _ready(p)]
    account = next((p["spec"].get("serviceAccountName", "") for p in pods.picker), "")
    return Parts(
        decode_ready=sum(map(_ready, pods.decode)),
        prefill_ready=len(ready),
        prefill_answer=sum(_answers(remote, p) for p in ready),
        picker_ready=sum(map(_ready, pods.picker)),
        picker_allowed=not account or remote.allowed(account, space),
        picker_secure=not any("--secure-serving=false" in _words(c) for p in pods.picker for c in _containers(p)),
        roles=[p["metadata"]["labels"].get("llm-d.ai/role", "") for p in serving],
        pool_port=next((p["spec"]["targetPorts"][0]["number"] for p in pools), 0),
        pools_of_a_rule=max((_pools(rule) for r in routes for rule in r["spec"].get("rules") or []), default=0),
        headers_removed=[h for r in routes for rule in r["spec"].get("rules") or [] for h in _removed(rule)],
        sidecar=next((_sidecar(p) for p in pods.decode), {}),
        engine_port=next((engine_port(p) for p in pods.decode), 0),
        contract=broken(pods),
        nixl=any(map(_speaks_nixl, serving)),
        side_channel=all(map(_own_side_channel, serving)),
        shared_memory=all(map(_memory, serving)),
    )


def broken(pods: Pods) -> list[str]:
    """The rules that these pods break, read as if they were a deployment."""
    phases = (("prefill", "Prefill", pods.prefill), ("decode", "Decode", pods.decode))
    engines = [
        {"name": name, "phase": phase, "members": [{"role": "Standalone", "template": {"spec": found[0]["spec"]}}]}
        for name, phase, found in phases
        if found
    ]
    serving = {"mode": "PrefillDecode", "endpointPicker": _picker(pods.picker)}
    found = check({"spec": {"serving": serving, "engines": engines}})
    ids = dict.fromkeys(f.id for f in found if _RULES.fullmatch(f.id) and (f.counts or f.id == "block-size-phases"))
    return sorted(ids, key=lambda rule: not rule.endswith(("-differ", "-phases")))


def _picker(pods: Sequence[Manifest]) -> Manifest:
    for container in (c for p in pods for c in p["spec"]["containers"] if c["name"] == "picker"):
        text = next((w.partition("=")[2] for w in _words(container) if w.startswith("--config-text=")), "")
        config = yaml.safe_load(text) if text else None
        return {"image": container["image"], **({"config": config} if config else {})}
    return {}


def _answers(remote: Remote, pod: Manifest) -> bool:
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{engine_port(pod)}/proxy/health"
    return remote.raw(path) is not None


def _ready(pod: Manifest) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _selects(pool: Manifest, pods: Pods) -> bool:
    wanted = pool["spec"]["selector"]["matchLabels"].items()
    return any(wanted <= p["metadata"]["labels"].items() for p in (*pods.prefill, *pods.decode))


def _pools(rule: Mapping[str, Any]) -> int:
    return sum(b.get("kind") == "InferencePool" for b in rule.get("backendRefs") or [])


def _removed(rule: Mapping[str, Any]) -> list[str]:
    modifiers = [f["requestHeaderModifier"] for f in rule.get("filters") or [] if "requestHeaderModifier" in f]
    return [h.lower() for m in modifiers for h in m.get("remove") or [] if _HEADER.fullmatch(h)]


def _sidecar(pod: Manifest) -> dict[str, Any]:
    for container in _containers(pod):
        words = _words(container)
        flags = dict(w.lstrip("-").partition("=")[::2] for w in words)
        if container["name"] == "pd-sidecar":
            engine = flags.get("vllm-port") or flags.get("model-server-port") or "8001"
            secure = flags.get("secure-proxy", "true") != "false"
            speaks = flags.get("kv-connector") or "nixlv2"
            return {"port": int(flags.get("port") or 8000), "engine": int(engine), "tls": secure, "connector": speaks}
    return {}


def _own_side_channel(pod: Manifest) -> bool:
    """Pods whose engine transfers nothing by NIXL need none."""
    if not _speaks_nixl(pod):
        return True
    engine = next(c for c in pod["spec"]["containers"] if c["name"] == "engine")
    entries = [e for e in engine.get("env") or [] if e["name"] == "VLLM_NIXL_SIDE_CHANNEL_HOST"]
    own = [e.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath") == "status.podIP" for e in entries]
    return any(own) or any(e.get("value") == pod.get("status", {}).get("podIP") for e in entries)


def _speaks_nixl(pod: Manifest) -> bool:
    engine = next(c for c in pod["spec"]["containers"] if c["name"] == "engine")
    return "NixlConnector" in " ".join(_words(engine))


def _memory(pod: Manifest) -> bool:
    engine = next(c for c in pod["spec"]["containers"] if c["name"] == "engine")
    names = [m["name"] for m in engine.get("volumeMounts") or [] if m["mountPath"] == _SHARED]
    volumes = [v for v in pod["spec"].get("volumes") or [] if v["name"] in names]
    return any((v.get("emptyDir") or {}).get("medium") == "Memory" for v in volumes)


_SHARED = "/dev/shm"  # noqa: S108  # A mount point, no temporary file.


def _containers(pod: Manifest) -> list[Manifest]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _words(container: Mapping[str, Any]) -> list[str]:
    return [*(container.get("command") or []), *(container.get("args") or [])]
