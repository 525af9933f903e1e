"""The side channel: where an engine that decodes asks one that prefilled whether their KV caches fit together."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict, dataclass

from local.datapath.engine.contract import Engine, StartError, differences

_SECONDS = 2.0


class TransferError(Exception):
    """The KV cache could not be taken over."""


@dataclass
class Counters:
    """What vLLM counts of its transfers."""

    transfers: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: int = 0

    def text(self, model: str) -> str:
        """In Prometheus' format, under vLLM's names."""
        label = f'{{engine="0",model_name="{model}"}}'
        rows = [
            ("nixl_bytes_transferred", "histogram", (("_sum", self.bytes), ("_count", self.transfers))),
            ("nixl_xfer_time_seconds", "histogram", (("_sum", self.seconds), ("_count", self.transfers))),
            ("nixl_num_failed_transfers", "counter", (("_total", self.failures),)),
        ]
        lines = []
        for name, kind, values in rows:
            lines.append(f"# TYPE vllm:{name} {kind}")
            lines += [f"vllm:{name}{suffix}{label} {value}" for suffix, value in values]
        return "\n".join(lines) + "\n"


async def serve(engine: Engine) -> asyncio.Server:
    """Answer peers, on the address that the environment names."""
    host, port = engine.side_channel

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            await reader.readline()
            writer.write(json.dumps(asdict(engine.facts)).encode() + b"\n")
            await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(answer, host, port)
    except OSError as e:
        raise StartError(1, f"zmq.error.ZMQError: {e.strerror or e} (addr='tcp://{host}:{port}')") from e


async def handshake(engine: Engine, host: str, port: int) -> None:
    """Fail unless the engine behind that side channel has a KV cache like ours."""
    where = f"{host}:{port}"
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _SECONDS)
        writer.write(b"{}\n")
        line = await asyncio.wait_for(reader.readline(), _SECONDS)
        writer.close()
        theirs = json.loads(line)
    except (OSError, TimeoutError, ValueError) as e:
        raise TransferError(f"NIXL handshake with {where} failed: {e or type(e).__name__}") from e
    found = differences(engine.facts, theirs)
    if found:
        raise TransferError(f"NIXL handshake with {where} failed: incompatible KV caches: {'; '.join(found)}")
