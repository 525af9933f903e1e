"""A gang is complete when all have joined, and broken when one leaves."""

from __future__ import annotations

import asyncio
import sys

import pytest
from local.datapath.engine import gang
from local.datapath.engine.contract import StartError
from local.datapath.engine.gang import Head
from local.ports import is_free


@pytest.fixture
def port():
    return next(p for p in range(21000, 22000) if is_free(p))


def test_a_leader_waits_for_every_worker_and_is_told_when_one_leaves(port):
    async def play():
        async with await asyncio.start_server(Head().answer, "127.0.0.1", port):
            complete = asyncio.create_task(gang.gathered(3, port, 20))
            broken = asyncio.create_task(gang.broken(port))
            workers = [asyncio.create_task(gang.follow("127.0.0.1", port, 20)) for _ in range(2)]
            assert await complete
            assert not broken.done()
            workers[0].cancel()
            await asyncio.wait_for(broken, 20)
            workers[1].cancel()

    asyncio.run(play())


def test_a_gang_that_stays_incomplete_is_given_up(port):
    async def play():
        async with await asyncio.start_server(Head().answer, "127.0.0.1", port):
            assert not await gang.gathered(2, port, 0.5)
        assert not await gang.follow("127.0.0.1", port, 0.5)

    asyncio.run(play())


def test_an_engine_of_a_gang_needs_a_head(port):
    with pytest.raises(StartError, match="no Ray cluster runs in this pod"):
        asyncio.run(gang.broken(port))


def test_the_scripts_words_are_those_of_vllms_image(port, monkeypatch):
    """`leader` starts a head that outlives it."""
    monkeypatch.setattr(gang.signal, "signal", lambda *_: None)
    monkeypatch.setattr(
        sys,
        "argv",
        ["multi-node-serving.sh", "worker", "--ray_address=127.0.0.1", f"--ray_port={port}", "--ray_init_timeout=0.3"],
    )
    with pytest.raises(SystemExit, match=f"no Ray head answers at 127.0.0.1:{port}"):
        gang.main()
