"""A stream that its client breaks off is read to its end: the simulator writes the error into somebody else's answer."""

from __future__ import annotations

import asyncio
import gc

from local.datapath.engine import contract
from local.datapath.engine.server import Server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
EVENT, EVENTS = b"data: {}\n\n", 30


async def broken_off() -> str:
    """How a simulator's stream ended whose client left after the first event."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    has_left = asyncio.Event()

    async def simulator(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD + EVENT)
            await has_left.wait()
            await asyncio.sleep(0.1)
            gc.collect()  # Of whoever reads on, asyncio itself keeps nothing.
            for _ in range(EVENTS):
                writer.write(EVENT)
                await writer.drain()
                await asyncio.sleep(
                    0.01
                )  # As an engine computes: whoever reads hears of the client's leaving meanwhile.
            ended.set_result("whole")
        except OSError as e:
            ended.set_result(type(e).__name__)
        finally:
            writer.close()

    behind = await asyncio.start_server(simulator, "127.0.0.1", 0)
    server = Server(contract.read(["serve", "--model=m"], {}), behind.sockets[0].getsockname()[1])
    front = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    async with behind, front:
        reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname())
        body = b'{"stream": true}'
        writer.write(b"POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await reader.readuntil(EVENT)
        writer.transport.abort()
        has_left.set()
        return await asyncio.wait_for(ended, 10)


def test_what_a_client_breaks_off_is_read_to_its_end():
    assert asyncio.run(broken_off()) == "whole"
