"""Rules about the side channel, where vLLM's engines agree on a transfer of KV blocks: its host and its port."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract.findings import Said
from contract.flags import UNKNOWN
from contract.flags import Engine as Kind
from contract.read import SERVING_PORT, Deployment, Engine, Member, listed, mapping, text
from contract.rules_connectors import connectors
from contract.rules_phases import ERROR, rule
from contract.sidechannel import HOST, OTHER, PORT, events_port, port_of

# What these name is no address that other pods reach this pod at.
_ELSEWHERE = ("status.hostIP", "status.hostIPs", "spec.nodeName", "metadata.name", "metadata.namespace", "metadata.uid")
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


def _host(deployment: Deployment) -> Iterator[Said]:
    for member in (m for e in deployment.phases for m in e.members):
        found = connectors(member.flags) if member.flags.engine is Kind.VLLM else frozenset()
        wrong = _wrong_host(member)
        if wrong and (found is None or any(c.startswith("Nixl") for c in found)):
            yield Said(
                member.env_at(HOST),
                f"{HOST} is {wrong}; the other engine is told to fetch KV blocks from there",
                "remove it; every pod gets its own address",
            )


def _wrong_host(member: Member) -> str:
    host = member.flags.env.get(HOST)
    if isinstance(host, str):
        return f"the constant {host}"
    source = _source(member, HOST) if host is UNKNOWN else ""
    return source if source in _ELSEWHERE else ""


def _source(member: Member, name: str, depth: int = 0) -> str:
    """The field of the pod that a variable is, also by way of `$(ANOTHER)`."""
    entry = next((e for e in map(mapping, listed(member.container.get("env"))) if e.get("name") == name), {})
    if again := _REFERENCE.fullmatch(text(entry.get("value"))):
        return _source(member, again.group(1), depth + 1) if depth < len(_ELSEWHERE) else ""
    return text(mapping(mapping(entry.get("valueFrom")).get("fieldRef")).get("fieldPath"))


def _port(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.phases:
        nixl = engine.kind is Kind.VLLM and any(c.startswith("Nixl") for c in connectors(engine.flags) or ())
        port = port_of(engine.flags) if nixl else None
        user = _user_of(port, engine, is_decode=engine is deployment.decode) if port else ""
        if user:
            yield Said(
                engine.serving.env_at(PORT),
                f"The side channel of engine {engine.name} is port {port}, which {user}",
                f"set {PORT} to another port, such as {OTHER}",
            )


def _user_of(port: int | None, engine: Engine, *, is_decode: bool) -> str:
    """Who else listens on a port of the pod."""
    if port == engine.flags.port:
        return "the engine listens on"
    if is_decode and port == SERVING_PORT:
        return "the sidecar listens on"
    return "its --kv-events-config publishes on" if port == events_port(engine.flags) else ""


TABLE = (
    rule(
        "side-channel-host",
        ERROR,
        (
            "Decode pods look for KV blocks at the wrong address: requests fail, or every prompt is computed twice.",
            "vLLM's NIXL connector advertises this address",
        ),
        _host,
    ),
    rule(
        "side-channel-port",
        ERROR,
        ("One of the two finds its port in use: the engine never becomes ready; clients get 503.", "vLLM binds both"),
        _port,
    ),
)
