"""One request and its answer, down to the connection below."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from typing import NoReturn

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from exai_desktop.sandbox.faults import Fault
from exai_desktop.sandbox.flavours import Flavour
from exai_desktop.sandbox.servers.limiter import Throttle
from exai_desktop.sandbox.servers.request_log import RequestEntry
from exai_desktop.sandbox.servers.world import Cut, World
from exai_desktop.sandbox.settings import Limits

# struct linger is two shorts in Winsock and two ints elsewhere
_LINGER_NOW = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_SMALL_WINDOW = 65_536


class Exchange:
    """Reads the body under the fault's rules, counts it, answers, and can cut the connection."""

    def __init__(
        self, world: World, scope: Scope, receive: Receive, send: Send, flavour: Flavour | None
    ) -> None:
        self.world = world
        self.scope = scope
        self.method: str = scope["method"]
        self.full_path: str = scope["path"]
        self.path = self.full_path.removeprefix(flavour.prefix) if flavour else self.full_path
        self.headers = Headers(scope=scope)
        self.query = QueryParams(scope["query_string"])
        self.flavour = flavour
        self.fault: Fault | None = None
        self.throttle: Throttle | None = None
        self.reset_at: int | None = None
        self.bytes_per_s: int | None = None
        self.hold_s: float | None = None
        self._receive = receive
        self._send = send
        name = flavour.name if flavour else None
        self.entry = world.log.add(
            RequestEntry(
                0, time.time(), self.method, self.full_path, name, "authorization" in self.headers
            )
        )

    @property
    def limits(self) -> Limits:
        """The limits of this request's flavour."""
        assert self.flavour is not None
        return self.world.settings.of(self.flavour.name)

    async def receive(self) -> Message:
        """The next piece of the body; Cut when the client has gone."""
        message = await self._receive()
        if message["type"] != "http.request":
            raise Cut
        size = len(message.get("body", b""))
        self.entry.bytes_received += size
        self.entry.body_complete = not message.get("more_body", False)
        if self.reset_at is not None and (
            self.entry.bytes_received >= self.reset_at or self.entry.body_complete
        ):
            await self.reset()
        if self.bytes_per_s is not None and size:
            await self.world.pause(size / self.bytes_per_s)
        return message

    async def drain(self) -> None:
        """Read what is left of the body and throw it away."""
        while not self.entry.body_complete:
            await self.receive()

    async def before_commit(self) -> None:
        """Where a late store loses its connection and waits."""
        if self.hold_s is not None:
            self._abort()
            await self.world.pause(self.hold_s)

    async def send(self, message: Message) -> None:
        """Hand a piece of the answer to the connection and note it."""
        if message["type"] == "http.response.start":
            self.entry.status = message["status"]
        reached = not self.is_cut()
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.entry.finished = reached

    async def answer(self, response: Response) -> None:
        """Send a whole answer."""
        await response(self.scope, self._receive, self.send)

    async def gone(self) -> None:
        """Wait until the client (or the closing sandbox) has ended the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def reset(self) -> NoReturn:
        """End the connection with a TCP reset."""
        self._abort()
        await self.gone()
        raise Cut

    def narrow_window(self) -> None:
        """Let the kernel take little in advance, so that slow reading is felt by the client."""
        sock: socket.socket = self._transport().get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_WINDOW)

    def is_cut(self) -> bool:
        """Whether the connection has ended."""
        return self._transport().is_closing()

    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self.scope["state"]["connection"].transport
        return transport

    def _abort(self) -> None:
        transport = self._transport()
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOW)
        transport.abort()
