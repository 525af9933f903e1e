"""What counters before and after a few requests prove of one replica: pure functions, the picker's word never alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Counters:
    """What the engines, by phase, and the picker have counted so far."""

    handed: float = 0
    """Requests that prefill pods ended in order to hand them over."""
    on_prefill: float = 0
    """Requests that prefill pods ended, handed over or not."""
    on_decode: float = 0
    """Requests that decode pods ended."""
    transfers: float = 0
    """KV caches that decode pods took over, as NIXL counts them."""
    failures: float = 0
    decided: float = 0
    """Requests of which the picker says that they are prefilled remotely."""

    def since(self, before: Counters) -> Counters:
        """What was counted in between."""
        return Counters(**{k: v - getattr(before, k) for k, v in asdict(self).items()})


@dataclass(frozen=True)
class Sent:
    """One request, its answer, and what was counted meanwhile."""

    name: str
    status: int
    """0 where nothing answered in time."""
    body: str = ""
    counted: Counters = field(default_factory=Counters)
    expects_prefill: bool = False
    tells: bool = True
    """Whether prefill engines say when they hand over; vLLM itself does not."""
    nixl: bool = True
    """Whether decode engines count what NIXL transfers."""

    @property
    def answered(self) -> bool:
        return self.status == HTTPStatus.OK

    @property
    def disaggregated(self) -> bool:
        """Prefilled by one pod for another, and decoded by a decode pod that took the KV cache over."""
        return self.prefilled and self.counted.on_decode > 0 and self.counted.failures == 0

    @property
    def prefilled(self) -> bool:
        """A prefill pod computed, and a decode pod has what it computed, by whatever the engines count."""
        computed = self.counted.handed if self.tells else self.counted.on_prefill
        moved = self.counted.transfers > 0 if self.nixl else self.tells
        return computed > 0 and moved


@dataclass(frozen=True)
class Parts:
    """What stands on the cluster, as far as it tells which link is broken."""

    decode_ready: int = 0
    prefill_ready: int = 0
    prefill_answer: int = 0
    """Ready prefill pods whose engine answers now."""
    picker_ready: int = 0
    picker_allowed: bool = True
    picker_secure: bool = True
    roles: Sequence[str] = ()
    """The role label of each serving pod; empty where a pod has none."""
    pool_port: int = 0
    pools_of_a_rule: int = 1
    headers_removed: Sequence[str] = ()
    """By filters of the route, which act after the picker."""
    sidecar: Mapping[str, Any] = field(default_factory=dict)
    """Of a decode pod: `port` it listens on, `engine` port it forwards to, `tls`, `connector`; empty where there is none."""
    engine_port: int = 0
    contract: Sequence[str] = ()
    """Rules that the replica's own manifests break."""
    nixl: bool = True
    """Whether engines are told to transfer by NIXL."""
    side_channel: bool = True
    """Whether every pod's side channel is its own address."""
    shared_memory: bool = True


@dataclass(frozen=True)
class Verdict:
    """What is proven, and where to look when it is not what was asked for."""

    name: str
    link: str = ""
    look: str = ""

    @property
    def good(self) -> bool:
        return self.name == "Disaggregating"


LOOK = {
    "picker-down": "no endpoint picker pod is ready: its pod's status and log",
    "picker-access": "the picker's ServiceAccount may not list pods or pools: Role and RoleBinding modelplane-picker",
    "picker-tls": "the gateway speaks TLS to the picker: --secure-serving in the picker's args",
    "pools-in-one-rule": "a rule of the HTTPRoute names two InferencePools: give each a rule of its own",
    "decode-not-ready": "no decode pod is ready: its pods' status and logs",
    "prefill-not-ready": "no prefill pod is ready, so the picker decodes alone: its pods' status and logs",
    "prefill-dead": "a prefill pod is Ready and does not answer: its readiness probe",
    "role-label": "serving pods without label llm-d.ai/role: prefill or decode",
    "pool-port": "the InferencePool's targetPort is not the sidecar's port, so requests go past it",
    "sidecar-missing": "decode pods have no pd-sidecar, so nobody reads the picker's header",
    "sidecar-tls": "the sidecar expects TLS: --secure-proxy=false in its args",
    "decode-port": "engine and sidecar of the decode pods do not agree on the engine's port",
    "route-strips-header": "a filter of the HTTPRoute removes x-prefiller-host-port after the picker has set it",
    "side-channel-host": "VLLM_NIXL_SIDE_CHANNEL_HOST is not status.podIP on every engine pod",
    "shm-missing": "an engine pod has no Memory emptyDir at /dev/shm",
    "sidecar-connector": "the sidecar's --kv-connector is not nixlv2, and the engines transfer by NIXL",
    "kv-transfer": "KV caches are not taken over: the logs of the decode engine",
    "picker-decides-not": "the picker never decides for prefill: its decider and nonCachedTokens",
    "header-lost": "the picker decides for prefill and no prefill pod is asked: its headers handler, then the sidecar",
    "route": "nothing answers at the replica's route: the Gateway and the HTTPRoute's status",
    "prompts-not-cached": "a repeated prompt is prefilled again: nonCachedTokens and the picker's block size",
}


