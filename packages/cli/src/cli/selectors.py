"""What `modelplane check` says of selectors and classes, which a control plane tells only when it places or reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from contract.findings import Finding, Severity
from scheduling import compile_error, literal_errors, read_device

_CORRECT = "correct the expression; nothing is placed while it is so"
# So few bytes are no GPU's memory: the unit was forgotten.
_BYTES = re.compile(r"memory\s*\.\s*\w+\s*\(\s*quantity\s*\(\s*[\"'](\d{1,6})[\"']")


def check(value: dict[str, Any]) -> list[Finding]:
    """Of a ModelDeployment or InferenceClass as it would be stored; of anything else nothing."""
    found = {"ModelDeployment": _of_deployment, "InferenceClass": _of_class}.get(value["kind"])
    return list(found(value["spec"])) if found else []


def _of_deployment(spec: dict[str, Any]) -> Iterator[Finding]:
    for e, engine in enumerate(spec["engines"]):
        for m, member in enumerate(engine["members"]):
            for d, device in enumerate((member.get("nodeSelector") or {}).get("devices", ())):
                place = ("spec", "engines", e, "members", m, "nodeSelector", "devices", d, "selectors")
                for s, selector in enumerate(device["selectors"]):
                    yield from _of_selector((*place, s, "cel"), selector["cel"])


def _of_selector(path: tuple[str | int, ...], expression: str) -> Iterator[Finding]:
    if reason := compile_error(expression):
        told = reason if reason.startswith("is ") else f"is not valid: {reason}"
        yield Finding("selector-invalid", Severity.ERROR, path, f"The selector {told}", _CORRECT)
        return
    for reason in literal_errors(expression):
        sentence = f"The selector fails on every device where it comes to this: {reason}"
        yield Finding("selector-value", Severity.WARNING, path, sentence, "correct the value")
    for number in _BYTES.findall(expression):
        sentence = f'quantity("{number}") is {number} bytes, which every device has'
        yield Finding(
            "selector-value", Severity.WARNING, path, sentence, f'write a unit, such as quantity("{number}Gi")'
        )


def _of_class(spec: dict[str, Any]) -> Iterator[Finding]:
    for index, device in enumerate(spec["devices"]):
        try:
            read_device(device)
        except ValueError as error:
            sentence, fix = f"The class cannot be read: {error}", "correct the value; no pool of the class is used"
            yield Finding("class-invalid", Severity.ERROR, ("spec", "devices", index), sentence, fix)
