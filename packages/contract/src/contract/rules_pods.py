"""Rules about the pods of a prefill and a decode engine: probes, shared memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from contract.findings import Rule, Said, Severity
from contract.flags import Engine as Kind
from contract.read import SERVING_PORT, Deployment, Member, Plain, listed, mapping, text

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_IDLE = ("true", "/bin/true", "/usr/bin/true", "exit 0", "sh -c true", "sh -c exit 0")
# A prefill pod that is dead but Ready answers 502 for its share from v0.9 on.
_SLOWEST_SECONDS = 60
_SHM = "/dev/shm"  # noqa: S108  # The path in the pod.


def _decode_probe(deployment: Deployment) -> Iterator[Said]:
    decode = deployment.decode
    for name in _PROBES if decode else ():
        member = decode.serving if decode else None
        probe = mapping(member.container.get(name)) if member else {}
        if member and SERVING_PORT in _ports(member, probe):
            yield Said(
                (*member.at, name),
                f"{name} of decode engine {decode.name if decode else ''} asks port {SERVING_PORT}, where the sidecar answers for a dead engine too",
                "aim it at the engine's own port, or remove it for the default",
            )


def _probe_port(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        member, port = engine.serving, engine.flags.port
        for name in _PROBES if port and engine.kind is not Kind.UNKNOWN else ():
            asked = _ports(member, mapping(member.container.get(name))) - {port, SERVING_PORT}
            # A port that the container's words name is perhaps another program's.
            if strange := next((p for p in asked if isinstance(p, int) and not _is_named(p, member)), None):
                yield Said(
                    (*member.at, name),
                    f"{name} of engine {engine.name} asks port {strange}, and the engine listens on {port}",
                    f"ask {port}, or remove the probe for the default",
                )


def _is_named(port: int, member: Member) -> bool:
    return str(port) in json.dumps([member.container.get(k) for k in ("command", "args", "env")], default=str)


def _ports(member: Member, probe: Plain) -> set[Any]:
    """The port numbers that a probe asks."""
    asked = [mapping(probe.get(how)).get("port") for how in ("httpGet", "tcpSocket", "grpc")]
    named = {text(mapping(p).get("name")): _number(mapping(p)) for p in listed(member.container.get("ports"))}
    return {named.get(text(port), port) for port in asked if isinstance(port, int | str)}


def _number(port: Plain) -> int:
    number = port.get("containerPort")
    return number if isinstance(number, int) else 0


def _prefill_probe(deployment: Deployment) -> Iterator[Said]:
    prefill = deployment.prefill
    for name in _PROBES[1:] if prefill else ():
        member = prefill.serving if prefill else None
        probe = mapping(member.container.get(name)) if member else {}
        if member and probe and (why := _notices_nothing(probe)):
            yield Said(
                (*member.at, name),
                f"{name} of prefill engine {prefill.name if prefill else ''} {why}",
                "ask GET /health of the engine every few seconds, or remove the probe for the default",
            )


def _notices_nothing(probe: Plain) -> str:
    command = " ".join(str(w) for w in listed(mapping(probe.get("exec")).get("command")))
    if command in _IDLE or command.endswith(("-c true", "-c exit 0")):
        return "succeeds whatever the engine does"
    period, failures = (probe.get(k, d) for k, d in (("periodSeconds", 10), ("failureThreshold", 3)))
    if isinstance(period, int) and isinstance(failures, int) and period * failures > _SLOWEST_SECONDS:
        return f"notices a dead engine after {period * failures} seconds"
    return ""


def _shm_read_only(deployment: Deployment) -> Iterator[Said]:
    for member, index, mount, volume in _shared_memory(deployment):
        if mount.get("readOnly") is True or any(
            k in volume for k in ("configMap", "secret", "downwardAPI", "projected")
        ):
            yield Said(
                (*member.at, "volumeMounts", index),
                f"{_SHM} is mounted read-only; the engine's processes exchange data there",
                "remove the mount: a Memory emptyDir is there without it",
            )


def _shm_on_disk(deployment: Deployment) -> Iterator[Said]:
    for member, index, mount, volume in _shared_memory(deployment):
        on_disk = ("emptyDir" in volume and mapping(volume["emptyDir"]).get("medium") != "Memory") or bool(
            {"persistentVolumeClaim", "ephemeral", "hostPath"} & set(volume)
        )
        if on_disk and mount.get("readOnly") is not True:
            yield Said(
                (*member.at, "volumeMounts", index),
                f"{_SHM} is a volume on disk; the engine's processes exchange data there",
                "give the volume emptyDir: {medium: Memory}, or remove the mount for the default",
            )


def _shared_memory(deployment: Deployment) -> Iterator[tuple[Member, int, Plain, Plain]]:
    for member in (m for e in deployment.phases for m in e.members):
        volumes = {text(mapping(v).get("name")): mapping(v) for v in listed(member.pod.get("volumes"))}
        for index, mount in enumerate(map(mapping, listed(member.container.get("volumeMounts")))):
            if str(mount.get("mountPath", "")).rstrip("/") == _SHM:
                yield member, index, mount, volumes.get(text(mount.get("name")), {})


TABLE = (
    Rule(
        "decode-probe",
        Severity.WARNING,
        "A dead decode engine stays Ready and is never restarted; its share of requests gets 503.",
        "seen: the sidecar's /health is 200 with a dead engine",
        _decode_probe,
    ),
    Rule(
        "prefill-probe",
        Severity.WARNING,
        "A dead prefill pod stays Ready. Up to v0.8 its prompts are prefilled by decode, from v0.9 they get 502.",
        "seen with v0.8.0, v0.9.0 and v0.10.0",
        _prefill_probe,
    ),
    Rule(
        "probe-port",
        Severity.ERROR,
        "The pod never becomes ready, or is restarted for ever; clients get 503.",
        "Kubernetes' probes",
        _probe_port,
    ),
    Rule(
        "shm-read-only", Severity.ERROR, "The engine refuses to start; clients get 503.", "NCCL and UCX", _shm_read_only
    ),
    Rule(
        "shm-on-disk",
        Severity.WARNING,
        "Exchange between processes is as slow as the disk.",
        "NCCL and UCX",
        _shm_on_disk,
    ),
)
