"""The result as one flat list of manifests: the same bytes for the same input."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from offline.plane import Result
from offline.remote import CLUSTER_LABEL, OBJECT_GROUP
from offline.scalars import BadScalarError, resolve

Manifest = dict[str, Any]


def manifests(result: Result, only: str | None = None) -> list[Manifest]:
    """The composites and what they compose on the control plane, then what each cluster gets."""
    above = [] if only == "remote" else list(_composites(result))
    return above if only == "composites" else [*above, *_remotes(result)]


def _composites(result: Result) -> Iterator[Manifest]:
    ours = set(result.composites())
    for key, value in result.objects.items():
        is_object = (key.group, key.kind) == (OBJECT_GROUP, "Object")
        if key in ours or (value["metadata"].get("ownerReferences") and not is_object):
            # What a Secret holds is nobody's to print.
            yield {k: v for k, v in value.items() if key.kind != "Secret" or k not in ("data", "stringData")}


def _remotes(result: Result) -> Iterator[Manifest]:
    for remote in result.remotes:
        metadata = remote.manifest["metadata"]
        annotations = {**(metadata.get("annotations") or {}), CLUSTER_LABEL: remote.cluster}
        yield {**remote.manifest, "metadata": {**metadata, "annotations": annotations}}


def as_json(items: Sequence[Mapping[str, Any]]) -> str:
    """One array."""
    return json.dumps(items, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def as_yaml(items: Sequence[Mapping[str, Any]]) -> str:
    """One document each; kubectl reads every text back as text."""
    return yaml.dump_all(
        items,
        Dumper=_Dumper,
        sort_keys=True,
        allow_unicode=True,
        width=110,
        explicit_start=True,
        default_flow_style=False,
    )


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # The C class is not typed.
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None if _is_text(text) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_text(word: str) -> bool:
    """Whether kubectl reads the bare word as text; PyYAML quotes less than it must."""
    try:
        return isinstance(resolve(word, None, plain=True), str)
    except BadScalarError:
        return False


_Dumper.add_representer(str, _text)
