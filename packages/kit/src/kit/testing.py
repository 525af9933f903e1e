"""Golden cases: one YAML file is one behaviour of one function.

A case has `xr`, `observed` (key to manifest), `found` (key to list of manifests; a key that
is absent was not fetched) and `want`, the whole answer. `UPDATE=1 pytest` rewrites `want`.
What is done in steps says in `rounds` how many answers it takes to come to rest.
Besides, every answer must be a fixpoint, must not depend on the order of its inputs, and
its remote manifests must satisfy Kubernetes' own schemas.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from kit import composed, wire

Manifest = dict[str, Any]
KUBERNETES = "1.36.0"
MOST_ROUNDS = 5


def cases(test_file: str) -> list[Path]:
    """The case files beside a test file, in order."""
    found = sorted((Path(test_file).parent / "cases").glob("*.yaml"))
    if not found:
        raise FileNotFoundError(f"no cases/*.yaml beside {test_file}")
    return found


def check(path: Path, function: wire.RunFunction) -> None:
    """Run one case and compare the whole answer. Raises AssertionError."""
    case = yaml.safe_load(path.read_text())
    ask = ask_of(case)
    ask, got = reconcile(function, ask)
    if os.environ.get("UPDATE") == "1":
        _rewrite(path, plain(got))
        return
    assert case.get("want") == plain(got)
    check_order(function, ask, got)
    check_fixpoint(function, ask, got, case.get("rounds", 1))
    check_keeps(path, ask, got)
    check_manifests(got)


def reconcile(function: wire.RunFunction, ask: wire.Ask) -> tuple[wire.Ask, wire.Answer]:
    """The last round of a reconcile: as in Crossplane, each round finds what the one before required."""
    offered, got = ask.found, wire.run(function, replace(ask, found={}))
    for _ in range(MOST_ROUNDS):
        found = {k: v for k, v in offered.items() if k in got.requirements}
        ask, before = replace(ask, context=got.context, found=found), got
        got = wire.run(function, ask)
        if got == before:
            break
    return ask, got


def ask_of(case: Manifest) -> wire.Ask:
    """What a case tells the function."""
    return wire.Ask(
        xr=case["xr"],
        observed=case.get("observed") or {},
        found=case.get("found") or {},
        context=case.get("context") or {},
    )


def plain(answer: wire.Answer) -> Manifest:
    """The answer as YAML: what is empty is left out."""
    requirements = {k: _set_only(asdict(s)) for k, s in answer.requirements.items()}
    # What is added to every composed resource is tested once, in the kit.
    desired = {k: composed.as_it_is(m) for k, m in answer.desired.items()}
    return _set_only(
        {
            "ready": answer.ready,
            "ttlSeconds": answer.ttl_seconds,
            "onlyIf": answer.only_if,
            "conditions": answer.conditions,
            "results": answer.results,
            "status": answer.status,
            "requirements": requirements,
            "desired": desired,
        }
    )


def check_order(function: wire.RunFunction, ask: wire.Ask, got: wire.Answer) -> None:
    """The same inputs in reverse order give the same answer."""
    reverse = replace(
        ask,
        observed=dict(reversed(list(ask.observed.items()))),
        found={k: list(reversed(v)) for k, v in reversed(list(ask.found.items()))},
    )
    assert plain(got) == plain(wire.run(function, reverse)), "the order of the inputs matters"


def check_fixpoint(function: wire.RunFunction, ask: wire.Ask, got: wire.Answer, rounds: int = 1) -> None:
    """Once all that was wanted exists, the same is wanted again; what goes in steps takes more `rounds`."""
    if got.fatal:
        return
    for left in reversed(range(rounds)):
        status = {"conditions": got.conditions, **got.status}
        exists = {k: _as_observed(m, ask.observed.get(k)) for k, m in got.desired.items()}
        again = wire.run(function, replace(ask, xr={**ask.xr, "status": status}, observed=exists))
        assert (got.desired == again.desired) == (left == 0), "a fixpoint is reached in another number of rounds"
        got = again


def check_keeps(path: Path, ask: wire.Ask, got: wire.Answer) -> None:
    """A case named …-keeps-what-exists answers with everything that it observed."""
    if "keeps-what-exists" not in path.name:
        return
    assert ask.observed, "a keeps-what-exists case must observe something"
    assert set(ask.observed) <= set(got.desired) or got.fatal


def check_manifests(got: wire.Answer) -> None:
    """Remote manifests of built-in kinds satisfy Kubernetes' schemas, unknown fields refused."""
    import kubernetes_validate  # noqa: PLC0415  # Only tests have it.

    for desired in got.desired.values():
        manifest = desired.get("spec", {}).get("forProvider", {}).get("manifest")
        if manifest and _is_builtin(manifest["apiVersion"]):
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def _is_builtin(api_version: str) -> bool:
    group = api_version.split("/", maxsplit=1)[0]
    kubernetes_own = group.endswith(".k8s.io") and not group.startswith(("gateway", "inference"))
    return "/" not in api_version or "." not in group or kubernetes_own


def _as_observed(manifest: Manifest, before: Manifest | None) -> Manifest:
    if before is None:
        return manifest
    kept = {k: v for k, v in before.get("metadata", {}).items() if k in ("uid", "creationTimestamp", "ownerReferences")}
    status = {"status": before["status"]} if "status" in before else {}
    return {**manifest, "metadata": {**manifest["metadata"], **kept}, **status}


def _set_only(value: Manifest) -> Manifest:
    return {k: v for k, v in value.items() if v not in (None, {}, [], "")}


def _rewrite(path: Path, want: Manifest) -> None:
    text = path.read_text()
    head = text.split("\nwant:")[0].rstrip() if "\nwant:" in text else text.rstrip()
    path.write_text(head + "\n" + yaml.safe_dump({"want": want}, sort_keys=True, width=110, allow_unicode=True))
