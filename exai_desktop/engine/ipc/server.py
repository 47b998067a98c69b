"""The local socket: a second process has its verbs carried out by the one that owns the profile.

The socket lies in the profile, readable by its owner only. There is no listening port.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.core.service import UploadService, method_of
from exai_desktop.engine.ipc import codec
from exai_desktop.engine.ipc.codec import MAX_LINE, pipe_name

log = logging.getLogger(__name__)


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
            answer = codec.encode_result(method, await method_of(self._service, method)(**args))
        except AppError as error:
            answer = codec.encode_error(error)
        except StaleJobError:
            answer = codec.encode_error(
                EngineError(ErrorCode.WRONG_STATE, "its state has just changed")
            )
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

        [listener] = await loop.start_serving_pipe(protocol, pipe_name(address))
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
