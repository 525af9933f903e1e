"""What `modelplane bench` and `trace` say without a control plane: of what they are given, and of servers of this machine."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager

import pytest
from aiohttp import web
from cli.main import cli
from click.testing import CliRunner

LINE = '{"timestamp": %d, "input_length": 20, "output_length": 4, "hash_ids": [%d]}\n'


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "trace.jsonl"
    found.write_text("".join(LINE % (n * 20, n) for n in range(25)))
    return found


@contextmanager
def server(pause, status=200, simulated=""):
    """An OpenAI API whose every token takes so long; its address."""

    async def models(_):
        return web.json_response(
            {"data": [{"id": "m"}]}, headers={"x-modelplane-simulated": simulated} if simulated else {}
        )

    async def complete(request):
        if status != 200:
            return web.Response(status=status)
        body = await request.json()
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(body["max_tokens"]):
            await asyncio.sleep(pause)
            await answer.write(b'data: {"choices": [{"text": "a"}]}\n\n')
        await answer.write(b"data: [DONE]\n\n")
        return answer

    app = web.Application()
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/completions", complete)
    started, port, over = threading.Event(), [], []

    async def run():
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.append(site._server.sockets[0].getsockname()[1])
        over.extend((asyncio.get_running_loop(), asyncio.Event()))
        started.set()
        await over[1].wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{port[0]}"
    finally:
        over[0].call_soon_threadsafe(over[1].set)
        thread.join()


def told(*words):
    result = CliRunner().invoke(cli, [*map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def test_the_slower_one_is_told_with_a_table_values_and_a_picture(file, tmp_path):
    with server(0.004) as fast, server(0.03, simulated="step 30 ms") as slow:
        picture = tmp_path / "bench.svg"
        words = ("bench", fast, f"{slow}/v1", "--trace", file, "--repeats", 2, "--svg", picture, "--slo-itl", "15ms")
        code, text, progress = told(*words)
        assert code == 1, text
        assert "inter-token latency p50" in text
        assert "slower" in text
        assert "ENGINES ARE SIMULATED" in text
        assert "step 30 ms" in text
        assert "repeat 2 of 2" in progress
        assert picture.read_text().startswith("<svg")
        found = json.loads(told(*words, "-o", "json")[1])
        assert (found["requests"], found["repeats"], found["good"]) == (25, 2, False)
        assert found["baseline"]["goodput"]["share"] > found["variant"]["goodput"]["share"]
        rows = {(c["name"], c["percentile"]): c for c in found["compared"]}
        assert rows["itl", 50]["verdict"] == "slower"
        assert rows["itl", 50]["low"] > 1


def test_one_that_refuses_everything_is_not_fast(file):
    with server(0.004) as good, server(0, status=503) as bad:
        code, text, _ = told("bench", good, bad, "--trace", file, "--repeats", 1)
        assert code == 1
        assert "variant: 25 times status 503" in text
        assert "faster" not in text
        assert "failed" in text


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("bench", "qwen", "md/b"), 2, "qwen: name a target as md/NAME, mr/NAME, ms/NAME or by its http:// address"),
        (("bench", "http://127.0.0.1:9", "md/b"), 4, "does not tell its model"),
        (("bench", "md/a", "md/b", "--slo-ttft", "fast"), 2, "fast is no time: write it as 500ms or 2s"),
        (("bench", "md/a", "md/b", "--slo-ttft", "0s"), 2, "it must be more than nothing"),
        (("bench", "md/a", "md/b", "--svg", "/nowhere/a.svg"), 2, "there is no folder /nowhere"),
        (("bench", "http://a", "md/b", "--api-key-env", "NOT_SET_HERE"), 2, "no such variable in the environment"),
        (("promote", "md/b", "--from", "md/b", "--service", "ms/s"), 2, "it is the deployment that is to be promoted"),
        (("promote", "b", "--from", "md/a", "--service", "ms/s"), 2, "b: name it as md/NAME"),
        (("promote", "md/b", "--from", "md/a", "--service", "s"), 2, "s: name it as ms/NAME"),
        (("rollback", "b"), 2, "b: name it as md/NAME"),
    ],
)
def test_what_cannot_be_is_said(file, words, code, sentence):
    found, text, error = told(*words, "--trace", file)
    assert (found, sentence in error) == (code, True), (text, error)


def test_a_trace_that_is_none_is_named(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    for words in (("bench", "md/a", "md/b", "--trace", bad), ("trace", bad)):
        code, _, error = told(*words)
        assert code == 2
        assert f"{bad}:1: timestamp: want milliseconds" in error


def test_a_trace_is_made_and_shown(tmp_path):
    file = tmp_path / "made.jsonl"
    code, text, _ = told("trace", file, "--generate", 7, "--seconds", 20, "--rate", 5)
    assert code == 0
    assert "prompt blocks seen before" in text
    assert len(file.read_text().splitlines()) == json.loads(told("trace", file, "-o", "json")[1])["requests"]


def test_no_folder_to_write_a_trace_to_is_said():
    code, _, error = told("trace", "/nowhere/x.jsonl", "--generate", 1)
    assert code == 2
    assert "/nowhere/x.jsonl" in error
