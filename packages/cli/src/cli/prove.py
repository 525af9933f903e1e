"""`modelplane prove md/NAME`: whether a deployment's long prompts are prefilled on one pod and decoded on another."""

from __future__ import annotations

import base64
import json
import ssl
import sys
import tempfile
from dataclasses import asdict, dataclass
from typing import Any

import click
from kit.labels import PROOF

from cli import kubectl
from cli.workload import reached

HELP = """\
Prove that each replica of a PrefillDecode deployment disaggregates.

A 200 proves nothing: a replica that computes everything on its decode pods answers
200 too. Four requests go through the replica's own route (a long prompt, the same
again, a short one, a streamed one) and the engines' own counters are read before and
after, through the workload cluster's API server. Other traffic meanwhile is counted too.

\b
Verdicts:
  Disaggregating     prefilled on prefill pods, decoded on decode pods
  DecodeOnly         the picker never asks a prefill pod
  PrefillOnDecode    it does, and the request never gets there
  KVTransferFailing  prefill pods compute, decode pods do not get the KV cache
  PrefillIdle        no prefill pod answers
  Unreachable        requests fail

\b
Examples:
  modelplane prove md/qwen
  modelplane prove md/qwen -n ml-team -o json --record

\b
Exit codes: 0 every replica disaggregates, 1 one does not, 2 invalid input,
4 something that is needed cannot be reached.
"""
_INVALID = 2


@click.command(name="prove", help=HELP)
@click.argument("deployment", metavar="md/NAME")
@click.option("-n", "--namespace", default="default", show_default=True, help="The deployment's namespace.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--record", is_flag=True, help="Note the verdict at each replica, whose condition Disaggregating then tells it."
)
@kubectl.options
def command(deployment: str, namespace: str, output: str, record: bool, **asked: str) -> None:
    """Prove it, replica by replica."""
    kind, _, name = deployment.partition("/")
    if kind not in ("md", "modeldeployment", "modeldeployments") or not name:
        click.echo(f"{deployment}: name a ModelDeployment as md/NAME", err=True)
        sys.exit(_INVALID)
    plane = Plane(asked["kubeconfig"], asked["context"], namespace)
    told = []
    for replica in plane.replicas(name):
        told.append(proven(plane, replica))
        if record:
            plane.note(replica, told[-1])
    click.echo(json.dumps({"replicas": told}, indent=2) if output == "json" else "\n".join(map(_text, told)))
    sys.exit(0 if all(t["verdict"] == "Disaggregating" for t in told) else 1)


@dataclass(frozen=True)
class Plane:
    """The control plane that a deployment is on."""

    kubeconfig: str
    context: str
    namespace: str

    def get(self, *what: str) -> dict[str, Any]:
        """What kubectl gets there."""
        found: dict[str, Any] = json.loads(kubectl.run(self.kubeconfig, self.context, "get", *what, "-o", "json"))
        return found

    def find(self, *what: str) -> dict[str, Any] | None:
        """What kubectl gets there, if it is there."""
        text = kubectl.run(self.kubeconfig, self.context, "get", *what, "-o", "json", "--ignore-not-found")
        return dict(json.loads(text)) if text.strip() else None

    def replicas(self, name: str) -> list[dict[str, Any]]:
        """The replicas of a deployment that is served by two phases."""
        found = self.get("modeldeployment", name, "-n", self.namespace)
        if found["spec"].get("serving", {}).get("mode") != "PrefillDecode":
            click.echo(
                f"{name} is served in one phase: there is nothing to prove, spec.serving.mode is Unified", err=True
            )
            sys.exit(_INVALID)
        items = self.get("modelreplica", "-n", self.namespace, "-l", f"modelplane.ai/deployment={name}")["items"]
        if not items:
            click.echo(f"{name} has no replica yet: see `kubectl describe md/{name}`", err=True)
            sys.exit(kubectl.UNREACHABLE)
        return sorted(items, key=lambda r: str(r["metadata"]["name"]))

    def note(self, replica: dict[str, Any], told: dict[str, Any]) -> None:
        """Write a verdict to a replica, with the revision that it is about."""
        noted = {"revision": replica["spec"].get("revision"), **{k: told[k] for k in ("verdict", "link", "look")}}
        where = ("modelreplica", replica["metadata"]["name"], "-n", self.namespace)
        words = ("annotate", "--overwrite", *where, f"{PROOF}={json.dumps(noted)}")
        kubectl.run(self.kubeconfig, self.context, *words)

    def secret(self, cluster: str) -> str:
        """The kubeconfig of a workload cluster."""
        found = self.get("inferencecluster", cluster)["spec"]["cluster"].get("existing", {}).get("secretRef", {})
        secret = self.get("secret", found.get("name", ""), "-n", "modelplane-system")
        return base64.b64decode(secret["data"][found.get("key", "kubeconfig")]).decode()

    def tls(self) -> ssl.SSLContext | None:
        """How the gateways of clusters are called, as this control plane's own gateway does; None where it does not say."""
        found = [g["spec"]["clusters"] for g in self.get("inferencegateway")["items"] if "clusters" in g["spec"]]
        if not found:
            return None
        context = ssl.create_default_context(cadata=found[0]["authority"])
        shown = found[0].get("clientCertificate", {}).get("secretRef", {}).get("name")
        if shown:
            data = self.get("secret", shown, "-n", "modelplane-system")["data"]
            with tempfile.NamedTemporaryFile() as file:  # Nobody else may read it.
                file.write(b"\n".join(base64.b64decode(data[key]) for key in ("tls.crt", "tls.key")))
                file.flush()
                context.load_cert_chain(file.name)
        return context


