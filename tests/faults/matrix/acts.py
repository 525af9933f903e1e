"""What can be done to the stage, by the names that faults.yaml uses."""

from __future__ import annotations

import base64
import datetime as dt
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import local
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from local import ports
from local.control import up
from local.state import CONTROL_PLANE
from schemas import apis

from matrix.stage import Stage, give_kubeconfig, kubeconfig_of

Manifest = dict[str, Any]
HERE = Path(__file__).resolve().parent
_impostors: list[subprocess.Popen[bytes]] = []


def act(stage: Stage, step: Manifest) -> str:
    """Do one step; what kubectl answered, if it was asked."""
    ((name, argument),) = step.items()
    return ACTS[name](stage, argument) or ""


def _kill(stage: Stage, processes: list[str]) -> None:
    stage.kill(*processes)


def _start(stage: Stage, processes: list[str]) -> None:
    stage.start(*processes)


def _kill_all(stage: Stage, _: object) -> None:
    """All that there is, besides the machines: they are not ours."""
    machines = ("kwok", "lws", "scheduler", "fleet")
    stage.kill(*(p.name for p in local.status(stage.cluster.state.folder) if not p.name.endswith(machines)))


def _repair(stage: Stage, _: object) -> None:
    """`modelplane up`, as a person would."""
    up(local.Options(state=stage.cluster.state.folder, kubeconfig=False))
    for name in stage.wires:
        through = yaml.safe_dump(kubeconfig_of(stage, name))
        give_kubeconfig(stage, f"cluster-{stage.index(name)}-kubeconfig", through)


def _pause(stage: Stage, processes: list[str]) -> None:
    stage.pause(*processes)


def _go_on(stage: Stage, processes: list[str]) -> None:
    stage.go_on(*processes)


def _cut(stage: Stage, name: str) -> None:
    stage.wires[name].cut()


def _mend(stage: Stage, name: str) -> None:
    stage.wires[name].mend()


def _kubectl(stage: Stage, command: str) -> str:
    return stage.plane.kubectl(*shlex.split(command), check=False)


def _on_west(stage: Stage, command: str) -> str:
    return stage.on("west")(*shlex.split(command))


def _on_east(stage: Stage, command: str) -> str:
    return stage.on("east")(*shlex.split(command))


def _apply(stage: Stage, file: str) -> str:
    return stage.plane.kubectl("apply", "-f", str(HERE.parent / file))


def _impostor(stage: Stage, how: str) -> None:
    """Send Crossplane to another server than our functions."""
    port = ports.assign(["impostor"], {}, [])["impostor"]
    certificates = stage.cluster.state.pki(CONTROL_PLANE).tls
    started = subprocess.Popen([sys.executable, str(HERE / "impostor.py"), how, str(port), str(certificates)])
    _impostors.append(started)
    stage.plane.wait("the impostor listens", lambda: ports.answers(port) or started.poll() is not None)
    _point(stage, port)


def _honest(stage: Stage, _: object) -> None:
    _point(stage, stage.record("functions").port)
    for each in _impostors:
        each.kill()
        each.wait()
    _impostors.clear()


def _point(stage: Stage, port: int) -> None:
    patch = json.dumps({"status": {"endpoint": f"127.0.0.1:{port}"}})
    for revision in stage.plane.kubectl.get("functionrevisions"):
        name = revision["metadata"]["name"]
        stage.plane.kubectl("patch", "functionrevision", name, "--subresource=status", "--type=merge", "-p", patch)


def _kubeconfig(stage: Stage, how: str) -> None:
    """Give west another kubeconfig; the machines' own Secret stays as it is, so their keeper must not mend it."""
    good = kubeconfig_of(stage, "west")
    stage.go_on("fleet") if how == "good" else stage.pause("fleet")
    give_kubeconfig(stage, "west-kubeconfig", KUBECONFIGS[how](stage, good))


