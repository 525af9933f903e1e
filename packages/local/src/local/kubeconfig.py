"""Kubeconfigs: our own files, and our contexts in the user's file, exactly removable.

Whose a context is, what was current before it, and whether the file is ours to delete stand in the
file itself, as the extensions that the kubeconfig format has for that: no second record can go stale.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from local.errors import LocalError, RefusedError
from local.pki import Pki
from local.processes import write

Config = dict[str, Any]
_OWNER = "modelplane.ai/state"
_CREATED = "modelplane.ai/created"
_LISTS = ("clusters", "users", "contexts")


def make(name: str, server: str, pki: Pki) -> Config:
    """The administrator's kubeconfig: one context that carries its certificates in itself."""
    user = {"client-certificate-data": _data(pki.admin), "client-key-data": _data(pki.admin_key)}
    return _of(name, server, pki, user)


def of_account(name: str, server: str, pki: Pki, token: str) -> Config:
    """The kubeconfig of a ServiceAccount."""
    return _of(name, server, pki, {"token": token})


def _of(name: str, server: str, pki: Pki, user: dict[str, str]) -> Config:
    cluster = {"server": server, "certificate-authority-data": _data(pki.ca)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def dump(config: Config) -> str:
    """The text of a kubeconfig."""
    return yaml.safe_dump(config, sort_keys=False)


def users_file() -> Path:
    """The file that kubectl would write to: $KUBECONFIG (the first that exists, else the last) or ~/.kube/config."""
    listed = [Path(p).expanduser() for p in os.environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    if not listed:
        return Path.home() / ".kube" / "config"
    return next((p for p in listed if p.exists()), listed[-1])


def read(file: Path) -> Config:
    """The kubeconfig in `file`; an empty one when there is none."""
    try:
        config = yaml.safe_load(file.read_text()) or {}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise RefusedError(f"{file} cannot be read as a kubeconfig ({e}): repair it, or use --no-kubeconfig") from e
    if not isinstance(config, dict) or not all(_is_named_list(config.get(k)) for k in _LISTS):
        raise RefusedError(f"{file} is not a kubeconfig: repair it, or use --no-kubeconfig")
    return config


def merged(config: Config, ours: Mapping[str, Config], state: str, created: bool) -> Config:
    """`config` with our contexts by name; the first of them is current."""
    current = config.get("current-context") or ""
    previous = _previous(config, state) if current in _own_names(config, state) else current
    rest = removed(config, state)
    out: Config = {"apiVersion": "v1", "kind": "Config", **rest}
    mark = {"name": _OWNER, "extension": {"folder": state, "previous": previous}}
    for name, single in ours.items():
        for key, part in (("clusters", "cluster"), ("users", "user")):
            out[key] = [*(out.get(key) or []), {"name": name, part: single[key][0][part]}]
        context = {"cluster": name, "user": name, "extensions": [copy.deepcopy(mark)]}  # YAML would alias it.
        out["contexts"] = [*(out.get("contexts") or []), {"name": name, "context": context}]
    out["current-context"] = next(iter(ours))
    if created or _is_created(config):
        others = [e for e in out.get("extensions") or [] if e.get("name") != _CREATED]
        out["extensions"] = [*others, {"name": _CREATED, "extension": {"by": "modelplane up"}}]
    return out


def removed(config: Config, state: str) -> Config:
    """`config` without what belongs to `state`, and current again what was current before."""
    names = _own_names(config, state)
    if not names:
        return dict(config)
    previous = _previous(config, state)
    out = dict(config)
    for key in _LISTS:
        out[key] = [e for e in config.get(key) or [] if e["name"] not in names]
    out["contexts"] = [_inherit(c, names, previous) for c in out["contexts"]]
    if config.get("current-context") in names:
        left = {c["name"] for c in out["contexts"]}
        out["current-context"] = previous if previous in left else ""
    return out


def is_disposable(config: Config) -> bool:
    """Whether `up` created the file and nothing else is in it."""
    return _is_created(config) and not any(config.get(k) for k in _LISTS)


def prefix(config: Config, state: str) -> str:
    """`modelplane`, or the next name that nobody else's context has."""
    others = {e["name"] for k in _LISTS for e in config.get(k) or []} - _own_names(config, state)
    candidates = ("modelplane", *(f"modelplane-{n}" for n in range(2, 100)))
    return next(c for c in candidates if c not in others and not any(o.startswith(f"{c}-cluster-") for o in others))


def merge_into(file: Path, ours: Mapping[str, Config], state: str) -> str:
    """Add our contexts, named after `prefix`, to the user's file; the name of the current one."""
    target = file.resolve()
    with _locked(target):
        config = read(target)
        first = prefix(config, state)
        named = {first + (f"-{name}" if name else ""): single for name, single in ours.items()}
        write(target, dump(merged(config, named, state, created=not target.exists())))
    return first


def remove_from(file: Path, state: str) -> None:
    """Take our contexts out of the user's file; delete the file when it was ours and is empty now."""
    target = file.resolve()
    if not target.exists():
        return
    with _locked(target):
        config = read(target)
        if not _own_names(config, state):
            return
        rest = removed(config, state)
        if is_disposable(rest):
            target.unlink()
        else:
            write(target, dump(rest))


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """The lock that kubectl takes."""
    lock = file.with_name(f"{file.name}.lock")
    deadline = time.monotonic() + 10
    made = not file.parent.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError as e:
            if time.monotonic() > deadline:
                raise LocalError(f"{lock} exists: another program writes {file}; delete the lock if none does") from e
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        if made:
            with contextlib.suppress(OSError):
                file.parent.rmdir()


def _inherit(entry: Config, names: set[str], previous: str) -> Config:
    """A context that would return to one of `names` returns to what came before them."""
    mark = _mark(entry)
    if mark.get("previous") not in names:
        return entry
    changed = {"name": _OWNER, "extension": {**mark, "previous": previous}}
    others = [e for e in entry["context"]["extensions"] if e.get("name") != _OWNER]
    return {**entry, "context": {**entry["context"], "extensions": [*others, changed]}}


def _own_names(config: Config, state: str) -> set[str]:
    return {c["name"] for c in config.get("contexts") or [] if _mark(c).get("folder") == state}


def _previous(config: Config, state: str) -> str:
    marks = [m for m in map(_mark, config.get("contexts") or []) if m.get("folder") == state]
    return str(marks[0].get("previous") or "") if marks else ""


def _mark(entry: Config) -> Config:
    extensions = (entry.get("context") or {}).get("extensions") or []
    found = [e.get("extension") for e in extensions if isinstance(e, dict) and e.get("name") == _OWNER]
    return found[0] if found and isinstance(found[0], dict) else {}


def _is_created(config: Config) -> bool:
    return any(e.get("name") == _CREATED for e in config.get("extensions") or [] if isinstance(e, dict))


def _is_named_list(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(e, dict) and "name" in e for e in value))


def _data(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
