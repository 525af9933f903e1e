"""The volumes of a pod as folders of this machine."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.datapath import environment
from local.datapath.environment import Source, UnresolvedError
from local.processes import write

Manifest = dict[str, Any]
# A token of the pod's ServiceAccount for an audience.
Token = Callable[[str], str]
_TEXTS = ("configMap", "secret", "downwardAPI")
# Two pods of one claim begin at once.
_mounting = threading.Lock()


@dataclass(frozen=True)
class Folders:
    """Where volumes are: those of one pod, and those of claims, which outlive it."""

    pod: Path
    claims: Path


def make(pod: Manifest, folders: Folders, source: Source, token: Token) -> dict[str, Path]:
    """A folder for each volume of the pod, by its name."""
    found = {}
    for volume in pod["spec"].get("volumes") or []:
        place = folders.pod / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        claim = volume.get("persistentVolumeClaim")
        found[volume["name"]] = (
            _claimed(claim["claimName"], folders.claims, source)
            if claim
            else _fill(volume, place, pod, (source, token))
        )
    return found


def refresh(pod: Manifest, folder: Path, source: Source) -> None:
    """Write the texts that have changed since; a token lasts as long as anything here."""
    for volume in pod["spec"].get("volumes") or []:
        parts = (volume.get("projected") or {}).get("sources") or [volume]
        for each in parts:
            if set(each) & set(_TEXTS):
                _write(folder / volume["name"], _projected(each, pod, (source, lambda _: "")))


def _fill(volume: Manifest, place: Path, pod: Manifest, given: tuple[Source, Token]) -> Path:
    if "emptyDir" in volume:
        place.chmod(0o777)
        if (volume["emptyDir"] or {}).get("medium") == "Memory":
            _mount(place, volume["emptyDir"].get("sizeLimit"))
    elif "hostPath" in volume:
        return Path(volume["hostPath"]["path"])
    elif "projected" in volume:
        for each in volume["projected"].get("sources") or []:
            _write(place, _projected(each, pod, given))
    elif set(volume) & set(_TEXTS):
        _write(place, _projected(volume, pod, given))
    else:
        kind = next((k for k in volume if k != "name"), "none")
        raise UnresolvedError(f"volume {volume['name']}: {kind} is not played here")
    return place


def _claimed(name: str, claims: Path, source: Source) -> Path:
    """The volume of a claim: a file system of the size that was asked for, the same one for every pod."""
    claim = source("PersistentVolumeClaim", name)
    if claim is None:
        raise UnresolvedError(f'persistentvolumeclaim "{name}" not found')
    if (claim.get("status") or {}).get("phase") != "Bound":
        raise UnresolvedError(f'persistentvolumeclaim "{name}" is not bound')
    place = claims / str(claim["metadata"]["uid"])
    place.mkdir(parents=True, exist_ok=True)
    _mount(place, claim["spec"]["resources"]["requests"]["storage"])
    return place


def _mount(place: Path, size: str | None) -> None:
    """One that is mounted already takes the size that is asked for now."""
    limit = f"size={int(environment.number(size))}," if size else ""
    with _mounting:
        again = "remount," if place.is_mount() else ""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"{again}{limit}mode=1777", "tmpfs", str(place)], check=True)


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
        file = place / path
        # Whoever watches a file is not told of what is as it was.
        if not file.exists() or file.read_text() != text:
            write(file, text, 0o644)
    for folder in (place, *(p for p in place.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
