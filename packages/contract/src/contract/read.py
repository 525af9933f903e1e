"""A ModelDeployment or ModelReplica as the rules see it. Reading is tolerant: odd input is for the schema to refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract import picker, pickerconfig
from contract.flags import Engine as Kind
from contract.flags import Flags, parse
from contract.picker import Dialect, UnknownVersion
from contract.pickerconfig import PickerConfig

Path = tuple[str | int, ...]
Plain = Mapping[str, Any]

IGNORE = "modelplane.ai/contract-ignore"
SERVING_PORT = 8000
_GPU = re.compile(r"gpu", re.IGNORECASE)


@dataclass(frozen=True)
class Member:
    """The pods of one role of an engine."""

    path: Path
    role: str
    pods: int
    gpus: int | None
    """GPUs that each pod claims; None when its requests do not look like GPUs."""
    pod: Plain
    container: Plain
    flags: Flags

    @property
    def at(self) -> Path:
        """The path of its container."""
        return (*self.path, "template", "spec", "containers", 0)

    def flag_at(self, *names: str) -> Path:
        """The argument that sets a flag, or else the list that would."""
        spelled = re.compile(
            r"(?:^|\s)--?(?:" + "|".join(re.escape(n).replace(r"\-", "[-_]") for n in names) + r")(?:[=.\s]|$)"
        )
        for key in ("args", "command"):
            for index, word in enumerate(listed(self.container.get(key))):
                if isinstance(word, str) and spelled.search(word):
                    return (*self.at, key, index)
        key = "args" if listed(self.container.get("args")) or not listed(self.container.get("command")) else "command"
        return (*self.at, key)

    def env_at(self, name: str) -> Path:
        """The entry of a variable, or else the list that would have it."""
        for index, entry in enumerate(listed(self.container.get("env"))):
            if mapping(entry).get("name") == name:
                return (*self.at, "env", index)
        return (*self.at, "env")


@dataclass(frozen=True)
class Engine:
    """One engine; what serves is its Standalone or its Leader."""

    path: Path
    name: str
    phase: str
    members: tuple[Member, ...]
    serving: Member

    @property
    def flags(self) -> Flags:
        return self.serving.flags

    @property
    def kind(self) -> Kind:
        return self.serving.flags.engine


@dataclass(frozen=True)
class Deployment:
    """All that the rules look at."""

    spec: Plain
    annotations: Plain
    engines: tuple[Engine, ...]
    config: PickerConfig | None = field(default=None)
    """The user's own EndpointPickerConfig."""

    @property
    def ignored(self) -> frozenset[str]:
        """The ids of what the annotation silences."""
        return frozenset(text(self.annotations.get(IGNORE)).replace(",", " ").split())

    @property
    def serving(self) -> Plain:
        return mapping(self.spec.get("serving"))

    @property
    def disaggregation(self) -> Plain:
        return mapping(self.serving.get("disaggregation"))

    @property
    def is_split(self) -> bool:
        """Whether prefill and decode are engines of their own."""
        return self.prefill is not None and self.decode is not None

    @cached_property
    def prefill(self) -> Engine | None:
        return self._of("Prefill")

    @cached_property
    def decode(self) -> Engine | None:
        return self._of("Decode")

    def _of(self, phase: str) -> Engine | None:
        if self.serving.get("mode") != "PrefillDecode":
            return None
        return next((e for e in self.engines if e.phase == phase), None)

    @cached_property
    def pair(self) -> tuple[tuple[Engine, Engine], ...]:
        """Prefill and decode, where both exist; so that a rule about both is a loop."""
        return ((self.prefill, self.decode),) if self.prefill and self.decode else ()

    @cached_property
    def phases(self) -> tuple[Engine, ...]:
        return tuple(engine for both in self.pair for engine in both)

    @cached_property
    def asked_dialect(self) -> Dialect | UnknownVersion:
        asked = mapping(self.serving.get("endpointPicker"))
        return picker.dialect_of(text(asked.get("image")) or None, text(asked.get("version")) or None)

    @cached_property
    def dialect(self) -> Dialect | None:
        """The picker's dialect, where it is known and there is a picker."""
        return self.asked_dialect if self.pair and isinstance(self.asked_dialect, Dialect) else None

    @property
    def connector(self) -> str:
        return text(self.disaggregation.get("connector")) or "NixlV2"


def read(manifest: Any) -> Deployment:
    """Read what the rules need. `manifest` is a ModelDeployment or a ModelReplica."""
    spec = mapping(mapping(manifest).get("spec"))
    annotations = mapping(mapping(mapping(manifest).get("metadata")).get("annotations"))
    engines = tuple(_engines(listed(spec.get("engines"))))
    config = mapping(mapping(spec.get("serving")).get("endpointPicker")).get("config")
    return Deployment(spec, annotations, engines, pickerconfig.read(config) if isinstance(config, Mapping) else None)


def _engines(engines: Sequence[Any]) -> Iterator[Engine]:
    for index, engine in enumerate(map(mapping, engines)):
        path: Path = ("spec", "engines", index)
        members = tuple(_member((*path, "members", n), mapping(m)) for n, m in enumerate(listed(engine.get("members"))))
        serving = next((m for m in members if m.role != "Worker"), None)
        if serving:
            yield Engine(path, text(engine.get("name")), text(engine.get("phase")), members, serving)


def _member(path: Path, member: Plain) -> Member:
    pod = mapping(mapping(member.get("template")).get("spec"))
    container = mapping(next(iter(listed(pod.get("containers"))), None))
    nodes = mapping(member.get("worker")).get("nodes")
    return Member(
        path=path,
        role=text(member.get("role")) or "Standalone",
        pods=nodes if isinstance(nodes, int) else 1,
        gpus=_gpus(listed(mapping(member.get("nodeSelector")).get("devices"))),
        pod=pod,
        container=container,
        flags=parse(
            container.get("command"), container.get("args"), container.get("env"), text(container.get("image"))
        ),
    )


def _gpus(devices: Sequence[Any]) -> int | None:
    if not devices:
        return 0
    gpus = [d for d in map(mapping, devices) if _GPU.search(text(d.get("name")) + _selectors(d))]
    counts = [d.get("count", 1) for d in gpus]
    return sum(counts) if counts and all(isinstance(c, int) for c in counts) else None


def _selectors(device: Plain) -> str:
    return " ".join(text(mapping(s).get("cel")) for s in listed(device.get("selectors")))


def mapping(value: Any) -> Plain:
    """`value`, or an empty mapping where it is none."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    """`value`, or an empty list where it is none."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Any) -> str:
    """`value`, or an empty text where it is none."""
    return value if isinstance(value, str) else ""
