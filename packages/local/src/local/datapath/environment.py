"""What a container's environment and arguments are, read from its pod as a kubelet reads them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

Manifest = dict[str, Any]
# A ConfigMap or Secret by kind and name, or None when there is none.
Source = Callable[[str, str], Manifest | None]
_REFERENCE = re.compile(r"\$(\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))")
_KEYED = re.compile(r"(metadata\.(?:labels|annotations))\['(.+)'\]")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|[kMGT]i?|Ki)?")


class UnresolvedError(Exception):
    """What a container needs and the API server does not hold."""


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(VAR)` where VAR is known, `$$` for `$`; everything else stays as it is."""

    def one(match: re.Match[str]) -> str:
        return "$" if match[1] == "$" else values.get(match[2], match[0])

    return _REFERENCE.sub(one, text)


def resolve(container: Manifest, pod: Manifest, source: Source) -> dict[str, str]:
    """The environment that the pod gives to one of its containers; later entries see earlier ones."""
    values: dict[str, str] = {}
    for each in container.get("envFrom") or []:
        kind = "ConfigMap" if "configMapRef" in each else "Secret"
        reference = each.get("configMapRef") or each.get("secretRef") or {}
        found = _found(kind, reference, source)
        values |= {f"{each.get('prefix', '')}{k}": v for k, v in data(found).items()}
    for entry in container.get("env") or []:
        value = _value(entry, container, pod, source)
        if value is not None:
            values[entry["name"]] = expand(value, values) if "value" in entry else value
    return values


def command(container: Manifest, entrypoint: list[str], values: Mapping[str, str]) -> list[str]:
    """The command line: the image's entry point stands where the container names no command."""
    own = [expand(word, values) for word in container.get("command") or []]
    return [*(own or entrypoint), *(expand(word, values) for word in container.get("args") or [])]


def field(pod: Manifest, path: str) -> str:
    """A field of the pod, as fieldRef names it."""
    if keyed := _KEYED.fullmatch(path):
        return str(_walk(pod, keyed[1]).get(keyed[2], ""))
    if path == "status.podIPs":
        return ",".join(each["ip"] for each in pod.get("status", {}).get("podIPs") or [])
    found = _walk(pod, path)
    return "" if found == {} else str(found)


def data(found: Manifest) -> dict[str, str]:
    """The texts of a ConfigMap or Secret."""
    if found["kind"] == "ConfigMap":
        return dict(found.get("data") or {})
    return {k: base64.b64decode(v).decode(errors="replace") for k, v in (found.get("data") or {}).items()}


def number(quantity: str) -> float:
    """A Kubernetes quantity."""
    match = _QUANTITY.fullmatch(str(quantity))
    if match is None:
        raise UnresolvedError(f"quantity {quantity!r} is not understood here")
    return float(match[1]) / 1000 if match[2] == "m" else float(match[1]) * _UNITS[match[2] or ""]


def _value(entry: Manifest, container: Manifest, pod: Manifest, source: Source) -> str | None:
    if "value" in entry or "valueFrom" not in entry:
        return str(entry.get("value") or "")
    origin = entry["valueFrom"]
    if "fieldRef" in origin:
        return field(pod, origin["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in origin:
        return _resource(origin["resourceFieldRef"], container)
    kind = "ConfigMap" if "configMapKeyRef" in origin else "Secret"
    reference = origin.get("configMapKeyRef") or origin.get("secretKeyRef") or {}
    found = data(_found(kind, reference, source))
    if reference.get("key") in found:
        return found[reference["key"]]
    if reference.get("optional"):
        return None
    raise UnresolvedError(f"couldn't find key {reference.get('key')} in {kind} {reference.get('name')}")


def _found(kind: str, reference: Manifest, source: Source) -> Manifest:
    found = source(kind, reference.get("name", ""))
    if found is None and not reference.get("optional"):
        raise UnresolvedError(f'{kind.lower()} "{reference.get("name")}" not found')
    return {**(found or {}), "kind": kind}


def _resource(reference: Manifest, container: Manifest) -> str:
    kind, _, name = reference["resource"].partition(".")
    amount = ((container.get("resources") or {}).get(kind) or {}).get(name)
    if amount is None:
        raise UnresolvedError(f"resourceFieldRef {reference['resource']}: the container sets none")
    divisor = number(reference.get("divisor") or "1") or 1
    return str(-int(-number(amount) // divisor))


def _walk(found: Any, path: str) -> Any:
    for step in path.split("."):
        found = found.get(step, {}) if isinstance(found, Mapping) else {}
    return found
