"""Composed manifests, changed on purpose: each row names what it breaks, what a client sees and what is to be said."""

from __future__ import annotations

import copy
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cli.main import cli
from click.testing import CliRunner

Manifest = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/08-prefill-decode"
BROKEN = Path(__file__).with_name("broken")
# The version that is built here. Of another one MODELPLANE_PICKER and MODELPLANE_SIDECAR give the paths.
PICKER = os.environ.get("MODELPLANE_PICKER_VERSION", "v0.7.1")


@dataclass(frozen=True)
class Row:
    """One broken link."""

    name: str
    breaks: str
    verdict: str
    link: str
    client: list[int]
    """The statuses that requests answer with; 0 where none comes."""
    change: list[Manifest] = field(default_factory=list)
    """Steps on composed objects: `kind` and `name` (a part of it) with `set`, `remove`, `replace` or `delete`."""
    prefill: int = 1
    """How many prefill pods there are."""
    ready: list[str] = field(default_factory=lambda: ["prefill", "decode", "picker"])
    """The workloads that still become ready."""
    at_run_time: str = ""
    """What is done to the engine of the prefill pods once all is ready."""


def rows() -> list[Row]:
    """Every row, by its file's name."""
    return [Row(name=f.stem, **yaml.safe_load(f.read_text())) for f in sorted(BROKEN.glob("*.yaml"))]


def deployment(example: Path = EXAMPLE) -> str:
    """An example's deployment, with the picker that runs here."""
    found = yaml.safe_load((example / "deployment.yaml").read_text())
    found["spec"]["serving"]["endpointPicker"] = {"version": PICKER}
    return yaml.safe_dump(found)


def composed() -> list[Manifest]:
    """What the example becomes on its cluster, as render says."""
    text = (EXAMPLE / "fleet.yaml").read_text() + "---\n" + deployment()
    result = CliRunner().invoke(cli, ["render", "-", "-o", "yaml"], input=text)
    assert result.exit_code == 0, result.output
    found = [m for m in yaml.safe_load_all(result.stdout) if m]
    ours = [m for m in found if "mp-default" in (m["metadata"].get("namespace"), m["metadata"]["name"])]
    return [_plain(m) for m in ours]


def _plain(manifest: Manifest) -> Manifest:
    """Without what a cluster adds, and with waits that suit a test."""
    kept = {k: v for k, v in manifest.items() if k != "status"}
    meta = manifest["metadata"]
    kept["metadata"] = {k: meta[k] for k in ("name", "namespace", "labels") if k in meta}
    pod = kept.get("spec", {}).get("template", {}).get("spec", {})
    for container in (*pod.get("initContainers", []), *pod.get("containers", [])):
        if "startupProbe" in container:
            container["startupProbe"]["periodSeconds"] = 1
        container.pop("lifecycle", None)
    return kept


def broken(row: Row, manifests: list[Manifest]) -> list[Manifest]:
    """The manifests in a namespace of their own, changed as the row says; each step must find what it changes."""
    found = [_renamed(copy.deepcopy(m), row.name) for m in manifests]
    for manifest in found:
        if manifest["kind"] == "Deployment" and manifest["metadata"]["labels"].get("modelplane.ai/engine") == "prefill":
            manifest["spec"]["replicas"] = row.prefill
    for step in row.change:
        before = json.dumps(found)
        found = [m for each in found for m in _changed(each, step)]
        assert json.dumps(found) != before, f"{row.name}: {step} changes nothing"
    return found


def namespace(row: str) -> str:
    """Where a row's objects live."""
    return f"mp-{row}"


def _renamed(found: Any, row: str) -> Any:
    return _leaves(found, (("mp-default", namespace(row)), (".default.", f".{row}.")))


def _changed(manifest: Manifest, step: Manifest) -> list[Manifest]:
    if manifest["kind"] != step["kind"] or step.get("name", "") not in manifest["metadata"]["name"]:
        return [manifest]
    if step.get("delete"):
        return []
    for path, value in (step.get("set") or {}).items():
        _put(manifest, _steps(path), value)
    for path in step.get("remove") or []:
        _put(manifest, _steps(path), None)
    return [_leaves(manifest, tuple((step.get("replace") or {}).items()))]


def _steps(path: str) -> list[str]:
    """The keys of a path; ~ stands for the slash inside of one."""
    return [step.replace("~", "/") for step in path.split("/")]


def _put(found: Any, path: list[str], value: Any) -> None:
    """Set, or with None remove, what stands at a path."""
    *steps, last = path
    for step in steps:
        found = found[int(step)] if isinstance(found, list) else found.setdefault(step, {})
    key = int(last) if isinstance(found, list) else last
    if value is None:
        del found[key]
    elif isinstance(found, list) and key == len(found):
        found.append(value)
    else:
        found[key] = value


def _leaves(found: Any, pairs: tuple[tuple[str, str], ...]) -> Any:
    """Every text in a manifest, keys not, with its parts exchanged."""
    if isinstance(found, dict):
        return {k: _leaves(v, pairs) for k, v in found.items()}
    if isinstance(found, list):
        return [_leaves(v, pairs) for v in found]
    if isinstance(found, str):
        for old, new in pairs:
            found = found.replace(old, new)
    return found
