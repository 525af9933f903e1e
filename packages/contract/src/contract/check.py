"""Checks a deployment against every rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract import (
    rules_alike,
    rules_blocks,
    rules_connectors,
    rules_engines,
    rules_gpus,
    rules_phases,
    rules_picker,
    rules_plugins,
    rules_pods,
    rules_shape,
    rules_sidecar,
    rules_sidechannel,
    rules_words,
)
from contract.findings import UNTESTED_VERSION, Finding, Rule, Said, Severity
from contract.read import IGNORE, Deployment, read


def _unknown_ids(deployment: Deployment) -> Iterator[Said]:
    for name in sorted(deployment.ignored - {*BY_ID, UNTESTED_VERSION}):
        yield Said(
            ("metadata", "annotations", IGNORE),
            f"The annotation silences {name}, which is no rule",
            "remove it, or write the id of a rule from docs/reference/contract.md",
        )


TABLE: tuple[Rule, ...] = (
    *rules_engines.TABLE,
    *rules_words.TABLE,
    *rules_gpus.TABLE,
    *rules_phases.TABLE,
    *rules_alike.TABLE,
    *rules_connectors.TABLE,
    *rules_pods.TABLE,
    *rules_sidechannel.TABLE,
    *rules_sidecar.TABLE,
    *rules_picker.TABLE,
    *rules_shape.TABLE,
    *rules_plugins.TABLE,
    *rules_blocks.TABLE,
    Rule(
        "ignored-rule-unknown",
        Severity.WARNING,
        "A typo in the annotation silences nothing, and the finding that was meant stays.",
        "this page",
        _unknown_ids,
    ),
)
BY_ID = {rule.id: rule for rule in TABLE}


def check(manifest: Any) -> list[Finding]:
    """Everything that is wrong with a ModelDeployment or ModelReplica: errors first, then by field."""
    deployment = read(manifest)
    found = [
        Finding(rule.id, rule.severity, said.path, said.sentence, said.fix, silenced=rule.id in deployment.ignored)
        for rule in TABLE
        for said in rule.check(deployment)
    ]
    return sorted(set(found), key=_order)


def _order(finding: Finding) -> tuple[Any, ...]:
    path = tuple((isinstance(step, str), str(step).zfill(4)) for step in finding.path)
    return finding.silenced, finding.severity is not Severity.ERROR, path, finding.id, finding.sentence