def judge(sent: Sequence[Sent], parts: Parts) -> Verdict:
    """The verdict on one replica."""
    long = [s for s in sent if s.expects_prefill]
    others = [s for s in sent if not s.expects_prefill]
    if all(s.disaggregated and s.answered for s in long) and all(s.answered for s in others):
        again = [s for s in others if s.prefilled]
        return _verdict("Disaggregating", "prompts-not-cached" if again else "")
    name = _name(sent, long, parts)
    return _verdict(name, next(_links(name, sent, parts), _LAST[name]))


_LAST = {
    "Unreachable": "route",
    "KVTransferFailing": "kv-transfer",
    "PrefillOnDecode": "header-lost",
    "PrefillIdle": "prefill-dead",
    "DecodeOnly": "picker-decides-not",
}


def _name(sent: Sequence[Sent], long: Sequence[Sent], parts: Parts) -> str:
    if any(s.counted.failures for s in sent) or any("NIXL" in s.body for s in sent):
        return "KVTransferFailing"
    if not all(s.answered for s in sent):
        return "Unreachable"
    asked = sum(s.counted.on_prefill for s in long)
    if asked and all(s.counted.on_decode for s in sent):
        return "KVTransferFailing"  # Both computed the whole prompt.
    if not parts.prefill_ready or parts.prefill_answer < parts.prefill_ready:
        return "PrefillIdle"
    return "PrefillOnDecode" if sum(s.counted.decided for s in long) else "DecodeOnly"


def _links(name: str, sent: Sequence[Sent], parts: Parts) -> Iterator[str]:
    """Every link that is seen to be broken, the one nearest to the client first."""
    if name == "PrefillOnDecode" and not parts.sidecar:
        yield "sidecar-missing"
    yield from parts.contract
    if parts.pools_of_a_rule > 1:
        yield "pools-in-one-rule"
    if name == "Unreachable":
        yield from _unreachable(sent, parts)
        return
    if name == "KVTransferFailing":
        yield from _failing(parts)
        return
    if not all(parts.roles):
        yield "role-label"
    if not parts.prefill_ready:
        yield "prefill-not-ready"
    if parts.prefill_answer < parts.prefill_ready:
        yield "prefill-dead"
    if name == "PrefillOnDecode":
        yield from _lost(parts)


def _unreachable(sent: Sequence[Sent], parts: Parts) -> Iterator[str]:
    told = " ".join(s.body for s in sent)
    if not parts.picker_allowed:
        yield "picker-access"  # It is not ready for this very reason.
    if not parts.picker_ready:
        yield "picker-down"
    if not parts.picker_secure:
        yield "picker-tls"
    if not parts.decode_ready:
        yield "shm-missing" if not parts.shared_memory else "decode-not-ready"
    if "HTTPS server" in told or parts.sidecar.get("tls"):
        yield "sidecar-tls"
    if parts.sidecar and parts.sidecar.get("engine") != parts.engine_port:
        yield "decode-port"
    if parts.prefill_answer < parts.prefill_ready:
        yield "prefill-dead"
    if not parts.prefill_ready:
        yield "prefill-not-ready"


def _failing(parts: Parts) -> Iterator[str]:
    if parts.nixl and parts.sidecar.get("connector", "nixlv2") != "nixlv2":
        yield "sidecar-connector"
    if not parts.side_channel:
        yield "side-channel-host"
    if not parts.shared_memory:
        yield "shm-missing"


def _lost(parts: Parts) -> Iterator[str]:
    if parts.pool_port != parts.sidecar.get("port"):
        yield "pool-port"
    elif parts.engine_port == parts.sidecar.get("port"):
        yield "decode-port"
    if "x-prefiller-host-port" in parts.headers_removed:
        yield "route-strips-header"


def _verdict(name: str, link: str) -> Verdict:
    return Verdict(name, link, LOOK.get(link, f"docs/reference/contract.md says what breaks by {link}") if link else "")
