"""What `modelplane check` prints, and its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from contract.check import check as check_contract
from contract.findings import Finding, Severity
from offline import admission, kinds, manifests
from offline.findings import InvalidInputError, MissingPartError, printable
from offline.manifests import Manifest, Reading, Source
from release import compatibility

from cli import selectors

FINDINGS, INVALID, UNREACHABLE = 1, 2, 4
DEPLOYMENT = "ModelDeployment"
_COLOURS = {"error": "red", "warning": "yellow", "silenced": "bright_black"}


@dataclass(frozen=True)
class Checked:
    """One object, where it is written, and what is wrong with it."""

    kind: str
    namespace: str
    name: str
    source: Source
    findings: list[Finding]


def check(paths: Sequence[str], output: str) -> int:
    """Print findings to standard output, what cannot be checked to standard error; returns the exit code."""
    try:
        checked = _checked(paths)
    except InvalidInputError as error:
        for finding in error.findings:
            click.echo(str(finding), err=True)
        click.echo(f"{_count(len(error.findings), 'error')}; nothing was checked.", err=True)
        return INVALID
    except MissingPartError as error:
        click.echo(str(error), err=True)
        return UNREACHABLE
    click.echo(_as_json(checked) if output == "json" else _as_text(checked), color=sys.stdout.isatty())
    return FINDINGS if any(f.counts for c in checked for f in c.findings) else 0


def _checked(paths: Sequence[str]) -> list[Checked]:
    gate = admission.Gate(kinds.load())
    reading = manifests.read(paths)
    checked = []
    for manifest in reading.manifests:
        # Each alone: folders of examples may well hold the same name twice.
        alone = Reading([manifest])
        admitted = admission.screen(alone, gate, {})
        reading.findings += alone.findings
        if not alone.findings:
            checked += [_one(value, manifest) for value in admitted.values()]
    if reading.findings:
        raise InvalidInputError(reading.findings)
    return checked


def _one(value: dict[str, Any], manifest: Manifest) -> Checked:
    """Rules are about what would be stored; versions are named by anything, a node's status too."""
    metadata, kind = value["metadata"], value["kind"]
    contract = check_contract(value) if kind == DEPLOYMENT else []
    found = [*contract, *selectors.check(value), *compatibility.check(manifest.value)]
    return Checked(kind, metadata.get("namespace", ""), metadata["name"], manifest.source, found)


def _as_text(checked: Sequence[Checked]) -> str:
    blocks = [_block(c) for c in checked if c.findings]
    return "\n".join([*blocks, _summary(checked)])


def _block(checked: Checked) -> str:
    title = printable(f"{checked.kind} {'/'.join(filter(None, (checked.namespace, checked.name)))}")
    ids = max(len(f.id) for f in checked.findings)
    places = [f"{checked.source.file}:{checked.source.line(f.path)}" for f in checked.findings]
    width = max(map(len, places))
    lines = [click.style(title, bold=True)]
    for finding, place in zip(checked.findings, places, strict=True):
        label = _label(finding)
        head = f"{label:<8}  {finding.id:<{ids}}  {place:<{width}}  {finding.field}"
        painted = click.style(label, fg=_COLOURS[label]) + printable(head[len(label) :])
        lines += [
            f"  {painted}",
            printable(f"            {finding.sentence}"),
            printable(f"            fix: {finding.fix}"),
        ]
    return "\n".join(lines) + "\n"


def _label(finding: Finding) -> str:
    return "silenced" if finding.silenced else str(finding.severity)


def _summary(checked: Sequence[Checked]) -> str:
    deployments = sum(c.kind == DEPLOYMENT for c in checked)
    if not deployments and not any(c.findings for c in checked):
        return "No ModelDeployment is in these manifests; nothing was checked but classes and versions."
    labels = [_label(f) for c in checked for f in c.findings]
    told = [
        _count(labels.count("error"), "error"),
        _count(labels.count("warning"), "warning"),
        *([f"{labels.count('silenced')} silenced"] if "silenced" in labels else []),
    ]
    return f"{_count(deployments, 'deployment')} checked: {', '.join(told)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _as_json(checked: Sequence[Checked]) -> str:
    found = [
        {
            **({"deployment": c.name} if c.kind == DEPLOYMENT else {}),
            "kind": c.kind,
            "name": c.name,
            "namespace": c.namespace,
            "id": f.id,
            "severity": str(f.severity),
            "silenced": f.silenced,
            "file": c.source.file,
            "line": c.source.line(f.path),
            "field": f.field,
            "sentence": f.sentence,
            "fix": f.fix,
        }
        for c in checked
        for f in c.findings
    ]
    errors = sum(1 for c in checked for f in c.findings if f.counts)
    warnings = sum(1 for f in found if f["severity"] == Severity.WARNING and not f["silenced"])
    deployments = sum(c.kind == DEPLOYMENT for c in checked)
    return json.dumps({"checked": deployments, "errors": errors, "warnings": warnings, "findings": found}, indent=2)
