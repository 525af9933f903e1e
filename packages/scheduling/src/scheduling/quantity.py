"""Kubernetes' resource.Quantity as an exact, comparable value."""

import re
from dataclasses import dataclass
from functools import lru_cache, total_ordering

_NANO = 9
_LARGEST = 2**63 - 1
_DIGITS, _BINARY_DIGITS = 18, 14
_LONGEST = 1000
_BINARY = 2
_SUFFIXES = (
    {"": (10, 0), "n": (10, -9), "u": (10, -6), "m": (10, -3)}
    | {letter: (10, 3 * (place + 1)) for place, letter in enumerate("kMGTPE")}
    | {f"{letter}i": (2, 10 * (place + 1)) for place, letter in enumerate("KMGTPE")}
)
_FORM = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([a-zA-Z]{0,2})|[eE]([+-]?[0-9]+))", re.ASCII)


@total_ordering
@dataclass(frozen=True, eq=False)
class Quantity:
    """digits * 10**scale; Kubernetes keeps what it could not read as 64 bits (is_exact) in a way that is never an integer."""

    digits: int
    scale: int = 0
    is_exact: bool = False
    text: str = ""

    def __str__(self) -> str:
        return self.text or f"{self.nanos}n"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __lt__(self, other: "Quantity") -> bool:
        return self.nanos < other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    @property
    def kept(self) -> str:
        """All that tells one quantity from another of the same amount."""
        return f"{self.digits} {self.scale} {self.is_exact:d}"

    @property
    def nanos(self) -> int:
        """In billionths, the finest step Kubernetes keeps."""
        return self.digits * int(10 ** (self.scale + _NANO))

    @property
    def is_whole(self) -> bool:
        """Whether asInteger() works: Kubernetes looks at how the amount is kept, so 1000m is no integer."""
        return not self.is_exact and self.scale >= 0 and _fits(self.whole)

    @property
    def whole(self) -> int:
        return self.digits * int(10**self.scale)

    @property
    def approximate(self) -> float:
        return float(self.digits) * float(f"1e{self.scale}") if self.scale else float(self.digits)

    def plus(self, other: "Quantity", sign: int = 1) -> "Quantity":
        """The sum, kept as Kubernetes keeps it."""
        is_exact = self.is_exact or other.is_exact
        if not is_exact and not other.digits:
            return Quantity(self.digits, self.scale)
        if not is_exact and not self.digits:
            return Quantity(sign * other.digits, other.scale)
        scale = min(self.scale, other.scale)
        parts = (self.digits * 10 ** (self.scale - scale), sign * other.digits * 10 ** (other.scale - scale))
        return Quantity(sum(parts), scale, is_exact or not all(map(_fits, (*parts, sum(parts)))))


def _fits(number: int) -> bool:
    return -(2**63) <= number < 2**63


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
    digits, scale, is_exact = _amount(whole.lstrip("0"), part or "", base, power)
    if is_exact and not whole and not part:
        raise ValueError(_wrong(text))
    return Quantity(-digits if sign == "-" else digits, scale, is_exact, text)


def _amount(whole: str, part: str, base: int, power: int) -> tuple[int, int, bool]:
    """As Kubernetes' parser does it: 64 bits while few digits need no more, else exact and in billionths."""
    room = _DIGITS - len(whole or "0") - len(part)
    factor, scale = 1, power - len(part)
    if base == _BINARY:
        room = -1 if part else _BINARY_DIGITS - len(whole or "0") - power * 3 // 10
        factor, scale = 2**power, -len(part)
    digits = int(whole + part or "0") * factor
    if room >= 0 and scale >= -_NANO and _fits(digits):
        return digits, scale, False
    # Rounded away from zero: who asks for a little gets a little.
    nanos = -(-digits * 10 ** max(scale + _NANO, 0) // 10 ** max(-scale - _NANO, 0))
    if base == _BINARY and nanos > _LARGEST * 10**_NANO:
        return _LARGEST, 0, True
    return nanos, -_NANO, True


def _exponent(text: str, exponent: str) -> int:
    if abs(value := int(exponent)) > _LONGEST:
        raise ValueError(f'"{text}" has an exponent beyond {_LONGEST}')
    return value


def _wrong(text: str) -> str:
    return f'"{text[:64]}" is no quantity: write digits and one of the suffixes m k M G T P E Ki Mi Gi Ti Pi Ei'
