"""The network backend for httpcore: it reads while it sends.

httpcore's own backend reads nothing until the whole request is written. When the server answers
401 or 413 early and then resets the connection, that answer is lost. This backend keeps what
arrives. An answer that comes before the last byte stops the sending, and httpcore then reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import select
import socket
import ssl
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakKeyDictionary

import httpcore

if sys.platform == "linux":
    import fcntl

# RFC 8305: when the first address has not answered after this time, the next is tried as well.
_NEXT_ADDRESS_AFTER_S: Final = 0.25
# A server that sends more than this must wait until we have read it.
_MAX_UNREAD_BYTES: Final = 256 * 1024
# Interim answers (RFC 9110, section 15.2) come at any moment, also in the middle of a body. Only
# 101 is none of them here: nobody has asked for another protocol.
# Together, for one request; more is a flood.
_MOST_INTERIM_BYTES: Final = 256 * 1024

_INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n")
# So long the head of a request waits for the first block of its body.
_HEAD_WAITS_S: Final = 0.2
# Linux: the bytes that were handed to the kernel and are not on the line yet.
_SIOCOUTQNSD: Final = 0x894B
# How often it is asked for them.
_LOOK_EVERY_S: Final = 0.005
_LINES: Final = (b"HTTP/1.1 1", b"HTTP/1.0 1")
_STATUS: Final = slice(9, 12)


def _split_interim(data: bytes) -> tuple[int, bool]:
    """How many bytes of complete interim answers begin `data`, and whether more may follow.

    True when nothing is left, or what is left can still become an interim answer.
    """
    end = 0
    while (head := _INTERIM.match(data, end)) is not None:
        end = head.end()
    rest = data[end : end + _STATUS.stop]
    if len(data) - end > _MOST_INTERIM_BYTES or rest[_STATUS] == b"101":
        return end, False
    return end, any(line.startswith(rest[: len(line)]) for line in _LINES)


class _Connection(asyncio.Protocol):
    """One connection, as the event loop reports it. One task at a time waits for a change."""

    def __init__(self) -> None:
        self.unread: deque[bytes] = deque()
        self.unread_size = 0
        # Of interim answers that were skipped, since the last answer was read.
        self.skipped_bytes = 0
        self.is_read_ended = False
        self.lost_error: BaseException | None = None
        self.is_write_paused = False
        self._transport: asyncio.Transport | None = None
        self._lower_transports: list[asyncio.Transport] = []
        self._change: asyncio.Future[None] | None = None

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.use_transport(transport)

    def use_transport(self, transport: asyncio.Transport) -> None:
        """The first transport, and later the encrypted one above it."""
        if self._transport is not None:
            self._lower_transports.append(self._transport)
        self._transport = transport
        # A write is done when the kernel has almost all of it: the progress is exact and memory
        # does not grow. Not 0: asyncio's TLS then pauses on an empty buffer and never resumes.
        transport.set_write_buffer_limits(high=1, low=0)

    def unsent_bytes(self) -> int:
        """The bytes that the kernel has not taken yet, encrypted or not."""
        return sum(t.get_write_buffer_size() for t in (self.transport, *self._lower_transports))

    def waits_in_kernel(self) -> int:
        """The bytes that the kernel has taken and not sent once; 0 where nobody can tell."""
        if sys.platform != "linux":
            return 0
        with contextlib.suppress(OSError, ValueError):
            number = self.transport.get_extra_info("socket").fileno()
            (size,) = struct.unpack("i", fcntl.ioctl(number, _SIOCOUTQNSD, bytes(4)))
            return int(size)
        return 0

    def data_received(self, data: bytes) -> None:
        self.unread.append(data)
        self.unread_size += len(data)
        if self.unread_size > _MAX_UNREAD_BYTES:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.is_read_ended = True
        self._wake()
        # True keeps our side open: the server may still read our body. TLS does not allow that.
        return self.transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: BaseException | None) -> None:
        self._read_rest()
        self.is_read_ended = True
        self.lost_error = exc or ConnectionResetError("closed")
        self._wake()

    def _read_rest(self) -> None:
        """A reset ends the transport before it has read everything: an early answer may be there.

        Only without TLS: with it, half a record would be read.
        """
        is_plain = (
            self.transport.get_extra_info("ssl_object") is None and not self._lower_transports
        )
        found = self.transport.get_extra_info("socket")
        if not is_plain or found is None:
            return
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(found.fileno())) as copy:
            copy.setblocking(False)
            while self.unread_size <= _MAX_UNREAD_BYTES and (data := copy.recv(_MAX_UNREAD_BYTES)):
                self.unread.append(data)
                self.unread_size += len(data)

    def pause_writing(self) -> None:
        self.is_write_paused = True

    def resume_writing(self) -> None:
        self.is_write_paused = False
        self._wake()

    def next_piece(self) -> bytes:
        data = self.unread.popleft()
        self.skipped_bytes = 0
        self._is_taken(len(data))
        return data

    def _is_taken(self, size: int) -> None:
        if self.unread_size > _MAX_UNREAD_BYTES >= self.unread_size - size:
            self.transport.resume_reading()
        self.unread_size -= size

    def is_answered(self) -> bool:
        """Whether an answer has begun to arrive; interim answers before it are dropped."""
        if not self.unread:
            return False
        data = b"".join(self.unread)
        skipped, is_open = _split_interim(data)
        self.unread.clear()
        if skipped < len(data):
            self.unread.append(data[skipped:])
        self._is_taken(skipped)
        self.skipped_bytes += skipped
        return not is_open or self.skipped_bytes > _MOST_INTERIM_BYTES

    async def wait_for_change(self, timeout_s: float | None) -> None:
        """Wait until the event loop reports something. Raises TimeoutError."""
        self._change = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self._change
        finally:
            self._change = None

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)


class ListeningStream(httpcore.AsyncNetworkStream):
    """One connection. Timeouts in seconds; errors are httpcore's.

    The head of a request leaves together with the first block of its body: one packet instead of
    two. Not when that takes long, nor to a proxy, which reads its own lines first.
    """

    def __init__(self, connection: _Connection, *, to_proxy: bool = False) -> None:
        self._connection = connection
        self._to_proxy = to_proxy
        self._head = b""
        self._head_wait: asyncio.TimerHandle | None = None
        self._write_timeout_s: float | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What has arrived, b"" at the end. May be more than `max_bytes`: callers buffer it."""
        del max_bytes
        connection = self._connection
        while not connection.unread:
            if connection.lost_error is not None:
                raise httpcore.ReadError(type(connection.lost_error).__name__)
            if connection.is_read_ended:
                return b""
            try:
                await connection.wait_for_change(timeout)
            except TimeoutError:
                raise httpcore.ReadTimeout from None
        return connection.next_piece()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Returns when the kernel has all of it. `timeout` counts only while nothing is sent."""
        if not buffer:
            return
        connection = self._connection
        self._write_timeout_s = timeout
        is_head = (tell := ON_WRITE.get()) is not None and tell(self)
        buffer = self._take_head() + buffer
        self.check()
        if is_head and not self._to_proxy:
            self._head = buffer
            loop = asyncio.get_running_loop()
            self._head_wait = loop.call_later(_HEAD_WAITS_S, self._send_head)
            return
        connection.transport.write(buffer)
        while connection.is_write_paused:
            self.check()
            before = connection.unsent_bytes()
            try:
                await connection.wait_for_change(timeout)
            except TimeoutError:
                # A slow connection may need longer for 1 MiB. Only a stalled one is an error.
                if connection.unsent_bytes() == before:
                    raise httpcore.WriteTimeout from None
        if connection.lost_error is not None:
            raise httpcore.WriteError(type(connection.lost_error).__name__)

    def _take_head(self) -> bytes:
        """What waits here, which then does not any more."""
        if self._head_wait is not None:
            self._head_wait.cancel()
            self._head_wait = None
        head, self._head = self._head, b""
        return head

    def _send_head(self) -> None:
        """The body lets us wait: a server closes a connection on which nothing comes."""
        head = self._take_head()
        if self._connection.lost_error is None and not self._connection.transport.is_closing():
            self._connection.transport.write(head)

    async def all_quiet(self, seconds: float) -> None:
        """Wait until all that was handed over is on the line, and then for so many seconds.

        Raises what `check` raises as soon as there is an answer or a reset, and WriteTimeout.
        """
        connection, time = self._connection, asyncio.get_running_loop().time
        waiting, moved_at = connection.waits_in_kernel(), time()
        while waiting:
            await self._pause(_LOOK_EVERY_S)
            before, waiting = waiting, connection.waits_in_kernel()
            if waiting != before:
                moved_at = time()
            elif self._write_timeout_s is not None and time() - moved_at > self._write_timeout_s:
                raise httpcore.WriteTimeout
        end = time() + seconds
        while (left_s := end - time()) > 0:
            await self._pause(left_s)
        self.check()

    async def _pause(self, seconds: float) -> None:
        self.check()
        with contextlib.suppress(TimeoutError):
            await self._connection.wait_for_change(seconds)

    def check(self) -> None:
        """Raises WriteError when the server has answered or closed: nothing more may be sent.

        It makes httpcore stop sending and read the answer.
        """
        connection = self._connection
        if connection.is_read_ended or connection.is_answered():
            raise httpcore.WriteError("the server answered or closed the connection too early")

    async def aclose(self) -> None:
        """Close at once and drop what was not sent: an incomplete body cannot be stored."""
        self._take_head()
        self._connection.transport.abort()
        # The event loop closes the socket in its next round.
        await asyncio.sleep(0)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        """Encrypt from now on. Raises ConnectError, caused by the ssl module's error."""
        loop, connection = asyncio.get_running_loop(), self._connection
        try:
            async with asyncio.timeout(timeout):
                upgraded = await loop.start_tls(
                    connection.transport, connection, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError:
            self._connection.transport.abort()
            raise httpcore.ConnectTimeout from None
        except OSError as error:  # ssl.SSLError is one
            self._connection.transport.abort()
            raise httpcore.ConnectError(type(error).__name__) from error
        if upgraded is None:
            raise httpcore.ConnectError("closed during the handshake")
        connection.use_transport(upgraded)
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._is_stale()
        return self._connection.transport.get_extra_info(info)

    def _is_stale(self) -> bool:
        """Whether the server has sent something on an idle connection: it can only be the end."""
        connection = self._connection
        if connection.unread or connection.is_read_ended or connection.transport.is_closing():
            return True
        # The event loop may not have seen it yet.
        number = connection.transport.get_extra_info("socket").fileno()
        if not hasattr(select, "poll"):
            return number < 0 or bool(select.select([number], [], [], 0)[0])
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))


