"""Semantic versions (semver 2.0.0) as exact, comparable values."""

import re
from dataclasses import dataclass, field
from functools import lru_cache, total_ordering

_NUMBERS = 3
_LARGEST = 2**64 - 1
_NUMBER = r"(0|[1-9][0-9]{0,19})"
_WORDS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_FORM = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_WORDS}))?(?:\+({_WORDS}))?", re.ASCII)


@total_ordering
@dataclass(frozen=True)
class Version:
    """A version; what follows a plus sign is kept as text only and takes no part in comparisons."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()
    build: str = field(default="", compare=False)

    def __lt__(self, other: "Version") -> bool:
        return self._rank < other._rank

    def __str__(self) -> str:
        pre = "-" + ".".join(self.pre) if self.pre else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}" + (f"+{self.build}" if self.build else "")

    @property
    def _rank(self) -> tuple[object, ...]:
        words = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in self.pre)
        # A release comes after all of its pre-releases.
        return (self.major, self.minor, self.patch, not self.pre, words)


@lru_cache(maxsize=4096)
def parse_version(text: str, normalize: bool = False) -> Version:
    """The version a text such as 12.4.1-rc.1 stands for; ValueError with a sentence when it is none."""
    match = _FORM.fullmatch(_normalized(text) if normalize else text)
    if match is None or _has_padded_number(match[4]):
        raise ValueError(f'"{text[:64]}" is no semantic version: write MAJOR.MINOR.PATCH, for example 12.4.0')
    pre = tuple(match[4].split(".")) if match[4] else ()
    if any(int(number) > _LARGEST for number in (*match.groups()[:_NUMBERS], *filter(str.isdigit, pre))):
        raise ValueError(f'"{text[:64]}" has a number beyond {_LARGEST}')
    return Version(int(match[1]), int(match[2]), int(match[3]), pre, match[5] or "")


def _has_padded_number(pre: str | None) -> bool:
    return any(word.isdigit() and len(word) > 1 and word[0] == "0" for word in (pre or "").split("."))


def _normalized(text: str) -> str:
    """As Kubernetes does it: no leading v, no leading zeros, missing numbers are zero."""
    parts = text.removeprefix("v").split(".", 2)
    parts = [_unpadded(part) if len(part) > 1 else part for part in parts]
    if len(parts) < _NUMBERS and re.search(r"[+-]", parts[-1]):
        return ""
    return ".".join(parts + ["0"] * (_NUMBERS - len(parts)))


def _unpadded(part: str) -> str:
    rest = part.lstrip("0")
    return rest if rest[:1] in tuple("123456789") else f"0{rest}"
