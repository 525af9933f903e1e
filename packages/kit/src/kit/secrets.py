"""Copies of a tenant's Secrets on workload clusters: by reference, no byte of them passes a function or stands in an Object.

When provider-kubernetes creates something, it writes what it took from a reference into the Object; when it updates, it
does not. So one Object only updates, which makes what is missing too, and another only deletes (`design/secrets.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kit import labels, names, remote
from kit.call import Call
from kit.remote import Target

Manifest = dict[str, Any]

COPY, REMOVAL = "secret-", "unsecret-"
_TAKEN = ("data", "type")


@dataclass(frozen=True)
class Copies:
    """Copies for one composite, in `namespace` on its cluster; each is the owner's own, and goes with it."""

    target: Target
    owner: str
    namespace: str
    labels: Mapping[str, str]
    """What each copy is labelled with on the cluster."""

    def name(self, secret: str) -> str:
        """What the copy of a Secret is called on the cluster."""
        return names.child_name(self.owner, secret)

    def objects(self, secret: str) -> dict[str, Manifest]:
        """The two Objects of a copy, by key."""
        metadata = {"name": self.name(secret), "namespace": self.namespace, "labels": dict(self.labels)}
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
        remover = names.child_name(self.owner, removal_key(secret))
        # Once the remover is gone, and it goes last, nothing makes the copy again.
        references = [_depends_on(remover, self.target.namespace), *_taken_from(secret, self.target.namespace)]
        writer = names.child_name(self.owner, copy_key(secret))
        made = {
            removal_key(secret): self.target.remove(remover, manifest),
            copy_key(secret): self.target.update(writer, manifest, references),
        }
        for obj in made.values():
            obj["metadata"]["labels"] = {**obj["metadata"]["labels"], labels.COPIED: "true"}
        return made


def copy_key(secret: str) -> str:
    """The key of the Object that writes the copy."""
    return f"{COPY}{names.child_name(secret)}"


def want(call: Call[Any], copies: Copies, secret: str) -> None:
    """Compose a copy so that its removal goes last, by an owner: the garbage collector waits until both are gone.

    Otherwise what writes the copy could see it vanish before its own end, and write it once more (`design/secrets.md`).
    """
    made = copies.objects(secret)
    writer = call.seen(copy_key(secret)) or {}
    if uid := writer.get("metadata", {}).get("uid"):
        owner = {"apiVersion": remote.API_VERSION, "kind": "Object", "name": writer["metadata"]["name"], "uid": uid}
        made[removal_key(secret)]["metadata"]["ownerReferences"] = [owner]
    for key, obj in made.items():
        call.want(key, obj)


def keep_removers(call: Call[Any]) -> None:
    """What removes a copy is dropped in the call after what writes it, not in the same."""
    for key in call.observed():
        if key.startswith(REMOVAL) and call.seen(f"{COPY}{key.removeprefix(REMOVAL)}"):
            call.keep_unless_wanted(key)


def removal_key(secret: str) -> str:
    """The key of the Object that removes the copy when it goes."""
    return f"{REMOVAL}{names.child_name(secret)}"


def is_copy(key: str) -> bool:
    """Whether one of a copy's two Objects has that key."""
    return key.startswith((COPY, REMOVAL))


def copied_as(seen: Manifest | None) -> str:
    """The name on its cluster of the copy that an observed Object writes or removes."""
    manifest = (seen or {}).get("spec", {}).get("forProvider", {}).get("manifest", {})
    return str(manifest.get("metadata", {}).get("name", ""))


def missing(call: Call[Any], secrets: Iterable[str]) -> str:
    """The Secrets that have not been copied yet, and why, as a sentence; empty when all have been."""
    waiting = {secret: trouble(call, secret) for secret in secrets if not _is_there(call, secret)}
    told = [f"Secret {call.namespace}/{secret}{_why(trouble)}" for secret, trouble in sorted(waiting.items())]
    return f"Not on the cluster yet: {'; '.join(told)}." if told else ""


def trouble(call: Call[Any], secret: str) -> str:
    """What keeps a Secret from being copied; nothing while the other Object is made, which must be there first."""
    found = call.trouble(copy_key(secret))
    return "" if "referenced resource: objects." in found else found


def _is_there(call: Call[Any], secret: str) -> bool:
    return call.is_ready(copy_key(secret)) and not call.trouble(copy_key(secret))


def _why(trouble: str) -> str:
    if not trouble:
        return " (if that lasts, see that provider-kubernetes runs with --sanitize-secrets)"
    if "not found" in trouble and "referenced resource" in trouble:
        return ", which does not exist or is empty: create it"
    return f": {trouble.rstrip('.')}"


def _depends_on(name: str, namespace: str) -> Manifest:
    return {"dependsOn": {"apiVersion": remote.API_VERSION, "kind": "Object", "name": name, "namespace": namespace}}


def _taken_from(secret: str, namespace: str) -> list[Manifest]:
    source = {"apiVersion": "v1", "kind": "Secret", "name": secret, "namespace": namespace}
    return [{"patchesFrom": {**source, "fieldPath": field}, "toFieldPath": field} for field in _TAKEN]
