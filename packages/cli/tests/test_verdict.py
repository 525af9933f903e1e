"""Each row is a replica as its counters show it, and the one verdict and link that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli.verdict import Counters, Parts, Sent, judge

HANDED = Counters(handed=1, on_prefill=1, on_decode=1, transfers=1, decided=1)
ALONE = Counters(on_decode=1)
CLAIMED = Counters(on_decode=1, decided=1)
WHOLE = Parts(
    decode_ready=1,
    prefill_ready=2,
    prefill_answer=2,
    picker_ready=1,
    roles=("prefill", "prefill", "decode"),
    pool_port=8000,
    pools_of_a_rule=1,
    sidecar={"port": 8000, "engine": 8001, "tls": False},
    engine_port=8001,
)


def four(long, short=ALONE, status=200, body="", **told):
    """The four requests: two that ask for prefill, two that do not."""
    return [
        Sent("long", status, body, long, expects_prefill=True, **told),
        Sent("repeated", status, body, short, **told),
        Sent("short", status, body, short, **told),
        Sent("streamed", status, body, long, expects_prefill=True, **told),
    ]


def both(**changed):
    return replace(WHOLE, **changed)


ROWS = {
    "a healthy replica": (four(HANDED), WHOLE, "Disaggregating", ""),
    "real vLLM does not say that it hands over, NIXL counts it": (
        four(replace(HANDED, handed=0), tells=False),
        WHOLE,
        "Disaggregating",
        "",
    ),
    "a simulator without NIXL says that it hands over": (
        four(replace(HANDED, transfers=0), nixl=False),
        WHOLE,
        "Disaggregating",
        "",
    ),
    "a cached prompt is prefilled again": (
        four(HANDED, short=HANDED),
        WHOLE,
        "Disaggregating",
        "prompts-not-cached",
    ),
    "the picker never decides for prefill": (four(ALONE), WHOLE, "DecodeOnly", "picker-decides-not"),
    "its decider is off": (four(ALONE), both(contract=("picker-decider-off",)), "DecodeOnly", "picker-decider-off"),
    "nobody reads the header: the picker's word alone proves nothing": (
        four(CLAIMED),
        both(sidecar={}, engine_port=8000, contract=("decode-port",)),
        "PrefillOnDecode",
        "sidecar-missing",
    ),
    "requests go past the sidecar": (four(CLAIMED), both(pool_port=8001), "PrefillOnDecode", "pool-port"),
    "the route removes the header": (
        four(CLAIMED),
        both(headers_removed=("x-prefiller-host-port",)),
        "PrefillOnDecode",
        "route-strips-header",
    ),
    "the header is lost for a reason that nothing tells": (four(CLAIMED), WHOLE, "PrefillOnDecode", "header-lost"),
    "no prefill pod is ready": (
        four(ALONE),
        both(prefill_ready=0, prefill_answer=0),
        "PrefillIdle",
        "prefill-not-ready",
    ),
    "a prefill pod is Ready and dead": (four(CLAIMED), both(prefill_answer=1), "PrefillIdle", "prefill-dead"),
    "both compute the whole prompt": (
        four(Counters(on_prefill=1, on_decode=1, decided=1)),
        both(contract=("connectors-differ",)),
        "KVTransferFailing",
        "connectors-differ",
    ),
    "prefill says that it handed over, and decode took nothing": (
        four(Counters(handed=1, on_prefill=1, on_decode=1, decided=1)),
        WHOLE,
        "KVTransferFailing",
        "kv-transfer",
    ),
    "the side channel cannot be reached": (
        four(Counters(handed=1, on_prefill=1, failures=1, decided=1), status=500, body="NIXL handshake failed"),
        both(side_channel=False),
        "KVTransferFailing",
        "side-channel-host",
    ),
    "the picker is down": (four(Counters(), status=500), both(picker_ready=0), "Unreachable", "picker-down"),
    "the picker may not read pods": (
        four(Counters(), status=503),
        both(picker_allowed=False),
        "Unreachable",
        "picker-access",
    ),
    "the sidecar expects TLS": (
        four(Counters(), status=400, body="Client sent an HTTP request to an HTTPS server."),
        both(sidecar={"port": 8000, "engine": 8001, "tls": True}),
        "Unreachable",
        "sidecar-tls",
    ),
    "sidecar and engine do not meet": (
        four(Counters(), status=503),
        both(sidecar={"port": 8000, "engine": 8002, "tls": False}),
        "Unreachable",
        "decode-port",
    ),
    "nothing is there": (
        four(Counters(), status=0),
        both(decode_ready=0, picker_ready=1),
        "Unreachable",
        "decode-not-ready",
    ),
    "half of the requests are decoded on prefill pods": (
        four(Counters(on_prefill=1)),
        both(roles=("", "", "decode")),
        "DecodeOnly",
        "role-label",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_counted_becomes_one_verdict_and_one_link(row):
    sent, parts, verdict, link = ROWS[row]
    found = judge(sent, parts)
    assert (verdict, link) == (found.name, found.link)
    assert bool(link) == bool(found.look)


def test_no_request_and_no_engine_count_is_no_proof():
    """An engine of which nothing is known but its 200 proves nothing."""
    sent = four(replace(HANDED, handed=0, transfers=0), tells=False, nixl=False)
    assert judge(sent, WHOLE).name != "Disaggregating"