# The body that a task sends is told here which connection its request goes out on. It says whether
# this is the head of the request: nothing of the body has come yet, and it will.
ON_WRITE: ContextVar[Callable[[ListeningStream], bool] | None] = ContextVar(
    "ON_WRITE", default=None
)


class ProxyUnreachableError(httpcore.ConnectError):
    """There is no connection to the proxy."""


class ListeningBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections for httpcore's pools. `to_proxy`: all of them lead to the proxy."""

    def __init__(self, *, to_proxy: bool = False) -> None:
        self._to_proxy = to_proxy
        self._newest: WeakKeyDictionary[asyncio.Task[Any], ListeningStream] = WeakKeyDictionary()

    async def close_newest(self) -> None:
        """The connection this task has opened last: httpcore leaves it open at a SOCKS5 refusal."""
        task = asyncio.current_task()
        stream = None if task is None else self._newest.pop(task, None)
        if stream is not None:
            await stream.aclose()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ConnectError (unknown name, refused, no route) or ConnectTimeout."""
        del local_address, socket_options  # nobody sets them; asyncio sets TCP_NODELAY itself
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, connection = await loop.create_connection(
                    _Connection, host, port, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S
                )
        except TimeoutError:
            if self._to_proxy:
                raise ProxyUnreachableError from None
            raise httpcore.ConnectTimeout from None
        except (OSError, UnicodeError) as error:
            kind = ProxyUnreachableError if self._to_proxy else httpcore.ConnectError
            raise kind(type(error).__name__) from error
        stream = ListeningStream(connection, to_proxy=self._to_proxy)
        task = asyncio.current_task()
        if self._to_proxy and task is not None:
            self._newest[task] = stream
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
