"""quantity(), semver() and their methods: declared for the type checker, implemented on boxes."""

from collections.abc import Callable
from typing import Any

from cel_expr_python import cel

from scheduling.capacity import Attribute
from scheduling.quantity import Quantity, parse_quantity
from scheduling.version import Version, parse_version

QUANTITY = cel.Type.AbstractType("kubernetes.Quantity")
SEMVER = cel.Type.AbstractType("kubernetes.Semver")
_BOX = cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
_BOOL, _INT, _DOUBLE, _STRING = cel.Type.BOOL, cel.Type.INT, cel.Type.DOUBLE, cel.Type.STRING

# No expression can write a key that starts like this by accident.
_QUANTITY_KEY, _VERSION_KEY = "\x01quantity", "\x01semver"

Box = dict[str, str]
_Value = Quantity | Version


def boxed(value: Attribute | Quantity) -> str | bool | int | Box:
    """A value as the runtime carries it."""
    if isinstance(value, Quantity):
        return {_QUANTITY_KEY: value.kept}
    if isinstance(value, Version):
        return {_VERSION_KEY: str(value).partition("+")[0]}
    return value


def _unboxed(box: Any) -> _Value:
    if not isinstance(box, dict):
        raise ValueError("no such overload")  # noqa: TRY004 - One error for all that CEL would not call.
    if box.keys() == {_QUANTITY_KEY}:
        digits, scale, is_exact = map(int, box[_QUANTITY_KEY].split())
        return Quantity(digits, scale, bool(is_exact))
    if box.keys() == {_VERSION_KEY}:
        return parse_version(box[_VERSION_KEY])
    raise ValueError("no such overload")


def _quantity(box: Box) -> Quantity:
    value = _unboxed(box)
    if not isinstance(value, Quantity):
        raise TypeError("no such overload")
    return value


def _version(box: Box) -> Version:
    value = _unboxed(box)
    if not isinstance(value, Version):
        raise TypeError("no such overload")
    return value


def _compare(left: Box, right: Box) -> int:
    one, other = _unboxed(left), _unboxed(right)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return (one > other) - (one < other)
    if isinstance(one, Version) and isinstance(other, Version):
        return (one > other) - (one < other)
    raise ValueError("no such overload")


def _as_integer(box: Box) -> int:
    amount = _quantity(box)
    if not amount.is_whole:
        raise ValueError(f"cannot convert {amount} to an integer")
    return amount.whole


def _signed(number: int) -> int:
    """Kubernetes reads the unsigned numbers of a version as signed ones."""
    return number - 2**64 if number >= 2**63 else number


def _is(parse: Callable[..., object]) -> Callable[..., bool]:
    def answer(*arguments: object) -> bool:
        try:
            parse(*arguments)
        except ValueError:
            return False
        return True

    return answer


def _sum(sign: int) -> Callable[[Box, Box], Any]:
    return lambda box, other: boxed(_quantity(box).plus(_quantity(other), sign))


def _sum_integer(sign: int) -> Callable[[Box, int], Any]:
    return lambda box, other: boxed(_quantity(box).plus(Quantity(other, 0), sign))


def _sign(box: Box) -> int:
    nanos = _quantity(box).nanos
    return (nanos > 0) - (nanos < 0)


def _domain(domains: dict[str, Any], name: object) -> Any:
    return domains.get(name, {}) if isinstance(name, str) else {}


def _is_box(value: object) -> bool:
    return isinstance(value, dict) and value.keys() in ({_QUANTITY_KEY}, {_VERSION_KEY})


def _plain(value: Any) -> Any:
    if _is_box(value):
        raise ValueError("no such overload")
    return value


def _equal(left: Any, right: Any) -> bool:
    """A quantity or version can be compared with its like and with null; on the right of others it is unequal."""
    if _is_box(left) and right is not None:
        return _compare(left, right) == 0
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict) and not _is_box(right):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _member(value: Any, among: Any) -> bool:
    if isinstance(among, dict):
        return value in _plain(among)
    if not isinstance(among, list) or (_is_box(value) and among and not any(map(_is_box, among))):
        raise ValueError("no such overload")
    return any(_equal(value, each) for each in among)


