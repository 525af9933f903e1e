"""What a played engine's time is spent on: steps are counted, not seconds."""

from __future__ import annotations

import asyncio

import pytest
from local.datapath.engine import messages, pace
from local.datapath.engine.contract import StartError
from local.datapath.engine.messages import Message
from local.datapath.engine.pace import Prefixes, Speed, Steps
from local.datapath.engine.paced import Paced

FAST = Speed(step_ms=0.1, batch=100)


def test_a_prompt_that_is_computed_holds_up_those_who_decode():
    """While ten steps' worth of prompt is computed, one who decodes gets ten tokens, each after a step's share of it."""

    async def run():
        steps = Steps(FAST)
        running = asyncio.create_task(steps.run())
        async with steps.decode() as step:
            await step.acquire()
            await steps.compute(1000)
            got = 0
            while not step.locked():
                await step.acquire()
                got += 1
        running.cancel()
        return got

    assert asyncio.run(run()) in (10, 11)


def test_prompts_are_computed_first_come_first_served():
    async def run():
        steps, ended = Steps(FAST), []
        running = asyncio.create_task(steps.run())

        async def compute(name, tokens):
            await steps.compute(tokens)
            ended.append(name)

        await asyncio.gather(compute("long", 900), compute("short", 10))
        running.cancel()
        return ended

    assert asyncio.run(run()) == ["long", "short"]


def test_a_step_takes_longer_for_prompts_and_for_each_sequence():
    speed = Speed(step_ms=20, prompt_us=150, sequence_us=200)
    assert pace.seconds(speed, 0, 0) == pytest.approx(0.02)
    assert pace.seconds(speed, 2000, 10) == pytest.approx(0.322)


def test_a_prefix_is_found_again_up_to_its_last_whole_block_until_others_took_its_place():
    kept = Prefixes(block=4, tokens=8)
    assert kept.take(list("abcdefghi")) == 0
    assert kept.take(list("abcdefghj")) == 8
    assert kept.take(list("xbcdefgh")) == 0
    assert kept.take(list("abcd")) == 0
    assert (kept.asked, kept.found) == (9 + 9 + 8 + 4, 8)


def test_a_block_is_worth_nothing_without_those_before_it():
    kept = Prefixes(block=4, tokens=8)
    kept.take(list("abcdefgh"))
    kept.take(list("wxyz"))
    assert kept.take(list("abcdefgh")) == 0


def test_the_last_token_of_a_cached_prompt_is_computed_all_the_same():
    kept = Prefixes(block=4, tokens=80)
    kept.take(list("abcd"))
    assert kept.take(list("abcd")) == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"step": 1}', '{"step_ms": "1"}', '{"step_ms": -1}', '{"step_ms": true}'])
def test_a_speed_that_is_none_is_named(text):
    with pytest.raises(StartError, match=r"LOCAL_ENGINE_SPEED .*: want a JSON object of numbers, of batch, cached"):
        pace.read(text)


def test_metrics_of_the_simulator_give_way_to_what_it_cannot_know():
    paced = Paced(pace.read('{"step_ms": 1}'), 16)
    told = b'# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{a="b"} 7\nvllm:other_total 3\n'
    text = paced.metrics(told, "m").decode()
    assert "vllm:other_total 3" in text
    assert " 7" not in text
    assert text.count("vllm:num_requests_running{") == 1
    assert 'vllm:prefix_cache_queries_total{engine="0",model_name="m"} 0' in text


def test_a_stream_is_given_on_token_by_token():
    """Of three tokens the first comes with the prompt, the others after a step each; the end needs none."""
    events = [b'data: {"choices": [{"text": "a"}]}\n\n'] * 3 + [b"data: [DONE]\n\n"]
    body = b"".join(b"%x\r\n%s\r\n" % (len(e), e) for e in events) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    asked = Message("POST /v1/completions HTTP/1.1", {}, b'{"prompt": "a b c", "stream": true}')

    async def run():
        paced = Paced(FAST, 16)
        running = asyncio.create_task(paced.run())

        async def answer(_, writer):
            upstream = asyncio.StreamReader()
            upstream.feed_data(head + body)
            upstream.feed_eof()
            await paced.relay(asked, upstream, writer, computed=False)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        given, link = await asyncio.open_connection(*server.sockets[0].getsockname())
        text = await given.read()
        link.close()
        server.close()
        running.cancel()
        return text

    text = asyncio.run(run())
    opened, _, rest = text.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in opened
    assert rest == b"".join(events)


def test_a_head_is_written_again_without_what_is_between_two_hops():
    head = Message("HTTP/1.1 200 OK", {"content-type": "text/plain", "transfer-encoding": "chunked"})
    assert messages.opening(head) == b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n"
