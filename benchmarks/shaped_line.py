"""A line of a given speed and round trip to the servers, which cuts bodies and loses answers.

Its latency and speed are made in this process, not by the kernel: what the real loss of packets and
the slow start of a new connection cost is not in it. A new connection costs one round trip.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from urllib.parse import urlsplit, urlunsplit

# What the line takes before it is sent: as little as a router keeps, not what loopback would take.
_BUFFER: Final = 64 * 1024
_CHUNK: Final = 16 * 1024
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Fate(Enum):
    """What the line does to one body."""

    PASS = "it goes through"
    CUT = "the connection is reset before its end"
    LOST = "it goes through, and the connection is reset before the answer"
    STALL = "it stands still for a while"


@dataclass(frozen=True, slots=True)
class Shape:
    """`bytes_per_s` 0: no limit. `cut`, `lost`: shares of the bodies, the same for each client.

    `cut_once_at`: the share of the first body at which it is cut. `stall_s`: how long the first
    body of each connection stands still.
    """

    bytes_per_s: int = 0
    round_trip_s: float = 0.0
    cut: float = 0.0
    lost: float = 0.0
    cut_once_at: float = 0.0
    stall_s: float = 0.0


@dataclass
class Traffic:
    """What one client has sent, and what the line did to it."""

    sent_bytes: int = 0
    bodies: int = 0
    questions: int = 0
    fates: dict[Fate, int] = field(default_factory=dict)


class _Direction:
    """One way of the line, shared by all connections: first come, first served."""

    def __init__(self, shape: Shape) -> None:
        self._rate = shape.bytes_per_s
        self._delay_s = shape.round_trip_s / 2
        self._free_at = 0.0

    async def passed(self, size: int) -> float:
        """Wait until so many bytes are on the line; returns when they come out at its other end."""
        time = asyncio.get_running_loop().time
        if self._rate:
            self._free_at = max(self._free_at, time()) + size / self._rate
            await asyncio.sleep(self._free_at - time())
        return time() + self._delay_s


class _Bodies:
    """Follows the requests of one connection; tells where in the stream something happens."""

    def __init__(self, line: ShapedLine) -> None:
        self._line = line
        self._head = b""
        self._left = 0
        self._fate = Fate.PASS
        # So many bytes before the end of the body.
        self._at_left = 0
        self.loses_answer = False
        self.is_first = True

    def feed(self, data: bytes) -> tuple[bytes, Fate | None]:
        """What goes on, and what happens behind it; the rest of `data` is given once more."""
        if not self._left:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return data, None
            self._begin(head)
            self._head = b""
            return data[: len(data) - len(rest)], None
        size = min(len(data), self._left)
        if self._fate in (Fate.CUT, Fate.STALL) and self._left - size <= self._at_left:
            size, fate = max(0, self._left - self._at_left), self._fate
            self._left -= size
            self._fate = Fate.PASS
            return data[:size], fate
        self._left -= size
        return data[:size], None

    def _begin(self, head: bytes) -> None:
        if not head.startswith(b"POST"):
            self._line.traffic.questions += 1
            return
        found = _LENGTH.search(head)
        self._left = int(found[1]) if found else 0
        self._fate, share = self._line.next_fate(is_first=self.is_first)
        self.is_first = False
        # Never in its last hundredth: there nobody can know whether it was whole.
        self._at_left = max(1, int(self._left * (1 - share)))
        self.loses_answer = self._fate is Fate.LOST


class ShapedLine:
    """Runs in a thread of its own; `become` may be called while nothing is sent."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname and parts.port
        self._target, self._upstream = parts, (parts.hostname, parts.port)
        self._loop = asyncio.new_event_loop()
        listener = socket.create_server(("127.0.0.1", 0))
        self._port: int = listener.getsockname()[1]
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._calls: set[asyncio.Task[None]] = set()
        self.become(Shape())
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, sock=listener, limit=_CHUNK)
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="shaped line")
        self._thread.start()

    @property
    def url(self) -> str:
        return urlunsplit(self._target._replace(netloc=f"127.0.0.1:{self._port}"))

    def become(self, shape: Shape) -> None:
        """Another line from now on, with new counters; each begins with the same luck."""
        self.shape, self.traffic = shape, Traffic()
        self._up, self._down = _Direction(shape), _Direction(shape)
        self._luck = random.Random(30)

    def next_fate(self, *, is_first: bool) -> tuple[Fate, float]:
        """Of the next body, and at which share of it."""
        shape, traffic = self.shape, self.traffic
        roll, share = self._luck.random(), self._luck.uniform(0.0, 0.99)
        fate = Fate.PASS
        if shape.cut_once_at:
            fate, share = (Fate.PASS if traffic.bodies else Fate.CUT), shape.cut_once_at
        elif shape.stall_s:
            fate, share = (Fate.STALL if is_first else Fate.PASS), 0.5
        elif roll < shape.cut:
            fate = Fate.CUT
        elif roll < shape.cut + shape.lost:
            fate = Fate.LOST
        traffic.bodies += 1
        traffic.fates[fate] = traffic.fates.get(fate, 0) + 1
        return fate, share

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.sleep(self.shape.round_trip_s)
                upstream = await asyncio.open_connection(*self._upstream)
                bodies = _Bodies(self)
                ways = [
                    asyncio.create_task(self._send(reader, upstream[1], writer, bodies)),
                    asyncio.create_task(self._receive(upstream[0], writer, bodies)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.wait(ways)
                    upstream[1].transport.abort()
        finally:
            self._calls.discard(task)
            writer.close()

    async def _send(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        bodies: _Bodies,
    ) -> None:
        """From the client; what is on the line waits in order until it comes out."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        end = asyncio.create_task(self._come_out(waiting, upstream, client, bodies))
        try:
            while data := await reader.read(_CHUNK):
                self.traffic.sent_bytes += len(data)
                waiting.put_nowait((await self._up.passed(len(data)), data))
                if end.done():
                    return
        finally:
            end.cancel()
            await asyncio.wait([end])

    async def _come_out(
        self,
        waiting: asyncio.Queue[tuple[float, bytes]],
        upstream: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        bodies: _Bodies,
    ) -> None:
        time = asyncio.get_running_loop().time
        while True:
            at, data = await waiting.get()
            await asyncio.sleep(at - time())
            while data:
                piece, fate = bodies.feed(data)
                data = data[len(piece) :]
                upstream.write(piece)
                if fate is Fate.CUT:
                    _reset(client)
                    upstream.transport.abort()
                    return
                if fate is Fate.STALL:
                    await asyncio.sleep(self.shape.stall_s)
            await upstream.drain()

    async def _receive(
        self, upstream: asyncio.StreamReader, client: asyncio.StreamWriter, bodies: _Bodies
    ) -> None:
        time = asyncio.get_running_loop().time
        while data := await upstream.read(_CHUNK):
            at = await self._down.passed(len(data))
            await asyncio.sleep(at - time())
            if bodies.loses_answer:
                _reset(client)
                return
            client.write(data)
            await client.drain()

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


def _reset(client: asyncio.StreamWriter) -> None:
    """A TCP reset, not an orderly end."""
    found: socket.socket = client.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()


@contextmanager
def shaped(target: str) -> Iterator[ShapedLine]:
    """A line to this address."""
    line = ShapedLine(target)
    try:
        yield line
    finally:
        line.close()
