"""What the author of a selector most likely meant, in front of what the compiler says."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

_PLACE = re.compile(r"(line \d+, column \d+: )(.*)", re.DOTALL)
_EXPECTED = re.compile(r" expecting (\{[^}]*\}|<EOF>)|; ERROR: <input>:-1:-1: <<nil>> parsetree| \(in container ''\)")
_UNDECLARED = re.compile(r"undeclared reference to '(?:[\w.]*\.)?(\w+)'")
_NAMED = 8
_FIELDS = 'write device.driver, device.attributes["domain"].name or device.capacity["domain"].name'
_BY_DOMAIN = 'attributes and capacity are by domain, such as device.capacity["gpu.nvidia.com"].memory'
_AMOUNT = 'an amount is written quantity("40Gi")'
# The first that is found in the compiler's text is told.
_SLIPS = (
    (r"token recognition error at: '[\u2018-\u201d]", "write straight quotes, \" or '"),
    (r"token recognition error at: '[\"']", "a quote is not closed"),
    (r"token recognition error at: '= ?'", "write == to compare"),
    (r"token recognition error at: '& ?'", "write && for and"),
    (r"token recognition error at: '\| ?'", "write || for or"),
    (r"input '(and|AND)'", "write && for and"),
    (r"input '(or|OR)'", "write || for or"),
    (r"input '<EOF>'|missing '.' at '<EOF>'", "the expression ends where something is still to come"),
    (
        r"'_(>|>=|<|<=)_' applied to '\(kubernetes\.Quantity|'_(>|>=|<|<=)_' .*, kubernetes\.Quantity\)",
        'quantities are compared by compareTo(), such as memory.compareTo(quantity("40Gi")) >= 0',
    ),
    (
        r"'_(>|>=|<|<=)_' .*kubernetes\.Semver",
        'versions are compared by compareTo(), such as version.compareTo(semver("12.4.0")) >= 0',
    ),
    (r"applied to '\((\w+, )?map\(string, ", _BY_DOMAIN),
    (r"'quantity' applied to '\((int|double)\)'", _AMOUNT),
    (r"'(_==_|compareTo|is\w+Than)' applied to '\(kubernetes\.Quantity, ", _AMOUNT),
    (r"undeclared reference to '(devices?\.|driver|attributes|capacity)", _FIELDS),
    (r"undeclared reference to '[\w]+(\.\w+)+'", "a text stands in quotes"),
)
_METHODS = (
    "compareTo", "isGreaterThan", "isLessThan", "asInteger", "asApproximateFloat", "isInteger", "sign", "add", "sub",
    "major", "minor", "patch", "startsWith", "endsWith", "contains", "matches", "lowerAscii", "upperAscii",
    "quantity", "semver", "isQuantity", "isSemver", "size", "exists", "all", "orValue", "device",
)  # fmt: skip


def advised(message: str) -> str:
    """The compiler's message, behind its advice if there is any."""
    place, rest = match.groups() if (match := _PLACE.match(message)) else ("", message)
    bare = _EXPECTED.sub("", rest)
    first = bare.partition("; line ")[0]
    advice = _near(rest) or next((advice for slip, advice in _SLIPS if re.search(slip, rest)), "")
    return f"{place}{advice} ({first})" if advice else f"{place}{bare}"


def _near(message: str) -> str:
    if not (match := _UNDECLARED.search(message)):
        return ""
    near = close(match[1], _METHODS)
    return f"did you mean {near}?" if near else ""


def absent(which: str, domain: str, name: str, there: Iterable[tuple[str, str, str]]) -> str:
    """What to read instead of an attribute or amount that a device has not."""
    known = sorted(there)
    if place := next((place for place, of, each in known if (of, each) == (domain, name)), ""):
        return f"it is in device.{place}"
    here = tuple(each for place, of, each in known if (place, of) == (which, domain))
    if near := close(name, here):
        return f"did you mean {near}?"
    if other := next((of for place, of, each in known if (place, each) == (which, name)), ""):
        return f'it is in device.{which}["{other}"]'
    if not here:
        domains = sorted({of for place, of, _ in known if place == which})
        return f"its domain is {' or '.join(domains)}" if domains else f"nothing is in device.{which}"
    return f"there are {', '.join(here[:_NAMED])}" + (", …" if here[_NAMED:] else "")


# A fleet's clusters have the same few labels, and each is asked.
@lru_cache(maxsize=4096)
def close(name: str, known: tuple[str, ...]) -> str:
    """The known name that is nearest to one that is not; empty when none is near."""
    lowered = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), lowered, n=1, cutoff=0.75)
    return lowered[near[0]] if near else ""
