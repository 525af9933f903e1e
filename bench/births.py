"""Where the circuit breaker's tokens go: each version of every object while an example is born, and what it changed.

    python bench/births.py examples/08-prefill-decode [--verbose]

Crossplane takes a token of a composite for each event of what it composes, requires or is: one for a creation,
two for a change (`design/local-control-plane.md`).
"""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from local.testing import Kubectl, Manifest, Plane, start
from watched import documents

WATCHED = (
    "modeldeployments,modelreplicas,modelroutes,modelendpoints,inferenceclusters,clustertenants,capacityledgers,"
    "objects.kubernetes.m.crossplane.io"
)
PATIENCE = 90.0
_NOISE = ("managedFields", "resourceVersion", "generation", "lastTransitionTime", "observedGeneration")


@click.command()
@click.argument("example", type=click.Path(exists=True, file_okay=False))
@click.option("--verbose", is_flag=True, help="Every change of every object.")
def main(example: str, verbose: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plane, local = start(Path(folder) / "state", 3)
        try:
            files = sorted(Path(example).glob("*.yaml"))
            with _Watched(plane.kubectl, Path(folder)) as versions:
                before = _writes(plane)
                _born(plane, [f for f in files if f.name != "want.yaml"])
                _tell(versions, verbose)
            for what, count in (_writes(plane) - before).most_common(25):
                click.echo(f"writes: {count:4} {what}")
            for what, count in _events(plane).most_common(12):
                click.echo(f"events: {count:4} {what}")
            click.echo(f"circuits open: {', '.join(sorted(plane.open_circuits())) or 'none'}")
            for name, calls in sorted(plane.calls().items()):
                click.echo(f"calls: {calls:3} {name}")
        finally:
            local.down()


def _born(plane: Plane, files: list[Path]) -> None:
    fleet = [f for f in files if "kind: ModelDeployment" not in f.read_text()]
    models = [f for f in files if f not in fleet]
    for file in fleet:
        plane.kubectl("apply", "-f", str(file))
    plane.wait("the fleet is Ready", lambda: all(_is_ready(c) for c in plane.kubectl.get("ic")))
    for file in models:
        plane.kubectl("apply", "-f", str(file))
    try:
        plane.wait("the models are Ready", lambda: all(_is_ready(m) for m in plane.kubectl.get("md", "-A")), PATIENCE)
    except AssertionError:
        click.echo(f"Not all models are Ready after {PATIENCE:.0f} s: not each example has room.")


def _writes(plane: Plane) -> Counter[str]:
    """Requests that write, by verb and resource, since the API server started."""
    counted: Counter[str] = Counter()
    metrics = plane.kubectl("get", "--raw", "/metrics")
    for labels, value in re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", metrics, re.MULTILINE):
        said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if said["verb"] in ("APPLY", "POST", "PUT", "PATCH", "DELETE"):
            what = "/".join(filter(None, (said["resource"], said["subresource"])))
            counted[f"{said['verb']} {what} {said['code']}"] += int(float(value))
    return counted


def _events(plane: Plane) -> Counter[str]:
    """What Kubernetes events tell, repeated ones counted as often as they were written."""
    counted: Counter[str] = Counter()
    for event in plane.kubectl.get("events", "-A"):
        told = re.sub(r'"[^"]*"', '"…"', event.get("message", ""))[:60]
        counted[f"{event['involvedObject']['kind']} {told}"] += int(event.get("count") or 1)
    return counted


def _is_ready(manifest: Manifest) -> bool:
    conditions = manifest.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


class _Watched(ExitStack):
    """The files that kubectl writes every version to, one a kind, while the context lasts."""

    def __init__(self, kubectl: Kubectl, folder: Path) -> None:
        super().__init__()
        self._kubectl, self._folder = kubectl, folder

    def __enter__(self) -> list[Path]:  # type: ignore[override]  # It yields what it watches.
        files = []
        for kind in WATCHED.split(","):
            command = [self._kubectl.binary, f"--kubeconfig={self._kubectl.kubeconfig}", "get", kind, "-A"]
            file = self._folder / f"{kind}.json"
            output = self.enter_context(file.open("ab"))
            watch = ["--watch", "--output-watch-events", "-o", "json"]
            process = self.enter_context(subprocess.Popen([*command, *watch], stdout=output))
            self.callback(process.terminate)
            files.append(file)
        return files


def _tell(files: list[Path], verbose: bool) -> None:
    for file in files:
        versions: defaultdict[str, list[Manifest]] = defaultdict(list)
        for event in documents(file.read_text()):
            manifest = event["object"]
            versions[f"{manifest['kind']}/{manifest['metadata']['name']}"].append(manifest)
        for name, each in versions.items():
            click.echo(f"{name}: {len(each)} versions, {2 * len(each) - 1} tokens")
            for before, after in itertools.pairwise(each):
                changed = Counter(_changes(before, after))
                if verbose:
                    click.echo("    " + ", ".join(changed))


def _changes(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths that differ, a condition by its type."""
    if before == after or path.rpartition(".")[2] in _NOISE:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _changes(before.get(key), after.get(key), f"{path}.{key}")
        return
    if path.endswith(".conditions"):
        old, new = ({c["type"]: c for c in side or []} for side in (before, after))
        for type in sorted({*old, *new}):
            if old.get(type) != new.get(type):
                told = new.get(type, {})
                yield f"{path}[{type}={told.get('status')} {told.get('reason')}]"
        return
    yield path


if __name__ == "__main__":
    main()
