"""The socket under the HTTP library: it listens while it sends.

httpcore's own back end reads nothing until the whole request is written, so an early 401 or 413
is lost with the reset that follows it. Here what arrives is kept, and an answer that comes before
the last byte ends the sending: httpcore then reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import httpcore

# RFC 8305: how long the first address has before the next is tried beside it.
_NEXT_ADDRESS_S: Final = 0.25
# More than any answer we take; a server that floods us waits here.
_MOST_UNREAD: Final = 256 * 1024


class _Line(asyncio.Protocol):
    """What the event loop reports of one connection; one task at a time waits for a change."""

    def __init__(self) -> None:
        self.unread: deque[bytes] = deque()
        self.unread_size = 0
        self.ended = False
        self.lost: BaseException | None = None
        self.choked = False
        self._transport: asyncio.Transport | None = None
        self._beneath: list[asyncio.Transport] = []
        self._change: asyncio.Future[None] | None = None

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.carry_on_over(transport)

    def carry_on_over(self, transport: asyncio.Transport) -> None:
        """The first transport, or the encrypted one above it."""
        if self._transport is not None:
            self._beneath.append(self._transport)
        self._transport = transport
        # A write counts as done when the kernel has (almost) all of it: true progress, flat
        # memory. Not 0: with that, asyncio's TLS pauses on an empty buffer and never resumes.
        transport.set_write_buffer_limits(high=1, low=0)

    def waiting_bytes(self) -> int:
        """What the kernel has not taken yet, encrypted or not."""
        return sum(t.get_write_buffer_size() for t in (self.transport, *self._beneath))

    def data_received(self, data: bytes) -> None:
        self.unread.append(data)
        self.unread_size += len(data)
        if self.unread_size > _MOST_UNREAD:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        # A half-closed server may still take our body; TLS has no such thing.
        return self.transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: BaseException | None) -> None:
        self._take_leftovers()
        self.ended = True
        self.lost = exc or ConnectionResetError("closed")
        self._wake()

    def _take_leftovers(self) -> None:
        """A reset ends the transport before it has read what had come: an early answer is there.

        Only where the socket itself speaks plainly; of TLS there would be half a record.
        """
        plain = self.transport.get_extra_info("ssl_object") is None and not self._beneath
        found = self.transport.get_extra_info("socket")
        if not plain or found is None:
            return
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(found.fileno())) as copy:
            copy.setblocking(False)
            while self.unread_size <= _MOST_UNREAD and (data := copy.recv(_MOST_UNREAD)):
                self.unread.append(data)
                self.unread_size += len(data)

    def pause_writing(self) -> None:
        self.choked = True

    def resume_writing(self) -> None:
        self.choked = False
        self._wake()

    def take(self) -> bytes:
        data = self.unread.popleft()
        if self.unread_size > _MOST_UNREAD >= self.unread_size - len(data):
            self.transport.resume_reading()
        self.unread_size -= len(data)
        return data

    async def changed(self, timeout_s: float | None) -> None:
        """Wait for the next report. Raises TimeoutError."""
        self._change = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self._change
        finally:
            self._change = None

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)


class WireStream(httpcore.AsyncNetworkStream):
    """One connection. Timeouts in seconds; errors are httpcore's."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What has arrived, b"" at the end; may be more than `max_bytes`, callers buffer it."""
        del max_bytes
        line = self._line
        while not line.unread:
            if line.lost is not None:
                raise httpcore.ReadError(type(line.lost).__name__)
            if line.ended:
                return b""
            try:
                await line.changed(timeout)
            except TimeoutError:
                raise httpcore.ReadTimeout from None
        return line.take()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Until the kernel has all of it. `timeout` is for standing still, not for the whole."""
        if not buffer:
            return
        line = self._line
        self._stop_if_answered()
        line.transport.write(buffer)
        while line.choked:
            self._stop_if_answered()
            before = line.waiting_bytes()
            try:
                await line.changed(timeout)
            except TimeoutError:
                # A slow line may need longer for 1 MiB: only a stalled one is given up.
                if line.waiting_bytes() == before:
                    raise httpcore.WriteTimeout from None
        if line.lost is not None:
            raise httpcore.WriteError(type(line.lost).__name__)

    def _stop_if_answered(self) -> None:
        """WriteError makes httpcore stop sending and read what the server had to say."""
        line = self._line
        if line.unread or line.ended:
            raise httpcore.WriteError("the server answered or left before the request was complete")

    async def aclose(self) -> None:
        """At once, dropping what was not sent: a body left incomplete cannot be stored."""
        self._line.transport.abort()
        # The loop closes the socket in its next round.
        await asyncio.sleep(0)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        """Encrypt from here on. Raises ConnectError caused by the ssl module's error."""
        loop, line = asyncio.get_running_loop(), self._line
        try:
            async with asyncio.timeout(timeout):
                upgraded = await loop.start_tls(
                    line.transport, line, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError:
            self._line.transport.abort()
            raise httpcore.ConnectTimeout from None
        except OSError as error:  # ssl.SSLError is one
            self._line.transport.abort()
            raise httpcore.ConnectError(type(error).__name__) from error
        if upgraded is None:
            raise httpcore.ConnectError("closed during the handshake")
        line.carry_on_over(upgraded)
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._is_stale()
        return self._line.transport.get_extra_info(info)

    def _is_stale(self) -> bool:
        """Whether an idle connection has something to say, which can only be good-bye."""
        line = self._line
        if line.unread or line.ended or line.transport.is_closing():
            return True
        # The loop may not have come round to it yet.
        number = line.transport.get_extra_info("socket").fileno()
        if not hasattr(select, "poll"):
            return number < 0 or bool(select.select([number], [], [], 0)[0])
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))


class WireBackend(httpcore.AsyncNetworkBackend):
    """Connects for httpcore's pools and proxies."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ConnectError (no name, refused, no route) or ConnectTimeout."""
        del local_address, socket_options  # nobody sets them; asyncio sets TCP_NODELAY itself
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, line = await loop.create_connection(
                    _Line, host, port, happy_eyeballs_delay=_NEXT_ADDRESS_S
                )
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(type(error).__name__) from error
        return WireStream(line)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
