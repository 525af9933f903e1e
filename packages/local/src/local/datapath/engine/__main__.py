"""`vllm serve …` inside of a container: starts the simulator, and stands in front of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from local.datapath.engine import contract, gang, pace, sidechannel
from local.datapath.engine.contract import Engine, StartError
from local.datapath.engine.pace import Speed
from local.datapath.engine.paced import Paced
from local.datapath.engine.server import Server

_BEHIND = 30080
_LIMIT = 1 << 24


def main() -> None:
    """Run until SIGTERM, or until the simulator ends."""
    try:
        engine = contract.read(sys.argv[1:], os.environ)
        shared = os.statvfs("/dev/shm")  # noqa: S108  # The engine's own, no temporary file.
        contract.check(engine, os.environ, shared.f_blocks * shared.f_frsize, os.path.exists)
        told = os.environ.get(pace.VARIABLE)
        code = asyncio.run(_run(engine, pace.read(told) if told else None))
    except StartError as e:
        sys.stderr.write(f"{e}\n")
        code = e.code
    sys.exit(code)


async def _run(engine: Engine, speed: Speed | None) -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if engine.transfers:
        await sidechannel.serve(engine)
    lost = asyncio.create_task(gang.broken() if engine.gang else ended.wait())
    child = await asyncio.create_subprocess_exec(
        "inference-sim", *contract.simulator(engine, _BEHIND, paced=speed is not None)
    )
    dead = asyncio.create_task(child.wait())
    waiting = asyncio.create_task(ended.wait())
    paced = Paced(speed, engine.facts.block_size) if speed else None
    steps = asyncio.create_task(paced.run() if paced else ended.wait())
    listening = asyncio.create_task(_listen(engine, paced))
    try:
        await asyncio.wait({dead, waiting, listening, lost, steps}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            listening.result()
        await asyncio.wait({dead, waiting, lost, steps}, return_when=asyncio.FIRST_COMPLETED)
        if lost.done() and not waiting.done():
            lost.result()
            raise StartError(1, "RuntimeError: a node of the gang has left")
        return 0 if waiting.done() else 1
    finally:
        if child.returncode is None:
            child.terminate()
        await dead


async def _listen(engine: Engine, paced: Paced | None) -> None:
    """Listen once the simulator does, as an engine listens once its model is loaded."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", _BEHIND)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        break
    server = Server(engine, _BEHIND, paced)
    try:
        await asyncio.start_server(server.answer, "0.0.0.0", engine.port, limit=_LIMIT)  # noqa: S104  # The pod's address.
    except OSError as e:
        raise StartError(1, f"OSError: {e}") from e


if __name__ == "__main__":
    main()