def _number(value: Any) -> Any:
    if isinstance(value, str) and value != value.strip():
        raise ValueError("cannot convert a text with spaces to a number")
    return value


# What only a rewritten expression calls, with all arguments in one list.
_INNER: dict[str, Callable[..., Any]] = {
    "@domain": _domain,
    "@plain": _plain,
    "@equal": _equal,
    "@member": _member,
    "@number": _number,
}

# name, member, result, then one (parameters, implementation) per overload
_TABLE: tuple[tuple[str, bool, Any, tuple[tuple[tuple[Any, ...], Callable[..., Any]], ...]], ...] = (
    ("quantity", False, QUANTITY, (((_STRING,), lambda text: boxed(parse_quantity(text))),)),
    ("isQuantity", False, _BOOL, (((_STRING,), _is(parse_quantity)),)),
    ("sign", False, _INT, (((QUANTITY,), _sign),)),
    ("isInteger", True, _BOOL, (((QUANTITY,), lambda box: _quantity(box).is_whole),)),
    ("asInteger", True, _INT, (((QUANTITY,), _as_integer),)),
    ("asApproximateFloat", True, _DOUBLE, (((QUANTITY,), lambda box: _quantity(box).approximate),)),
    ("add", True, QUANTITY, (((QUANTITY, QUANTITY), _sum(1)), ((QUANTITY, _INT), _sum_integer(1)))),
    ("sub", True, QUANTITY, (((QUANTITY, QUANTITY), _sum(-1)), ((QUANTITY, _INT), _sum_integer(-1)))),
    (
        "semver",
        False,
        SEMVER,
        (
            ((_STRING,), lambda text: boxed(parse_version(text))),
            ((_STRING, _BOOL), lambda text, loose: boxed(parse_version(text, loose))),
        ),
    ),
    ("isSemver", False, _BOOL, (((_STRING,), _is(parse_version)), ((_STRING, _BOOL), _is(parse_version)))),
    ("major", True, _INT, (((SEMVER,), lambda box: _signed(_version(box).major)),)),
    ("minor", True, _INT, (((SEMVER,), lambda box: _signed(_version(box).minor)),)),
    ("patch", True, _INT, (((SEMVER,), lambda box: _signed(_version(box).patch)),)),
    ("compareTo", True, _INT, (((QUANTITY, QUANTITY), _compare), ((SEMVER, SEMVER), _compare))),
    (
        "isGreaterThan",
        True,
        _BOOL,
        (((QUANTITY, QUANTITY), lambda a, b: _compare(a, b) > 0), ((SEMVER, SEMVER), lambda a, b: _compare(a, b) > 0)),
    ),
    (
        "isLessThan",
        True,
        _BOOL,
        (((QUANTITY, QUANTITY), lambda a, b: _compare(a, b) < 0), ((SEMVER, SEMVER), lambda a, b: _compare(a, b) < 0)),
    ),
)


def _erased(kind: Any) -> Any:
    return _BOX if kind in (QUANTITY, SEMVER) else kind


def _declarations() -> list[Any]:
    return [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(f"{name}_{index}", result, list(parameters), member)
                for index, (parameters, _) in enumerate(overloads)
            ],
        )
        for name, member, result, overloads in _TABLE
    ]


def _implementations() -> list[Any]:
    """As the types are erased, overloads that look the same at run time are one."""
    functions = []
    for name, member, result, overloads in _TABLE:
        distinct = {
            tuple(_erased(kind).name() for kind in parameters): (parameters, call)
            for parameters, call in reversed(overloads)
        }
        functions.append(
            cel.FunctionDecl(
                name,
                [
                    cel.Overload(
                        f"{name}_{index}", _erased(result), [_erased(kind) for kind in parameters], member, call
                    )
                    for index, (parameters, call) in enumerate(distinct.values())
                ],
            )
        )
    return functions


def _spread(call: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    return lambda arguments: call(*arguments)


def _inner() -> list[Any]:
    return [
        cel.FunctionDecl(name, [cel.Overload(name, cel.Type.DYN, [cel.Type.LIST], False, _spread(call))])
        for name, call in _INNER.items()
    ]


DECLARATIONS = _declarations()
IMPLEMENTATIONS = [*_implementations(), *_inner()]
