"""Install what a cluster must run, a few parts at a time, and say of each how it is doing."""

from __future__ import annotations

from typing import Any

from kit import labels, names
from kit.call import Call
from kit.remote import Target, looked_at_often
from schemas import ServingStack
from schemas.servingstack import Gateway

from compose_serving_stack import gateway, kinds, parts, releases, report
from compose_serving_stack.parts import Part
from compose_serving_stack.releases import State

Manifest = dict[str, Any]
Manifests = dict[str, Manifest]

# A birth is some 13 events; Crossplane's circuit takes a hundred at once and then one a second.
MOST_YOUNG = 5
YOUNG_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 10.0


def compose(call: Call[ServingStack]) -> None:
    """Compose the stack of one workload cluster."""
    asked = call.xr.spec.gateway or Gateway()
    wanted = {part: _manifests(call, part) for part in parts.wanted(call.xr.spec)}
    states = {part: _state(call, part, manifests) for part, manifests in wanted.items()}
    front = _front(call, asked)
    due = [key for part, manifests in wanted.items() if not report.waits_for(part, states) for key in manifests]
    due.append(gateway.NAMESPACE)
    # Tried before its namespace exists, it would wait for the provider's back-off.
    if call.is_ready(gateway.NAMESPACE) and not report.unready(states, gateway.needs(asked)):
        due += gateway.manifests(asked)
    everything = {key: m for manifests in (*wanted.values(), front) for key, m in manifests.items()}
    _want(call, everything, due)
    _let_go(call, everything, all(wanted.values()))
    left = parts.left(call.xr.spec)
    report.components(call, states, left)
    report.gateway(call, asked, states, left)


def _want(call: Call[ServingStack], manifests: Manifests, due: list[str]) -> None:
    """What exists is wanted as it is now; of what is due, as much is born as leaves the circuit closed."""
    for key in manifests:
        if call.seen(key) is not None:
            call.want(key, manifests[key])
    unborn = [key for key in due if call.seen(key) is None]
    young = sum(_age(call, key) < YOUNG_SECONDS for key in call.observed())
    for key in unborn[: max(MOST_YOUNG - young, 0)]:
        call.want(key, manifests[key])
    if len(unborn) > MOST_YOUNG - young:
        call.look_again(LOOK_AGAIN_SECONDS)


def _let_go(call: Call[ServingStack], manifests: Manifests, is_whole: bool) -> None:
    """What is no longer asked for stays on the cluster: neither Releases nor Objects here delete anything there."""
    for key in call.observed():
        if key not in manifests and (is_whole or not key.startswith(kinds.PREFIX)):
            call.drop(key)


def _age(call: Call[ServingStack], key: str) -> float:
    return call.age((call.seen(key) or {}).get("metadata", {}).get("creationTimestamp", ""))


def _manifests(call: Call[ServingStack], part: Part) -> Manifests:
    target, spec = _target(call), call.xr.spec
    if part.chart:
        return {releases.key(part): releases.manifest(part, target, parts.values(spec, part), spec.registry)}
    return {
        kinds.key(found): target.apply_for_good(_name(call, kinds.key(found)), found, kinds.READY_WHEN)
        for found in kinds.of(part)
    }


def _front(call: Call[ServingStack], asked: Gateway) -> Manifests:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names.SYSTEM_NAMESPACE}}
    return {
        gateway.NAMESPACE: _target(call).apply_for_good(_name(call, gateway.NAMESPACE), namespace),
        **{key: _front_object(call, key, manifest) for key, manifest in gateway.manifests(asked).items()},
    }


def _front_object(call: Call[ServingStack], key: str, manifest: Manifest) -> Manifest:
    """A gateway that the cluster had before us may carry traffic: only what we made is ever changed."""
    target = _target(call)
    keep = target.apply_for_good if gateway.is_made_here(call.seen_remote(key)) else target.create
    if key == gateway.KEY:
        return looked_at_often(keep(_name(call, key), manifest, gateway.HAS_ADDRESS))
    return keep(_name(call, key), manifest)


def _state(call: Call[ServingStack], part: Part, manifests: Manifests) -> State:
    if part.chart:
        key = releases.key(part)
        return releases.state(call.seen(key), call.trouble(key))
    if not manifests:
        return State(False, kinds.MISSING.format(part.component), failed=True)
    troubles = [call.trouble(key) for key in sorted(manifests) if call.trouble(key)]
    if troubles:
        return State(False, troubles[0], failed=True)
    ready = all(map(call.is_ready, manifests))
    return State(ready, "" if ready else "not installed yet", version=part.version if ready else "")


def _target(call: Call[ServingStack]) -> Target:
    cluster = call.xr.metadata.labels.get(labels.CLUSTER, call.name)
    return Target(cluster, call.xr.spec.providerConfigName, call.namespace)


def _name(call: Call[ServingStack], key: str) -> str:
    return names.child_name(call.name, key)
