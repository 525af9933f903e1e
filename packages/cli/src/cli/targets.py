"""What requests are sent to: a deployment, a replica, a service or any address, and what its engines say of themselves."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, NoReturn
from urllib.parse import urlsplit

import click
from kit import names
from replay.client import Target

from cli import kubectl, proving
from cli.prove import Plane
from cli.workload import reached

Manifest = dict[str, Any]
INVALID = 2
_KINDS = {
    "md": "modeldeployment",
    "modeldeployment": "modeldeployment",
    "mr": "modelreplica",
    "modelreplica": "modelreplica",
    "ms": "modelservice",
    "modelservice": "modelservice",
}
_SIMULATED = "x-modelplane-simulated"


@dataclass(frozen=True)
class Found:
    """A target, and what is known of it."""

    target: Target
    replicas: tuple[Manifest, ...] = ()
    """Empty where it is an address of which nothing else is known."""
    simulated: str = ""
    """The latency model of engines that are simulated; empty where none says so."""

    @property
    def gpus(self) -> int | None:
        """Devices that its replicas claim."""
        return sum(map(_devices, self.replicas)) if self.replicas else None


def find(plane: Plane, name: str, key: str = "", model: str = "") -> Found:
    """The target that a name means; ends the command with a sentence where there is none."""
    headers = {"Authorization": f"Bearer {_key(key)}"} if key else {}
    if name.startswith(("http://", "https://")):
        return _reached(Target(name, ((name.rstrip("/").removesuffix("/v1"), ""),), model, headers))
    kind, _, own = name.partition("/")
    if kind not in _KINDS or not own:
        _invalid(f"{name}: name a target as md/NAME, mr/NAME, ms/NAME or by its http:// address")
    found = plane.get(_KINDS[kind], own, "-n", plane.namespace)
    if _KINDS[kind] == "modelservice":
        address = found.get("status", {}).get("address", "")
        if not address:
            _unreachable(f"ModelService {own} has no address yet: see `kubectl describe ms/{own}`")
        return _reached(Target(name, ((address.removesuffix("/v1"), ""),), model, headers))
    replicas = (found,) if _KINDS[kind] == "modelreplica" else tuple(replicas_of(plane, own))
    return of_replicas(plane, name, replicas, headers, model)


def of_replicas(plane: Plane, name: str, replicas: Sequence[Manifest], headers: Mapping[str, str], model: str) -> Found:
    """Replicas by their own routes, past the service."""
    urls: list[tuple[str, str]] = []
    for replica in replicas:
        endpoint = plane.find("modelendpoint", replica["metadata"]["name"], "-n", plane.namespace)
        if endpoint:
            urls.append((endpoint["spec"]["url"].rstrip("/"), endpoint["spec"].get("hostname", "")))
    if not urls:
        _unreachable(f"{name} has no replica that serves: see `kubectl describe {name}`")
    # A cluster's gateway may want to be shown what this control plane's own gateway shows it.
    tls = plane.tls() if urls[0][0].startswith("https://") else None
    target = Target(name, tuple(urls), model, headers, tls, names.GATEWAY_CERTIFICATE if tls else "")
    return _reached(target, tuple(replicas))


def replicas_of(plane: Plane, deployment: str) -> list[Manifest]:
    """The replicas of a deployment by name."""
    items = plane.get("modelreplica", "-n", plane.namespace, "-l", f"modelplane.ai/deployment={deployment}")["items"]
    return sorted(items, key=lambda r: str(r["metadata"]["name"]))


def _reached(target: Target, replicas: tuple[Manifest, ...] = ()) -> Found:
    """The target, once it has told its model."""
    url, host = target.urls[0]
    where = urlsplit(url)
    link = proving.connection(where, proving.Target(target.name, "", url, host, tls=target.tls))
    try:
        link.request("GET", f"{where.path}/v1/models", headers={**target.headers, **({"Host": host} if host else {})})
        answer = link.getresponse()
        text = answer.read()
        if answer.status != HTTPStatus.OK:
            raise ValueError(f"status {answer.status}")
        model = target.model or str(json.loads(text)["data"][0]["id"])
        return Found(replace(target, model=model), replicas, answer.headers.get(_SIMULATED, ""))
    except (OSError, HTTPException, ValueError, LookupError, TypeError) as e:
        _unreachable(f"{target.name}: {url}/v1/models does not tell its model ({e}): is it reachable from here?")
    finally:
        link.close()


@dataclass(frozen=True)
class Cache:
    """Tokens of prompts that engines looked up, and found."""

    queries: float = 0
    hits: float = 0

    def since(self, before: Cache) -> Cache:
        """What was counted in between."""
        return Cache(self.queries - before.queries, self.hits - before.hits)

    @property
    def share(self) -> float | None:
        return self.hits / self.queries if self.queries else None


def cache(plane: Plane, found: Found) -> Cache:
    """What the engines have counted so far; nothing where they do not count or cannot be asked."""
    queries = hits = 0.0
    for replica in found.replicas:
        name = replica["metadata"]["name"]
        with reached(plane.secret(replica["spec"]["clusterName"])) as remote:
            target = proving.Target(name, f"mp-{plane.namespace}", "", "")
            labels = f"modelplane.ai/replica={name}"
            pods = [p for p in remote.get("pods", target.namespace, labels) if _is_engine(p)]
            for pod in pods:
                for metric, _, value in proving.metrics(remote, pod, proving.engine_port(pod)):
                    queries += value if metric == "vllm:prefix_cache_queries_total" else 0
                    hits += value if metric == "vllm:prefix_cache_hits_total" else 0
    return Cache(queries, hits)


def _is_engine(pod: Manifest) -> bool:
    return any(c["name"] == "engine" for c in pod["spec"]["containers"])


def _devices(replica: Manifest) -> int:
    total = 0
    for engine in replica["spec"]["engines"]:
        for member in engine["members"]:
            pods = member.get("worker", {}).get("nodes", 1)
            asked = sum(r.get("count", 1) for r in member.get("deviceRequests") or [])
            total += asked * pods * engine.get("copies", 1)
    return total


def _key(variable: str) -> str:
    if variable not in os.environ:
        _invalid(f"--api-key-env {variable}: there is no such variable in the environment")
    return os.environ[variable]


def _invalid(told: str) -> NoReturn:
    click.echo(told, err=True)
    sys.exit(INVALID)


def _unreachable(told: str) -> NoReturn:
    click.echo(told, err=True)
    sys.exit(kubectl.UNREACHABLE)
