"""Our runtime composes what `crossplane composition render` composes, for every function case.

Both get the case's composite, its observed resources and all that was found; both reconcile once.
"""

from __future__ import annotations

import copy
import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from local import ports, tools
from offline import children, conditions, kinds
from offline.admission import Gate, Verdict
from offline.output import as_yaml
from offline.reconcile import Reconciler
from offline.store import COMPOSITION_KEY, Key, Store, controller_uid, key_of
from schemas import apis

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(ROOT.glob("functions/*/tests/cases/*.yaml"))
PLURALS = {xrd["spec"]["names"]["kind"]: xrd["spec"]["names"]["plural"] for xrd in apis.definitions()}
PATIENCE = 30
Manifest = dict[str, Any]


class OpenGate(Gate):
    """Crossplane's render has no API server: no defaults, no refusals."""

    def admit(self, value: Manifest, _old: Any = None) -> Verdict:
        return Verdict(value, [])


@pytest.fixture(scope="module")
def functions() -> Iterator[str]:
    """The address of a process that serves all functions."""
    address = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "cli.main", "functions", "--insecure", "--address", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            _await(address, process)
            yield address
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def _free_port() -> int:
    """A port below those that the kernel hands out; by chance, as tests run side by side."""
    while True:
        port = random.randrange(20000, 32000)  # noqa: S311  # A port is no secret.
        if ports.is_free(port):
            return port


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.partition(":")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError((process.stdout.read() if process.stdout else b"").decode())
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
    raise AssertionError(f"nothing listens on {address}")


@pytest.mark.e2e
@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parents[2].name}/{p.stem}")
def test_case(path: Path, functions: str, tmp_path: Path) -> None:
    case = _prepared(yaml.safe_load(path.read_text(encoding="utf-8")))
    fatal, theirs = _crossplane(case, functions, tmp_path)
    xr, ours = _offline(case)
    synced = next(c for c in xr["status"]["conditions"] if c["type"] == "Synced")
    if fatal:
        assert synced["status"] == "False"
        assert synced["message"] in fatal
        return
    assert {k: _comparable(v) for k, v in theirs.items()} == {
        k: _comparable(v) for k, v in {key_of(xr): xr, **ours}.items()
    }


def test_there_are_cases() -> None:
    assert CASES


def _prepared(case: Manifest) -> Manifest:
    """The case with the identities that objects have once they exist."""
    xr = case["xr"]
    key = key_of(xr)
    xr["metadata"].setdefault("uid", str(uuid.uuid5(uuid.NAMESPACE_DNS, str(key))))
    case["observed"] = case.get("observed") or {}
    for name, value in case["observed"].items():
        metadata = value["metadata"]
        metadata["annotations"] = {**(metadata.get("annotations") or {}), COMPOSITION_KEY: name}
        if key.namespace:
            metadata["namespace"] = key.namespace
        metadata["ownerReferences"] = [children._owner(xr)]
    for value in (xr, *case["observed"].values()):
        for condition in value.get("status", {}).get("conditions", []):
            condition.setdefault("lastTransitionTime", conditions.TIME)
    required = [value for items in (case.get("found") or {}).values() for value in items]
    own = {key, *map(key_of, case["observed"].values())}
    case["required"] = [v for k, v in {key_of(v): v for v in required}.items() if k not in own]
    return case


def _crossplane(case: Manifest, address: str, folder: Path) -> tuple[str, dict[Key, Manifest]]:
    """The message of a fatal result, and the composite with all that it composes."""
    composition = ROOT / "apis" / PLURALS[case["xr"]["kind"]] / "composition.yaml"
    _write(folder / "xr.yaml", [case["xr"]])
    _write(folder / "functions.yaml", [_function(composition, address)])
    command = [str(tools.path("crossplane-cli")), "composition", "render"]
    command += [str(folder / "xr.yaml"), str(composition), str(folder / "functions.yaml"), "--include-full-xr"]
    command += [f"--crossplane-binary={tools.path('crossplane')}"]
    for flag, items in (
        ("--observed-resources", list(case["observed"].values())),
        ("--required-resources", case["required"]),
    ):
        if items:
            _write(folder / f"{flag[2:]}.yaml", items)
            command += [f"{flag}={folder / flag[2:]}.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        assert "fatal result" in done.stderr, done.stderr
        return done.stderr, {}
    return "", {key_of(v): v for v in yaml.safe_load_all(done.stdout) if v}


def _function(composition: Path, address: str) -> Manifest:
    (step,) = yaml.safe_load(composition.read_text(encoding="utf-8"))["spec"]["pipeline"]
    annotations = {
        "render.crossplane.io/runtime": "Development",
        "render.crossplane.io/runtime-development-target": address,
    }
    return {
        "apiVersion": "pkg.crossplane.io/v1",
        "kind": "Function",
        "metadata": {"name": step["functionRef"]["name"], "annotations": annotations},
        "spec": {"package": "example.com/modelplane/function:v0"},
    }


def _write(path: Path, items: list[Manifest]) -> None:
    path.write_text(as_yaml(items), encoding="utf-8")


def _offline(case: Manifest) -> tuple[Manifest, dict[Key, Manifest]]:
    """The composite and all that it composes, after one reconcile of our own runtime."""
    store, known = Store(), kinds.load()
    xr = copy.deepcopy(case["xr"])
    refs = [children.reference(v, with_namespace=True) for v in case["observed"].values()]
    xr["spec"]["crossplane"] = {"resourceRefs": refs}
    for value in (xr, *case["observed"].values(), *case["required"]):
        store.put(copy.deepcopy(value))
    kind = known.find(xr["apiVersion"], xr["kind"])
    assert kind
    reconciler = Reconciler(store, known)
    reconciler.gate = OpenGate(known)
    reconciler.reconcile(key_of(xr), kind)
    # What is only looked at may have the same owner.
    ours = (v for v in store.objects().values() if COMPOSITION_KEY in v["metadata"].get("annotations", {}))
    composed = {key_of(v): v for v in ours if controller_uid(v) == xr["metadata"]["uid"]}
    after = store.get(key_of(xr))
    assert after
    return after, composed


def _comparable(value: Manifest) -> Manifest:
    """What both must agree on: not times, and not what only a server or a later reconcile adds."""
    metadata = {k: v for k, v in value["metadata"].items() if k not in ("uid", "creationTimestamp", "generation")}
    kept = {**value, "metadata": metadata}
    if controller_uid(value) is not None:
        return {k: v for k, v in kept.items() if k != "status"}
    kept["metadata"].pop("labels", None)
    # `render` merges a map of the status into the old one; a server-side apply takes away what is left out.
    status = {k: v for k, v in value["status"].items() if k not in ("conditions", "entries")}
    judged = {c["type"]: {**c, "lastTransitionTime": ""} for c in value["status"]["conditions"]}
    refs = value["spec"].get("crossplane", {}).get("resourceRefs", [])
    spec = {**value["spec"], "crossplane": {"resourceRefs": refs}}
    return {**kept, "spec": spec, "status": {**status, "conditions": judged}}
