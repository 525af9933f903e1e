"""An earlier result in a folder, to start from and to compare with."""

from __future__ import annotations

import pathlib
from typing import Any

from offline import structural
from offline.admission import Gate
from offline.findings import Finding, InvalidInputError, MissingPartError
from offline.manifests import Manifest, read
from offline.naming import MAX_DOTTED, metadata_problems
from offline.output import as_yaml
from offline.plane import Result
from offline.remote import CLUSTER_LABEL
from offline.store import Key, Object, dig, key_of

FILE = "objects.yaml"


def save(result: Result, folder: str) -> None:
    """Write all that the control plane holds; a Secret's content stays where it was."""
    kept = [value for key, value in result.objects.items() if key.kind != "Secret"]
    try:
        path = pathlib.Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / FILE).write_text(as_yaml(kept), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise MissingPartError(f"{folder}: cannot be written: {getattr(error, 'strerror', error)}") from None


def load(folder: str, gate: Gate) -> dict[Key, Object]:
    """The objects of an earlier result, or of `kubectl get … -o yaml` or `render -o yaml` written into a folder."""
    reading = read([folder])
    held = [m for m in reading.manifests if not _cluster(m)]
    findings = [*reading.findings, *(f for m in held for f in _problems(m, gate))]
    if findings:
        raise InvalidInputError(findings)
    return _keyed(held)


def remotes(folder: str) -> dict[tuple[str, Key], Object]:
    """What clusters held, where the folder has the output of `render -o yaml` or `-o json`."""
    return {(_cluster(m), key_of(m.value)): _plain(m.value) for m in read([folder]).manifests if _cluster(m)}


def _cluster(manifest: Manifest) -> str:
    annotations = dig(manifest.value, "metadata", "annotations")
    return str(annotations.get(CLUSTER_LABEL, "")) if isinstance(annotations, dict) else ""


def _plain(value: Object) -> Object:
    """The manifest as its Object has it, without the annotation that tells its cluster."""
    metadata = value["metadata"]
    annotations = {k: v for k, v in metadata["annotations"].items() if k != CLUSTER_LABEL}
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**value, "metadata": {**rest, "annotations": annotations} if annotations else rest}


def _keyed(held: list[Manifest]) -> dict[Key, Object]:
    found: dict[Key, Object] = {}
    for manifest in held:
        key = key_of(manifest.value)
        if key in found:
            raise InvalidInputError([manifest.source.finding((), f"{key} stands twice in the earlier result")])
        found[key] = manifest.value
    return found


def _problems(manifest: Manifest, gate: Gate) -> list[Finding]:
    """Why an object of the earlier result cannot be started from."""
    value, source = manifest.value, manifest.source
    if text := gate.kinds.refusal(value["apiVersion"], value["kind"]):
        return [source.finding(("kind",), text)]
    kind = gate.kinds.find(value["apiVersion"], value["kind"])
    problems = list(metadata_problems(value, MAX_DOTTED))
    problems += [((part,), f"{part} must be a mapping") for part in ("spec", "status") if not _is_mapping(value, part)]
    if kind and not problems:
        problems += [*structural.unknown(kind.schema, value), *kind.judge.problems(value)[0]]
    return [source.finding(path, text) for path, text in problems]


def _is_mapping(value: dict[str, Any], part: str) -> bool:
    return part not in value or isinstance(value[part], dict)
