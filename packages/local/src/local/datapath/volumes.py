"""The volumes of a pod as folders of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.datapath import environment
from local.datapath.environment import Source, UnresolvedError
from local.processes import write

Manifest = dict[str, Any]
# A token of the pod's ServiceAccount for an audience.
Token = Callable[[str], str]


def make(pod: Manifest, folder: Path, source: Source, token: Token) -> dict[str, Path]:
    """A folder for each volume of the pod, by its name."""
    found = {}
    for volume in pod["spec"].get("volumes") or []:
        place = folder / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        found[volume["name"]] = _fill(volume, place, pod, (source, token))
    return found


def _fill(volume: Manifest, place: Path, pod: Manifest, given: tuple[Source, Token]) -> Path:
    if "emptyDir" in volume:
        _empty(volume["emptyDir"] or {}, place)
    elif "hostPath" in volume:
        return Path(volume["hostPath"]["path"])
    elif "projected" in volume:
        for each in volume["projected"].get("sources") or []:
            _write(place, _projected(each, pod, given))
    elif "configMap" in volume or "secret" in volume or "downwardAPI" in volume:
        _write(place, _projected(volume, pod, given))
    else:
        kind = next((k for k in volume if k != "name"), "none")
        raise UnresolvedError(f"volume {volume['name']}: {kind} is not played here")
    return place


def _empty(empty: Manifest, place: Path) -> None:
    place.chmod(0o777)
    if empty.get("medium") != "Memory" or place.is_mount():
        return
    size = f"size={int(environment.number(empty['sizeLimit']))}," if empty.get("sizeLimit") else ""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"{size}mode=1777", "tmpfs", str(place)], check=True)


def _projected(each: Manifest, pod: Manifest, given: tuple[Source, Token]) -> dict[str, str]:
    source, token = given
    if "serviceAccountToken" in each:
        return {each["serviceAccountToken"]["path"]: token(each["serviceAccountToken"].get("audience") or "")}
    if "downwardAPI" in each:
        items = each["downwardAPI"].get("items") or []
        return {i["path"]: environment.field(pod, i["fieldRef"]["fieldPath"]) for i in items if "fieldRef" in i}
    kind = "ConfigMap" if "configMap" in each else "Secret"
    reference = each.get("configMap") or each.get("secret") or {}
    name = reference.get("name") or reference.get("secretName") or ""
    found = source(kind, name)
    if found is None:
        if reference.get("optional"):
            return {}
        raise UnresolvedError(f'{kind.lower()} "{name}" not found')
    texts = environment.data({**found, "kind": kind})
    items = reference.get("items")
    return {i["path"]: texts[i["key"]] for i in items if i["key"] in texts} if items else texts


def _write(place: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        write(place / path, text, 0o644)
    for folder in (place, *(p for p in place.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
