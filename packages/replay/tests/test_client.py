"""Against a server on this machine, which answers as each request's prompt length asks it to."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys

import pytest
from aiohttp import web
from replay.client import Target, prepared, replay
from replay.trace import Request

EVENT = b'data: {"choices": [{"text": "word"}]}\n\n'
DONE = b"data: [DONE]\n\n"
ASKED = web.AppKey("asked", list)
ANOTHER = web.AppKey("another", asyncio.Event)
WAYS = {
    1: [EVENT, EVENT, DONE],
    2: [EVENT],
    3: [DONE],
    4: [b'data: {"error": {"message": "no"}}\n\n'],
    5: [b"data: {\n\n"],
}


async def serve(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    length = len(body["prompt"].split())
    request.app[ASKED].append((body, request.headers["Host"], asyncio.get_running_loop().time()))
    if length == 6:
        return web.Response(status=503, text="no")
    if length == 7:
        await request.app[ANOTHER].wait()
    request.app[ANOTHER].set()
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    for piece in WAYS.get(length, WAYS[1]):
        await answer.write(piece)
    return answer


def asked(requests, patience=0.5, hosts=("",)):
    async def run():
        app = web.Application()
        app[ASKED], app[ANOTHER] = [], asyncio.Event()
        app.router.add_post("/v1/completions", serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        target = Target("t", tuple((f"http://127.0.0.1:{port}", h) for h in hosts), "m", {"Authorization": "Bearer k"})
        try:
            return await replay(target, prepared(requests, "salt"), patience), app[ASKED]
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def one(length, at=0.0):
    return Request(at, length, 9, (1,))


@pytest.mark.parametrize(
    ("length", "error"),
    [
        (1, ""),
        (2, "answer cut off"),
        (3, "answer without a token"),
        (4, "error in the stream"),
        (5, "stream is no JSON"),
        (6, "status 503"),
        (7, "no answer in time"),
    ],
)
def test_each_way_to_fail_has_its_name(length, error):
    ((outcome,), _) = asked([one(length)])
    assert (outcome.error, outcome.good) == (error, not error)


def test_nobody_there_is_an_error_too():
    target = Target("t", (("http://127.0.0.1:9", ""),), "m")
    (outcome,) = asyncio.run(replay(target, prepared([one(1)], ""), 1.0))
    assert outcome.error.startswith("connection: ")


def test_a_request_is_sent_in_its_time_whatever_hangs():
    """The first is answered once the second is there; closed-loop, that would wait for the first."""
    outcomes, _ = asked([one(7), one(1, at=0.2)], patience=30.0)
    assert [o.error for o in outcomes] == ["", ""]


def test_tokens_are_asked_for_and_counted_and_hosts_take_turns():
    outcomes, seen = asked([one(1), one(1), one(1)], hosts=("a.internal", "b.internal"))
    assert [o.tokens for o in outcomes] == [2, 2, 2]
    assert sorted(host for _, host, _ in seen) == ["a.internal", "a.internal", "b.internal"]
    body = seen[0][0]
    assert (body["model"], body["max_tokens"], body["ignore_eos"], body["stream"]) == ("m", 9, True, True)
    assert json.dumps(body)


ASKS = """
from replay.client import prepared
from replay.trace import Request
request = Request({fields})
print([prepared([request], "gate/1")[0][1], prepared([request], "gate/1")[0][1]])
"""


def test_no_run_asks_what_another_one_asked():
    """A second promotion looked three times as slow: its prompts were known to the picker, and to no engine any more."""
    asks = ASKS.format(fields=", ".join(f"{k}={v!r}" for k, v in vars(one(3)).items()))
    runs = [subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = (ast.literal_eval(run.stdout) for run in runs)
    assert first[0] == first[1] != second[0]
