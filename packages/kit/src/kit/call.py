"""One call of a composition function: read, decide, want, report.

What makes a function dangerous is forgetting: Crossplane deletes what an answer leaves
out. So nothing is left out here unless `drop` says so, and nothing is decided before
what was asked for has been fetched. `design/never-less.md` has the reasons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from crossplane.function import resource, response
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from schemas.base import Model

from kit import births, composed, conditions, peeked, remote
from kit.fields import Fields
from kit.objects import group_version_kind, metadata_of, read
from kit.report import Report

M = TypeVar("M", bound=Model)
T = TypeVar("T", bound=Model)
Manifest = dict[str, Any]


class Stop(Exception):  # noqa: N818  # It ends a call early; it is not always an error.
    """No further decision can be made. What exists stays, and `type` says why."""

    def __init__(self, type: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.type = type
        self.reason = reason
        self.message = message


class NotFetched(Exception):  # noqa: N818  # Crossplane calls again with the answer.
    """Something required is not here yet, so nothing may be decided."""


class Call(Generic[M]):
    """What a function may read and say for one composite."""

    def __init__(self, xr: M, req: fnv1.RunFunctionRequest) -> None:
        self.xr = xr
        self.report = Report(group_version_kind(type(xr))[1], composed.plain(req.observed.composite))
        self._req = req
        self._seen: dict[str, Manifest] = {}
        self._wanted: dict[str, Manifest] = {}
        self._dropped: set[str] = set()
        self._required: dict[str, dict[str, Any]] = {}
        self._remembered: Manifest = {}
        self._ttl: float | None = None
        self._always_current = False
        self._commits = False

    @property
    def name(self) -> str:
        """The composite's name."""
        return metadata_of(self.xr).name

    @property
    def namespace(self) -> str:
        """The composite's namespace; empty when it is cluster-scoped."""
        return metadata_of(self.xr).namespace

    def find(self, key: str, model: type[T], **by: Any) -> list[T] | None:
        """Objects of another kind: None when not fetched yet, [] when there are none.

        `by` is `name=`, `labels=` or neither for all, and `namespace=`.
        """
        found = self.find_manifests(key, *group_version_kind(model), **by)
        if found is None:
            return None
        return [read(model, manifest) for manifest in found]

    def peek(self, key: str, model: type[Model], read: Callable[[Fields], str]) -> list[str] | None:
        """All objects of a kind, looked at once: a line from `read` for each, None until they were fetched.

        Crossplane watches what the last round of a reconcile requires; so the lines are carried in the
        context, and the objects are no longer required when they are used (`design/peeking.md`).
        """
        return self.peek_manifests(key, *group_version_kind(model), read)

    def peek_manifests(
        self, key: str, api_version: str, kind: str, read: Callable[[Fields], str], **by: Any
    ) -> list[str] | None:
        """Like `peek`, for kinds that have no model; `by` is as for `find`."""
        lines = peeked.carried(self._req.context, key)
        if lines is not None:
            return lines
        if key not in self._req.required_resources:
            self._require(key, api_version, kind, **{f"match_{k}" if k != "namespace" else k: v for k, v in by.items()})
            return None
        found = (item.resource for item in self._req.required_resources[key].items)
        self._remembered |= peeked.carry(key, kind, found, read)
        return None

    @property
    def is_to_explain(self) -> bool:
        """Whether somebody wants all reasons: `modelplane render` does, Crossplane never."""
        return peeked.EXPLAIN in self._req.context.fields

    def explain(self, reasons: list[Manifest]) -> None:
        """Tell all reasons; a status has room for few. Crossplane drops them."""
        self._remembered[peeked.EXPLAIN] = reasons

    def age(self, timestamp: str) -> float:
        """Seconds since a Kubernetes timestamp; endless when it is none."""
        return conditions.seconds_since(timestamp)

    @property
    def now(self) -> str:
        """This moment as a Kubernetes timestamp: for what is written once and read back."""
        return conditions.now()

    def get(self, key: str, model: type[T], name: str, namespace: str | None = None) -> T | None:
        """The object of that name, None when there is none. Raises NotFetched before it was looked up."""
        found = self.find(key, model, name=name, namespace=namespace)
        if found is None:
            raise NotFetched(key)
        return found[0] if found else None

    def all(self, key: str, model: type[T], **by: Any) -> list[T]:
        """Like `find`, sorted by namespace and name. Raises NotFetched before they were looked up."""
        found = self.find(key, model, **by)
        if found is None:
            raise NotFetched(key)
        return sorted(found, key=lambda m: (metadata_of(m).namespace, metadata_of(m).name))

    def find_manifests(  # A requirement has that many parts.
        self,
        key: str,
        api_version: str,
        kind: str,
        *,
        name: str | None = None,
        labels: dict[str, str] | None = None,
        namespace: str | None = None,
    ) -> list[Manifest] | None:
        """Like `find`, for kinds that have no model."""
        self._require(key, api_version, kind, match_name=name, match_labels=labels, namespace=namespace)
        if key not in self._req.required_resources:
            return None
        return [resource.struct_to_dict(i.resource) for i in self._req.required_resources[key].items]

    def _require(self, key: str, api_version: str, kind: str, **by: Any) -> None:
        self._required[key] = {"api_version": api_version, "kind": kind, **by}

    def observed(self) -> list[str]:
        """The keys of all composed resources that exist."""
        return sorted(self._req.observed.resources)

    def seen(self, key: str) -> Manifest | None:
        """The composed resource as Crossplane last saw it, if it exists: to read, not to change."""
        if key not in self._req.observed.resources:
            return None
        if key not in self._seen:
            self._seen[key] = composed.plain(self._req.observed.resources[key])
        return self._seen[key]

    def seen_remote(self, key: str) -> Manifest:
        """What the Object under `key` last saw on its cluster; empty when nothing."""
        return remote.manifest_of(self.seen(key))

    def is_ready(self, key: str) -> bool:
        """Whether the composed resource exists and says Ready."""
        return conditions.find(self.seen(key), "Ready").get("status") == "True"

    def has_said(self, key: str) -> bool:
        """Whether the composed resource exists and has said that it is Ready or that it is not."""
        return bool(conditions.find(self.seen(key), "Ready"))

    def is_written(self, key: str) -> bool:
        """Whether the Object under `key` holds the manifest that is wanted, and its provider has written just that."""
        seen, wanted = self.seen(key) or {}, self._wanted.get(key, {})
        synced = conditions.find(seen, "Synced")
        generation = seen.get("metadata", {}).get("generation", 0)
        current = synced.get("observedGeneration", generation) >= generation
        manifests = [m.get("spec", {}).get("forProvider", {}).get("manifest") for m in (seen, wanted)]
        return bool(current and synced.get("status") == "True" and manifests[0] and manifests[0] == manifests[1])

    def trouble(self, key: str) -> str:
        """Why the composed resource is not Synced, in its provider's words; empty when it is."""
        synced = conditions.find(self.seen(key), "Synced")
        message = str(synced.get("message") or "") if synced.get("status") == "False" else ""
        # A condition must not flap: the local end of a connection, and what was tried before, are others at each try.
        return re.sub(r"\S+:\d+->", "", message.partition(" - error from a previous attempt")[0])

    def want(self, key: str, manifest: Manifest) -> None:
        """Compose `manifest`."""
        composed.check(key, manifest)
        self._dropped.discard(key)
        self._wanted[key] = manifest

    def keep(self, key: str) -> None:
        """Compose what exists under `key` once more as it is."""
        seen = self.seen(key)
        if seen is not None:
            self._wanted[key] = composed.as_it_is(seen)

    def keep_unless_wanted(self, key: str) -> None:
        """Like `keep`, where nothing newer is wanted under `key`."""
        if key not in self._wanted:
            self.keep(key)

    def drop(self, key: str) -> None:
        """Let Crossplane delete what exists under `key`: the only way to remove something."""
        self._wanted.pop(key, None)
        self._dropped.add(key)

    def drop_unless_wanted(self, key: str) -> None:
        """Like `drop`, where nothing newer is wanted under `key`."""
        if key not in self._wanted:
            self.drop(key)

    def drop_rest(self) -> None:
        """Drop all that exists and is not wanted: for when the composite's whole desired state is known."""
        for key in self.observed():
            self.drop_unless_wanted(key)

    @property
    def postponed(self) -> list[str]:
        """Wanted Objects that are left to a later call: many that are born at once open Crossplane's circuit."""
        unborn = [seen for seen in self._objects() if births.is_unborn(seen)]
        exist = self._req.observed.resources
        new = [k for k, manifest in self._wanted.items() if composed.is_object(manifest) and k not in exist]
        return new[max(births.MOST_AT_ONCE - len(unborn), 0) :]

    def _objects(self) -> Iterator[Manifest]:
        exist = self._req.observed.resources
        return (self.seen(key) or {} for key, r in exist.items() if composed.kind(r) == "Object")

    def _patience(self) -> float | None:
        """A Ready composite's young Object without a status has lost it, and is nudged once it is old enough."""
        silent_in = births.all_silent_in(self._objects()) if self.report.is_ready() else None
        return min(self._ttl or silent_in, silent_in) if silent_in else self._ttl

    def condition(self, type: str, met: bool | None, reason: str, message: str = "") -> None:
        """Say one of the kind's conditions; `met` None means Unknown."""
        self.report.condition(type, met, reason, message)

    def status(self, **fields: Any) -> None:
        """Set fields of the composite's status; None leaves a field out."""
        self.report.status(**fields)

    def commit(self, **fields: Any) -> None:
        """Write status fields and nothing else: what is composed stays as it is, whatever was wanted."""
        self.report.keep()
        self.report.status(**fields)
        self._commits = True

    def only_if_current(self) -> None:
        """Have the API server refuse an outdated status even if what is composed changes: the call is then repeated."""
        self._always_current = True

    def look_again(self, seconds: float) -> None:
        """Be called again after that time even if nothing changes; 0 means only on changes."""
        self._ttl = seconds

    def finish(self, *, undecided: bool = False) -> fnv1.RunFunctionResponse:
        """The answer. Undecided, or not mentioned: what exists stays as it is."""
        if undecided:
            self.report.keep()
        if undecided or self._commits:
            self._wanted.clear()
            self._dropped.clear()
        for key in self.observed():
            if key not in self._wanted and key not in self._dropped:
                self.keep(key)
        for key in self.postponed:
            del self._wanted[key]
        rsp: fnv1.RunFunctionResponse = response.to(self._req)
        rsp.context.update(self._remembered)
        for name, selector in self._required.items():
            response.require_resources(rsp, name, **selector)
        for key, wanted in sorted(self._wanted.items()):
            manifest = remote.nudged(wanted) if births.is_silent(self.seen(key) or {}) else wanted
            resource.update(rsp.desired.resources[key], composed.complete(manifest))
            # Of the composite's readiness `report` tells. Of one that is not ready Crossplane writes an event a call.
            rsp.desired.resources[key].ready = fnv1.READY_TRUE
        self.report.write(rsp, self._patience())
        self._require_current(rsp)
        return rsp

    def _require_current(self, rsp: fnv1.RunFunctionResponse) -> None:
        """Crossplane writes the conditions that it read before those of the answer (`design/stale-reads.md`).

        Where the set of composed resources changes, it has written the composite itself by then.
        """
        version = getattr(getattr(self.xr, "metadata", None), "resourceVersion", "")
        unchanged = set(self._wanted) == set(self.observed())
        if version and (unchanged or self._always_current):
            rsp.desired.composite.resource.update({"metadata": {"resourceVersion": version}})
