"""Names as Kubernetes judges them and as Crossplane makes them."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from typing import Any

from offline.findings import Path, did_you_mean, shortened

MAX_NAME = 63
MAX_DOTTED = 253
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_UIDS = uuid.uuid5(uuid.NAMESPACE_DNS, "modelplane.ai")
METADATA = (
    "name", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "generateName",
    "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds", "managedFields", "selfLink",
)  # fmt: skip
_DOTTED = "lower case letters, digits, - and ., starting and ending with a letter or digit"
_DASHED = "lower case letters, digits and -, starting and ending with a letter or digit"
_VALUE = "letters, digits, -, _ and ., starting and ending with a letter or digit, at most 63 characters"

Problem = tuple[Path, str]


def uid(*parts: str) -> str:
    """The uid of an object, the same on every run."""
    return str(uuid.uuid5(_UIDS, "/".join(parts)))


def child_name(prefix: str, parent_uid: str, key: str) -> str:
    """The name Crossplane gives to a composed resource without one."""
    suffix = hashlib.sha256((parent_uid + key).encode()).hexdigest()[:12]
    prefix = prefix if prefix.endswith("-") else f"{prefix}-"
    if len(prefix) + 12 <= MAX_NAME:
        return prefix + suffix
    cut = prefix[: MAX_NAME - 12]
    return (cut if cut.endswith("-") else f"{cut[:-1]}-") + suffix


def metadata_problems(value: dict[str, Any], longest: int) -> Iterator[Problem]:
    """What the API server would refuse about `value`'s metadata."""
    metadata = value["metadata"]
    for key in metadata:
        if key not in METADATA:
            yield ("metadata", key), f"{key} is not a field of metadata{did_you_mean(key, METADATA)}"
    yield from _name("name", metadata.get("name"), _SUBDOMAIN, longest)
    if metadata.get("namespace") is not None:
        yield from _name("namespace", metadata["namespace"], _LABEL, MAX_NAME)
    for name in ("labels", "annotations"):
        yield from _pairs(name, metadata.get(name))
    for name, entry in (("ownerReferences", dict), ("finalizers", str)):
        entries = metadata.get(name) or []
        if not isinstance(entries, list) or not all(isinstance(e, entry) for e in entries):
            yield ("metadata", name), f"{name} must be a list of {'mappings' if entry is dict else 'text'}"


def _name(field: str, name: Any, pattern: re.Pattern[str], longest: int) -> Iterator[Problem]:
    path = ("metadata", field)
    if not isinstance(name, str):
        yield path, f"the {field} must be text; put it in quotes"
        return
    if len(name) > longest:
        yield path, f"the {field} has {len(name)} characters; at most {longest} are allowed"
    if not pattern.fullmatch(name):
        yield path, f"the {field} {_short(name)} must be {_DASHED if pattern is _LABEL else _DOTTED}"


def _pairs(field: str, pairs: Any) -> Iterator[Problem]:
    if pairs is None:
        return
    if not isinstance(pairs, dict):
        yield ("metadata", field), f"{field} must be a mapping of text to text"
        return
    for key, value in pairs.items():
        path = ("metadata", field, key)
        if not _is_qualified(key):
            yield path, f"the key {_short(key)} must be [prefix/]name, the name of {_VALUE}"
        if not isinstance(value, str):
            yield path, "the value must be text; put it in quotes"
        elif field == "labels" and value and (len(value) > MAX_NAME or not _WORD.fullmatch(value)):
            yield path, f"the value {_short(value)} must be {_VALUE}"


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > MAX_DOTTED or not _SUBDOMAIN.fullmatch(prefix)):
        return False
    return len(name) <= MAX_NAME and bool(_WORD.fullmatch(name))


def _short(text: str) -> str:
    return repr(shortened(text))