def proven(plane: Plane, replica: dict[str, Any]) -> dict[str, Any]:
    """The verdict on one replica with its evidence."""
    from cli.verdict import judge  # noqa: PLC0415  # Help and completion need none of it.

    sent, parts = _replica(plane, replica)
    verdict = judge(sent, parts)
    told = {"replica": replica["metadata"]["name"], "cluster": replica["spec"]["clusterName"]}
    told |= {"verdict": verdict.name, "link": verdict.link, "look": verdict.look}
    return {**told, "evidence": [_evidence(s) for s in sent]}


def _replica(plane: Plane, replica: dict[str, Any]) -> tuple[Any, Any]:
    """What was sent to a replica, and what stands on its cluster."""
    from cli import parts, proving  # noqa: PLC0415  # As above.

    name = replica["metadata"]["name"]
    hostname = f"{name}.{plane.namespace}.modelplane.internal"
    gateway = plane.get("inferencecluster", replica["spec"]["clusterName"])["status"].get("gateway", {})
    url = gateway.get("url") or f"http://{gateway.get('address', '')}"
    tls = plane.tls() if url.startswith("https://") else None
    target = proving.Target(name, f"mp-{plane.namespace}", url, hostname, tls=tls)
    with reached(plane.secret(replica["spec"]["clusterName"])) as remote:
        pods = proving.pods(remote, target)
        sent = proving.send(remote, target, pods)
        return sent, parts.read(remote, target, proving.pods(remote, target))


def _evidence(sent: Any) -> dict[str, Any]:
    counted = {k: int(v) for k, v in asdict(sent.counted).items()}
    said = {} if sent.answered else {"answer": sent.body.strip()[:300]}
    return {"request": sent.name, "status": sent.status, "disaggregated": sent.disaggregated, **counted, **said}


def _text(told: dict[str, Any]) -> str:
    lines = [f"{told['replica']} on {told['cluster']}: {told['verdict']}"]
    if told["link"]:
        lines.append(f"  {told['link']}: {told['look']}")
    lines.append("  request   status  handed over  on prefill  on decode  KV transfers  failed  picker says prefill")
    columns = (
        ("handed", 13),
        ("on_prefill", 12),
        ("on_decode", 11),
        ("transfers", 14),
        ("failures", 8),
        ("decided", 21),
    )
    for each in told["evidence"]:
        numbers = "".join(f"{each[key]:>{width}}" for key, width in columns)
        lines.append(f"  {each['request']:<9} {each['status']:>6}{numbers}")
        if each.get("answer"):
            lines.append(f"            {each['answer']}")
    return "\n".join(lines)
