"""Kubernetes' resource.Quantity as an exact, comparable value."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

_NANO = 10**9
_LARGEST = (2**63 - 1) * _NANO
_LONGEST = 1000
_BINARY = 2
_SUFFIXES = (
    {"": (10, 0), "n": (10, -9), "u": (10, -6), "m": (10, -3)}
    | {letter: (10, 3 * (place + 1)) for place, letter in enumerate("kMGTPE")}
    | {f"{letter}i": (2, 10 * (place + 1)) for place, letter in enumerate("KMGTPE")}
)
_FORM = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([a-zA-Z]{0,2})|[eE]([+-]?[0-9]+))", re.ASCII)


@dataclass(frozen=True, order=True)
class Quantity:
    """An amount in billionths, the finest step Kubernetes keeps; ordered by the amount alone."""

    nanos: int
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text or f"{self.nanos}n"

    @property
    def is_whole(self) -> bool:
        """Whether the amount is an integer that fits 64 bits, so that asInteger() works."""
        return self.nanos % _NANO == 0 and -(2**63) <= self.nanos // _NANO < 2**63

    @property
    def whole(self) -> int:
        return self.nanos // _NANO

    @property
    def approximate(self) -> float:
        return self.nanos / _NANO

    def plus(self, nanos: int) -> "Quantity":
        return Quantity(self.nanos + nanos)


def of_integer(value: int) -> Quantity:
    return Quantity(value * _NANO)


@lru_cache(maxsize=4096)
def parse_quantity(text: str) -> Quantity:
    """The quantity a text such as 40Gi stands for; ValueError with a sentence when it is none."""
    match = _FORM.fullmatch(text)
    if not text or len(text) > _LONGEST or match is None:
        raise ValueError(_wrong(text))
    sign, whole, part, suffix, exponent = match.groups()
    base, power = _SUFFIXES.get(suffix, (0, 0)) if exponent is None else (10, _exponent(text, exponent))
    if not base:
        raise ValueError(_wrong(text))
    nanos = _nanos(int((whole or "0") + (part or "")), len(part or ""), base, power)
    if base == _BINARY:
        nanos = min(nanos, _LARGEST)
    return Quantity(-nanos if sign == "-" else nanos, text)


def _nanos(digits: int, decimals: int, base: int, power: int) -> int:
    """Rounded away from zero: who asks for a little gets a little."""
    top, bottom = digits * _NANO, int(10**decimals)
    top *= int(base ** max(power, 0))
    bottom *= int(base ** max(-power, 0))
    return -(-top // bottom)


def _exponent(text: str, exponent: str) -> int:
    if abs(value := int(exponent)) > _LONGEST:
        raise ValueError(f'"{text}" has an exponent beyond {_LONGEST}')
    return value


def _wrong(text: str) -> str:
    return f'"{text[:64]}" is no quantity: write digits and one of the suffixes m k M G T P E Ki Mi Gi Ti Pi Ei'
