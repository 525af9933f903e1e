"""A proxy before an API server that delivers watch events late: what a loaded control plane does to Crossplane's caches."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import yaml
from local.pki import Pki

_WATCH = re.compile(rb"^GET \S*[?&]watch=(true|1)\b")
_MOST = 2**16


@contextlib.contextmanager
def behind(kubeconfig: Path, pki: Pki, seconds: float) -> Iterator[Path]:
    """A kubeconfig whose watches are `seconds` late; the proxy shows the API server's own certificate."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        config = yaml.safe_load(kubeconfig.read_text())
        server = config["clusters"][0]["cluster"]["server"].removeprefix("https://")
        port = asyncio.run_coroutine_threadsafe(_serve(server, pki, seconds), loop).result()
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        late = kubeconfig.with_name(f"{kubeconfig.name}-late")
        late.write_text(yaml.safe_dump(config))
        yield late
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _end() -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def _serve(server: str, pki: Pki, seconds: float) -> int:
    """Listen, and return the port."""
    host, _, port = server.partition(":")
    upstream = ssl.create_default_context(cafile=str(pki.ca))
    upstream.load_cert_chain(pki.admin, pki.admin_key)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(pki.tls / "tls.crt", pki.tls / "tls.key")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            up, down = await asyncio.open_connection(host, int(port), ssl=upstream)
            head = await _forward(reader, down)
            await _copy(up, writer, seconds if _WATCH.match(head) else 0.0)
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=own, limit=2**20)
    return int(listening.sockets[0].getsockname()[1])


async def _forward(reader: asyncio.StreamReader, down: asyncio.StreamWriter) -> bytes:
    """One request a connection: nothing has to be told apart in the stream that follows."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n")[:-2] if not line.lower().startswith(b"connection:")]
    down.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
    lengths = [int(line.partition(b":")[2]) for line in lines if line.lower().startswith(b"content-length:")]
    down.write(await reader.readexactly(sum(lengths)))
    await down.drain()
    return head


async def _copy(up: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """What comes, in its order, each piece `seconds` after it came."""
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clock = asyncio.get_running_loop().time

    async def receive() -> None:
        while data := await up.read(_MOST):
            pieces.put_nowait((clock() + seconds, data))
        pieces.put_nowait((0.0, b""))

    receiving = asyncio.create_task(receive())
    try:
        while True:
            due, data = await pieces.get()
            if not data:
                return
            await asyncio.sleep(max(due - clock(), 0))
            writer.write(data)
            await writer.drain()
    finally:
        receiving.cancel()
