"""The engine's own counters stand beside the simulator's, however its metrics are asked for."""

from __future__ import annotations

import asyncio

import pytest
from local.datapath.engine import contract
from local.datapath.engine.server import Server

TRANSFER = '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntheirs 1\n"


async def simulator(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


async def asked(path: str) -> str:
    behind = await asyncio.start_server(simulator, "127.0.0.1", 0)
    engine = contract.read(["serve", "--model=m", TRANSFER], {"VLLM_NIXL_SIDE_CHANNEL_HOST": "127.0.0.1"})
    server = Server(engine, behind.sockets[0].getsockname()[1])
    front = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    async with behind, front:
        reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        told = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    return told.decode()


@pytest.mark.parametrize("path", ["/metrics", "/metrics?timeout=5s"])
def test_transfers_are_counted_beside_what_the_simulator_counts(path):
    told = asyncio.run(asked(path))
    assert "theirs 1\n" in told
    assert 'vllm:nixl_bytes_transferred_count{engine="0",model_name="m"} 0' in told
