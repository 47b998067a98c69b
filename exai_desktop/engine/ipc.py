"""The local socket: a second process has its verbs carried out by the one that owns the profile.

The socket lies in the profile, readable by its owner only. There is no listening port.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AppError, EngineError
from exai_desktop.core.events import Event
from exai_desktop.core.service import UploadService
from exai_desktop.engine import ipc_codec as codec
from exai_desktop.engine.event_stream import EventStream

log = logging.getLogger(__name__)

# The longest line: the extracted text of a large document.
MAX_LINE: Final = 64 * 1024 * 1024

# The owner holds its lock a moment before it listens.
CONNECT_S: Final = 10.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Server:
    def __init__(self, service: UploadService) -> None:
        self._service = service
        self._connections: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def close(self) -> None:
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                stack.callback(writer.close)
                while line := await reader.readline():
                    await self._answer(line, reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            log.debug("a local connection broke")

    async def _answer(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            method, args = codec.decode_call(line)
            if method == "events":
                await self._stream(reader, writer)
                return
            answer = codec.encode_result(method, await getattr(self._service, method)(**args))
        except AppError as error:
            answer = codec.encode_error(error)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            fault = EngineError(ErrorCode.UNEXPECTED_ERROR, f"bad call: {type(error).__name__}")
            answer = codec.encode_error(fault)
        writer.write(answer)
        await writer.drain()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Events until the other side hangs up."""
        events = await self._service.events()
        writer.write(b"\n")  # from here on nothing is missed
        gone = asyncio.ensure_future(reader.read())
        try:
            while True:
                news = asyncio.ensure_future(anext(events))
                await asyncio.wait({gone, news}, return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    news.cancel()
                    await asyncio.wait({news})
                    return
                writer.write(codec.encode_event(news.result()))
                await writer.drain()
        finally:
            gone.cancel()
            await events.aclose()


@asynccontextmanager
async def serve(service: UploadService, address: Path) -> AsyncIterator[None]:
    """Answer on the profile's socket until left. Only the owner of the profile may call this."""
    server = _Server(service)
    if sys.platform == "win32":
        loop = cast(Any, asyncio.get_running_loop())

        def protocol() -> asyncio.StreamReaderProtocol:
            reader = asyncio.StreamReader(limit=MAX_LINE)
            return asyncio.StreamReaderProtocol(reader, server.accept)

        [listener] = await loop.start_serving_pipe(protocol, _pipe_name(address))
    else:
        # Left by a killed owner; the lock says there is none. A local name: nothing to wait for.
        address.unlink(missing_ok=True)  # noqa: ASYNC240
        listener = await asyncio.start_unix_server(server.accept, str(address), limit=MAX_LINE)
        address.chmod(0o600)  # noqa: ASYNC240
    try:
        yield
    finally:
        listener.close()
        await server.close()
        if sys.platform != "win32":
            address.unlink(missing_ok=True)  # noqa: ASYNC240


def _pipe_name(address: Path) -> str:
    return rf"\\.\pipe\exai-desktop-{str(address).replace(chr(92), '-').replace(':', '')}"


async def _connect(address: Path) -> Streams:
    if sys.platform == "win32":
        loop = cast(Any, asyncio.get_running_loop())
        reader = asyncio.StreamReader(limit=MAX_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.create_pipe_connection(lambda: protocol, _pipe_name(address))
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
    return await asyncio.open_unix_connection(str(address), limit=MAX_LINE)


async def _connect_patiently(address: Path) -> Streams:
    """Raises ANOTHER_INSTANCE when the owner does not answer."""
    for tries_left in range(int(CONNECT_S / 0.1), -1, -1):
        try:
            return await _connect(address)
        except OSError as error:
            if tries_left == 0:
                raise EngineError(ErrorCode.ANOTHER_INSTANCE, error.strerror or "") from error
            await asyncio.sleep(0.1)
    raise AssertionError("unreachable")


class _Client:
    """One connection a call: a broken one costs nothing but itself."""

    def __init__(self, address: Path) -> None:
        self._address = address

    def __getattr__(self, method: str) -> Callable[..., Awaitable[object]]:
        if method not in codec.METHODS:
            raise AttributeError(method)

        async def call(*args: object, **kwargs: object) -> object:
            reader, writer = await _connect_patiently(self._address)
            try:
                writer.write(codec.encode_call(method, args, kwargs))
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
            if not line:
                raise EngineError(ErrorCode.ANOTHER_INSTANCE, "the other program was closed")
            return codec.decode_result(method, line)

        return call

    async def events(self) -> EventStream:
        reader, writer = await _connect_patiently(self._address)
        writer.write(codec.EVENTS_CALL)
        await reader.readline()

        async def read() -> Event:
            line = await reader.readline()
            if not line:
                raise EngineError(ErrorCode.ANOTHER_INSTANCE, "the other program was closed")
            return codec.decode_event(line)

        return EventStream(read, writer.close)


async def connect(address: Path) -> UploadService:
    """The service of the process that owns the profile. Raises ANOTHER_INSTANCE."""
    _, writer = await _connect_patiently(address)
    writer.close()
    return cast(UploadService, _Client(address))
