"""`multi-node-serving.sh leader|worker …` inside of a container: nodes that find each other as a Ray cluster does.

A head listens in the leader's pod and a worker keeps one connection to it open for as long as both live.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from local.datapath.engine.contract import StartError

PORT = 6379
# The script's own default (--ray_init_timeout).
_PATIENCE = 300.0
_STEP = 0.2


@dataclass
class Head:
    """Who has joined, and who wants to know when one of them leaves."""

    joined: int = 1
    """Nodes, the leader's own among them."""
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: `join` counts while it lasts, `size` is told once, `watch` ends when a node has left."""
        try:
            asked = (await reader.readline()).decode().strip()
            if asked == "join":
                await self._count(reader)
            elif asked == "watch":
                await self.left.wait()
            else:
                writer.write(f"{self.joined}\n".encode())
        except OSError:
            return  # The node went while it was counted or told.
        finally:
            writer.close()

    async def _count(self, node: asyncio.StreamReader) -> None:
        self.joined += 1
        with contextlib.suppress(OSError):
            await node.read()
        self.joined -= 1
        self.left.set()


async def gathered(size: int, port: int, patience: float = _PATIENCE) -> bool:
    """Wait until the head at this port has `size` nodes; whether they came."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while await _size(port) < size:  # noqa: ASYNC110  # The head is another process.
                await asyncio.sleep(_STEP)
        return True
    return False


async def follow(address: str, port: int, patience: float = _PATIENCE) -> bool:
    """Join the head at an address and stay until it goes; whether it was ever found."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while not await _size(port, address):  # noqa: ASYNC110  # As above.
                await asyncio.sleep(_STEP)
        await _told("join", port, address)
        return True
    return False


async def broken(port: int = PORT) -> None:
    """Return when a node of this pod's gang has left, or its head; fail where there is no head."""
    if not await _size(port):
        raise StartError(1, "ConnectionError: no Ray cluster runs in this pod")
    await _told("watch", port)


async def _size(port: int, address: str = "127.0.0.1") -> int:
    """How many nodes a head has; 0 where none answers."""
    return int(await _told("size", port, address) or 0)


async def _told(word: str, port: int, address: str = "127.0.0.1") -> str:
    """All that a head says to a word until it, or the connection, ends."""
    try:
        reader, writer = await asyncio.open_connection(address, port)
    except OSError:
        return ""
    try:
        writer.write(f"{word}\n".encode())
        return (await reader.read()).decode()
    except OSError:
        return ""
    finally:
        writer.close()


async def _head(port: int) -> None:
    server = await asyncio.start_server(Head().answer, "0.0.0.0", port)  # noqa: S104  # In a namespace of its own.
    await server.serve_forever()


def main() -> None:
    """End with 0 when the gang is complete (leader) or over (worker), with 1 when it never came to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("leader", "worker", "head"))
    parser.add_argument("--ray_cluster_size", type=int, default=1)
    parser.add_argument("--ray_address", default="")
    parser.add_argument("--ray_port", type=int, default=PORT)
    parser.add_argument("--ray_init_timeout", type=float, default=_PATIENCE)
    chosen, _ = parser.parse_known_args()
    # The first process of a container hears of no signal that it does not ask for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if chosen.role == "head":
        asyncio.run(_head(chosen.ray_port))
    elif chosen.role == "leader":
        # It outlives us, as `ray start` does.
        head = [sys.executable, "-m", "local.datapath.engine.gang", "head", f"--ray_port={chosen.ray_port}"]
        subprocess.Popen(head, start_new_session=True, stdin=subprocess.DEVNULL)
        done = asyncio.run(gathered(chosen.ray_cluster_size, chosen.ray_port, chosen.ray_init_timeout))
        sys.exit(
            0 if done else f"not all {chosen.ray_cluster_size} nodes have joined in {chosen.ray_init_timeout:.0f} s"
        )
    else:
        done = asyncio.run(follow(chosen.ray_address, chosen.ray_port, chosen.ray_init_timeout))
        sys.exit(0 if done else f"no Ray head answers at {chosen.ray_address}:{chosen.ray_port}")


if __name__ == "__main__":
    main()
