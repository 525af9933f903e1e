"""Whether a deployment's engines, flags and picker fit together, and how that is told."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from contract.check import check
from contract.findings import Finding
from contract.read import IGNORE
from kit.call import Call
from schemas import ModelDeployment

_LISTED = 16
_LONGEST_FIELD = 512
_LONGEST_MESSAGE = 1024
Findings = tuple[Finding, ...]


def findings(xr: ModelDeployment) -> Findings:
    """Everything that the contract says about a deployment."""
    spec = {"engines": [e.manifest() for e in xr.spec.engines], "serving": xr.spec.serving.manifest()}
    if xr.spec.modelCacheRef:
        spec["modelCacheRef"] = xr.spec.modelCacheRef.manifest()
    annotations = {IGNORE: xr.metadata.annotations.get(IGNORE, "")}
    return _of(json.dumps({"metadata": {"annotations": annotations}, "spec": spec}, sort_keys=True))


@lru_cache(maxsize=4096)
def _of(written: str) -> Findings:
    return tuple(check(json.loads(written)))


def errors(found: Findings) -> list[Finding]:
    """Those for which nothing new is composed."""
    return [f for f in found if f.counts]


def report(call: Call[ModelDeployment], found: Findings) -> None:
    """Say ContractValid, and list what was found in the status."""
    call.report.forget("contract")
    if found:
        call.status(contract=[_listed(f) for f in found[:_LISTED]])
    wrong = errors(found)
    warnings = [f for f in found if not f.silenced and not f.counts]
    if wrong:
        call.condition("ContractValid", False, "InvalidContract", message(wrong, found))
        return
    call.condition("ContractValid", True, "Warnings" if warnings else "Valid", message(warnings, found))


def message(told: list[Finding], found: Findings) -> str:
    """The first finding in a sentence, how many more there are, and what was silenced."""
    parts = [_sentence(f) for f in told[:1]]
    if len(told) > 1:
        parts.append(f"And {len(told) - 1} more: modelplane check shows all.")
    silenced = sorted({f.id for f in found if f.silenced})
    if silenced:
        parts.append(f"Silenced: {', '.join(silenced)}.")
    return " ".join(parts)


def _sentence(finding: Finding) -> str:
    return f"{finding.field}: {finding.sentence} ({finding.id}); {finding.fix}."


def _listed(finding: Finding) -> dict[str, Any]:
    told = {
        "id": finding.id,
        "severity": finding.severity.capitalize(),
        "field": finding.field[:_LONGEST_FIELD],
        "message": f"{finding.sentence}; {finding.fix}."[:_LONGEST_MESSAGE],
    }
    return {**told, "silenced": True} if finding.silenced else told
