"""What a rule is and what it finds."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contract.read import Deployment, Path

# Found by `modelplane check` alone: what was tested is known where packages are made (release.compatibility).
UNTESTED_VERSION = "untested-version"


class Severity(enum.StrEnum):
    """An error certainly breaks requests, or silently switches disaggregation off; a warning may."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Said:
    """What a rule says about one field."""

    path: Path
    sentence: str
    fix: str


@dataclass(frozen=True)
class Rule:
    """One way in which a deployment's parts do not fit together."""

    id: str
    severity: Severity
    breaks: str
    """What does not work, and what a client sees of it."""
    source: str
    """How it is known."""
    check: Callable[[Deployment], Iterable[Said]]


@dataclass(frozen=True)
class Finding:
    """A rule that a deployment breaks, at one field."""

    id: str
    severity: Severity
    path: Path
    sentence: str
    fix: str
    silenced: bool = False

    @property
    def field(self) -> str:
        """The path as the API server spells it."""
        return spell(self.path)

    @property
    def counts(self) -> bool:
        """Whether it is an error that nobody has silenced."""
        return self.severity is Severity.ERROR and not self.silenced


def spell(path: Path) -> str:
    """`path` as the API server spells it: spec.engines[0].name."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f"[{step}]"
    return text
