"""A line to the provider that goes wrong once, below everything that HTTP libraries allow.

It stands before the sandbox. Requests pass as they are, each on a connection of its own; the
next upload meets the fault that was armed. `stores` says whether the provider gets the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias
from urllib.parse import urlsplit

MIB = 1024 * 1024
# One byte in so many seconds: never silent, never through.
DRIP_S = 0.4
Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter


@dataclass
class Call:
    """One request: its head, the two ends of the line, and the way to the provider."""

    head: bytes
    reader: Reader
    writer: Writer
    upstream: tuple[str, int]

    @property
    def is_upload(self) -> bool:
        return self.head.startswith(b"POST ")

    @property
    def length(self) -> int:
        found = re.search(rb"(?i)content-length: *(\d+)", self.head)
        return int(found[1]) if found else 0

    async def body(self, most: int | None = None) -> None:
        """Read the body, or the beginning of it, and throw it away."""
        left = self.length if most is None else min(most, self.length)
        while left and (piece := await self.reader.read(min(left, 65_536))):
            left -= len(piece)

    async def stored(self) -> bytes:
        """Let the provider have all of it; its whole answer."""
        reader, writer = await asyncio.open_connection(*self.upstream)
        with contextlib.closing(writer):
            writer.write(self.head)
            left = self.length
            while left and (piece := await self.reader.read(min(left, 65_536))):
                left -= len(piece)
                writer.write(piece)
                await writer.drain()
            return await reader.read()

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the line with a TCP reset."""
        found: socket.socket = self.writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Until the client has hung up."""
        while await self.reader.read(65_536):
            pass


Deed = Callable[[Call], Awaitable[None]]


def answer(status: int, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} Sandbox", f"Content-Type: {kind}", "Connection: close", *headers]
    if not any(line.lower().startswith("content-length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answered(*pieces: bytes, stores: bool = True) -> Deed:
    """The body is taken, and this is said of it."""

    async def deed(call: Call) -> None:
        await (call.stored() if stores else call.body())
        for piece in pieces:
            await call.say(piece)

    return deed


def refused(status: int, retry_after: str = "") -> Deed:
    """In the words of Kimi and GLM at once, as far as a status goes."""
    kind = "rate_limit_reached_error" if status == 429 else "server_unavailable"
    error = {"type": kind, "code": "1302", "message": "not now"}
    headers = [f"Retry-After: {retry_after}"] if retry_after else []
    return answered(answer(status, json.dumps({"error": error}).encode(), *headers), stores=False)


async def late(call: Call) -> None:
    found = await call.stored()
    await asyncio.sleep(0.4)
    await call.say(found)


async def reset_before(call: Call) -> None:
    call.reset()


async def reset_in_body(call: Call) -> None:
    await call.body(300_000)
    call.reset()


async def reset_after_body(call: Call) -> None:
    await call.stored()
    call.reset()


async def cut_answer(call: Call) -> None:
    found = await call.stored()
    await call.say(found[:-20])


async def silence(call: Call) -> None:
    await call.stored()
    await call.gone()


async def _drip(call: Call, data: bytes) -> None:
    for place in range(len(data)):
        await call.say(data[place : place + 1])
        await asyncio.sleep(DRIP_S)


async def drip_head(call: Call) -> None:
    await _drip(call, await call.stored())


async def drip_body(call: Call) -> None:
    head, _, body = (await call.stored()).partition(b"\r\n\r\n")
    await call.say(head + b"\r\n\r\n")
    await _drip(call, body)


async def wrong_length(call: Call) -> None:
    _, _, body = (await call.stored()).partition(b"\r\n\r\n")
    await call.say(answer(200, body, f"Content-Length: {len(body) + 100}"))


async def flood(call: Call) -> None:
    await call.stored()
    while True:
        await call.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 200)


async def huge(call: Call) -> None:
    await call.stored()
    await call.say(answer(200, b'{"id": "', f"Content-Length: {256 * MIB}"))
    for _ in range(256):
        await call.say(b"a" * MIB)


async def early(call: Call) -> None:
    await call.body(100_000)
    await call.say(answer(413, b"<html>too large</html>", kind="text/html"))
    await asyncio.sleep(0.2)


async def half_closed(call: Call) -> None:
    """It will never say a word, but still takes what it is given."""
    call.writer.write_eof()
    await call.body()


@cache
def packed_bomb() -> bytes:
    """64 MiB that come as 64 KiB. It takes a second to make: before the line is used."""
    import gzip  # for this one

    packed = gzip.compress(b"0" * (64 * MIB))
    return answer(200, packed, "Content-Encoding: gzip")


async def bomb(call: Call) -> None:
    await call.stored()
    await call.say(packed_bomb())


MANY_HEADERS = [f"X-Header-{number}: {number}" for number in range(500)]


class ChaosProxy:
    """Runs in a thread of its own; `arm` may be called from any."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname and parts.port
        self._upstream = (parts.hostname, parts.port)
        self._path = parts.path
        self._loop = asyncio.new_event_loop()
        self._armed: list[Deed] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos proxy")
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._path}"

    def arm(self, *deeds: Deed) -> None:
        """The next uploads meet these, one each."""
        self._armed[:] = deeds

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)
                head = head[:-2] + b"Connection: close\r\n\r\n"
                call = Call(head, reader, writer, self._upstream)
                deed = self._armed.pop(0) if call.is_upload and self._armed else None
                await (deed or self._pass_on)(call)
        finally:
            self._calls.discard(task)
            writer.close()

    async def _pass_on(self, call: Call) -> None:
        await call.say(await call.stored())

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


@contextlib.contextmanager
def chaos(target: str) -> Iterator[ChaosProxy]:
    proxy = ChaosProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