def _expired(stage: Stage, good: Manifest) -> str:
    """The administrator's certificate, signed anew with an end of yesterday."""
    pki = stage.cluster.state.pki(f"cluster-{stage.index('west')}")
    old = x509.load_pem_x509_certificate(pki.admin.read_bytes())
    authority = serialization.load_pem_private_key(pki.ca_key.read_bytes(), None)
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now - dt.timedelta(days=1))
    )
    for extension in old.extensions:
        built = built.add_extension(extension.value, extension.critical)
    signed = built.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    user = good["users"][0]["user"]
    user["client-certificate-data"] = base64.b64encode(signed).decode()
    return yaml.safe_dump(good)


KUBECONFIGS: dict[str, Callable[[Stage, Manifest], str]] = {
    "good": lambda _stage, good: yaml.safe_dump(good),
    "wrong": lambda _stage, _good: "not: a kubeconfig",
    "expired": _expired,
}


def _pods(stage: Stage, what: Manifest) -> None:
    """Play the kubelets of `most` pods of a replica: they say Ready or not."""
    on, where = stage.on(what["cluster"]), f",{what['where']}" if "where" in what else ""
    found = on.get("pods", "-n", "mp-default", "-l", f"modelplane.ai/replica={what['of']}{where}")
    patch = json.dumps({"status": {"conditions": [{"type": "Ready", "status": str(what["ready"])}]}})
    for pod in sorted(found, key=lambda p: p["metadata"]["name"])[: what.get("most")]:
        name = pod["metadata"]["name"]
        on("patch", "pod", name, "-n", "mp-default", "--subresource=status", "-p", patch)


def _node(stage: Stage, what: Manifest) -> None:
    """Play the kubelet of the node of a replica's first pod."""
    on = stage.on(what["cluster"])
    found = on.get("pods", "-n", "mp-default", "-l", f"modelplane.ai/replica={what['of']}")
    node = min(found, key=lambda p: p["metadata"]["name"])["spec"]["nodeName"]
    condition = {"type": "Ready", "status": str(what["ready"]), "reason": "Played", "message": "played by the test"}
    on("patch", "node", node, "--subresource=status", "-p", json.dumps({"status": {"conditions": [condition]}}))


def _nodes(stage: Stage, what: Manifest) -> None:
    """Wait until the kubelets of a cluster are heard again."""

    def heard() -> bool:
        conditions = [c for n in stage.on(what["cluster"]).get("nodes") for c in n["status"]["conditions"]]
        return all(c["status"] == "True" for c in conditions if c["type"] == "Ready")

    stage.plane.wait("the nodes are heard", heard)


def _wipe(stage: Stage, what: str) -> None:
    """Take the whole status of these objects away, as a restore without statuses would."""
    for found in stage.plane.kubectl.get(what, "-A"):
        gone = json.dumps({"status": dict.fromkeys(found.get("status", {}))})
        where = ("-n", found["metadata"]["namespace"]) if "namespace" in found["metadata"] else ()
        patch = ("--subresource=status", "--type=merge", "-p", gone)
        stage.plane.kubectl("patch", what, found["metadata"]["name"], *where, *patch)


def _xrd(stage: Stage, how: str) -> None:
    """Every kind with one more optional field, as a newer version would bring; or as they were."""
    definitions = json.loads(json.dumps(list(apis.definitions())))
    if how == "newer":
        for definition in definitions:
            schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            field = {"type": "string", "maxLength": 63, "default": "new", "description": "A field of a newer version."}
            schema["properties"]["spec"].setdefault("properties", {})["newer"] = field
    for definition in definitions:
        stage.plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(definition))


ACTS: dict[str, Callable[[Stage, Any], str | None]] = {
    "kill": _kill,
    "start": _start,
    "kill all": _kill_all,
    "repair": _repair,
    "pause": _pause,
    "go on": _go_on,
    "cut": _cut,
    "mend": _mend,
    "kubectl": _kubectl,
    "west": _on_west,
    "east": _on_east,
    "apply": _apply,
    "impostor": _impostor,
    "honest": _honest,
    "kubeconfig": _kubeconfig,
    "pods": _pods,
    "node": _node,
    "nodes": _nodes,
    "wipe": _wipe,
    "xrd": _xrd,
}
