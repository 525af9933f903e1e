"""Choose the clusters that hold the weights, have one commit found for all of them, and give back what nobody needs."""

from __future__ import annotations

import re

from kit.call import Call, NotFetched
from kit.objects import group_version_kind
from scheduling import LabelSelector
from schemas import InferenceCluster, ModelCache, ModelReplica

from compose_model_cache import children, report, sites
from compose_model_cache.children import Child
from compose_model_cache.sites import Site

# The birth of a composite is some thirty events: more at once open the cache's circuit.
WAVE = 2
# What is born with a cluster is as much as its circuit takes, and each Object that goes to it is an event.
YOUTH_SECONDS = 60.0
# Whoever has not found the commit by then is not waited for alone.
PATIENCE_SECONDS = 60.0
MOST_CLUSTERS = 256
# The fleet is not watched (`design/peeking.md`): a new cluster is found within this time.
SETTLED_SECONDS = 120.0
UNSETTLED_SECONDS = 20.0
_COMMIT = re.compile(r"[0-9a-f]{40}")


def compose(call: Call[ModelCache]) -> None:
    """Compose one cache. What holds weights stays, whatever becomes of the fleet."""
    fleet, users = _look_up(call)
    namespace = _namespace(call, fleet)
    existing = children.existing(call)
    known = call.xr.status.revision or _asked(call)
    found = known or next((child.revision for _, child in sorted(existing.items()) if child.revision), "")
    if found != known:
        # First it is written down: from then on it is the commit of every cluster.
        call.commit(revision=found)
        call.look_again(1)
        return
    chosen = {site.name for site in fleet.values() if not site.refusal(_selector(call), namespace)}
    kept = sorted(chosen & existing.keys()) + sorted(chosen - existing.keys())
    selected = set(kept[:MOST_CLUSTERS])
    for name, child in existing.items():
        site = fleet.get(name)
        unused = call.xr.spec.reclaim == "Delete" and sites.user(name, call.name) not in users
        # First its Object is told to take the volume along; until then it would stay behind.
        given_back = unused and child.goes
        if site and name not in chosen and given_back:
            call.drop(child.key)
        elif site:
            call.want(child.key, children.manifest(call, site, found, child.image))
    waiting = [fleet[name] for name in sorted(selected - existing.keys())]
    grown = [site for site in waiting if call.age(site.created) > YOUTH_SECONDS]
    for site in _next(grown, existing, found):
        call.want(children.key(site.name), children.manifest(call, site, found))
    call.status(revision=found or None)
    report.report(call, report.State(selected, chosen - selected, existing, fleet))
    call.look_again(UNSETTLED_SECONDS if waiting else SETTLED_SECONDS)


def _look_up(call: Call[ModelCache]) -> tuple[dict[str, Site], list[str]]:
    """The fleet by name, and where volumes may be given back who uses them. Raises NotFetched before it is known."""
    lines, users = call.peek("clusters", InferenceCluster, sites.of_cluster), _users(call)
    if lines is None or users is None:
        raise NotFetched("clusters")
    return {site.name: site for site in map(sites.read, lines)}, users


def _users(call: Call[ModelCache]) -> list[str] | None:
    if call.xr.spec.reclaim != "Delete":
        return []
    return call.peek_manifests(
        "replicas", *group_version_kind(ModelReplica), sites.of_replica, namespace=call.namespace
    )


def _namespace(call: Call[ModelCache], fleet: dict[str, Site]) -> dict[str, str]:
    """The labels of the cache's namespace, where some cluster asks for them."""
    name = {"kubernetes.io/metadata.name": call.namespace}
    if not any(site.admits_some for site in fleet.values()):
        return name
    found = call.find_manifests("namespace", "v1", "Namespace", name=call.namespace)
    if found is None:
        raise NotFetched("namespace")
    return {**(found[0]["metadata"].get("labels") or {} if found else {}), **name}


def _selector(call: Call[ModelCache]) -> LabelSelector:
    asked = call.xr.spec.clusterSelector
    return LabelSelector(match_labels=dict(asked.matchLabels) if asked else {})


def _asked(call: Call[ModelCache]) -> str:
    """The commit that is asked for; empty for a branch or tag."""
    source = call.xr.spec.huggingFace
    asked = source.revision or "" if source else ""
    return asked if _COMMIT.fullmatch(asked) else ""


def _next(waiting: list[Site], existing: dict[str, Child], found: str) -> list[Site]:
    """The clusters to begin with now: a few at once, and only one while the commit is not known."""
    ready = [site for site in waiting if site.config and not site.drain]
    young = sum(not child.phase for child in existing.values())
    if found:
        return ready[: max(WAVE - young, 0)]
    looking = any(child.age < PATIENCE_SECONDS for child in existing.values())
    return [] if looking else ready[:1]
