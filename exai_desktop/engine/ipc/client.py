"""The other end of the local socket: `UploadService` as the owner of the profile carries it out."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import Event, EventStream
from exai_desktop.core.service import UploadService, proxy
from exai_desktop.engine.ipc import codec
from exai_desktop.engine.ipc.codec import MAX_LINE, pipe_name

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _open(address: Path) -> Streams:
    if sys.platform == "win32":
        loop = cast(Any, asyncio.get_running_loop())
        reader = asyncio.StreamReader(limit=MAX_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.create_pipe_connection(lambda: protocol, pipe_name(address))
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
    return await asyncio.open_unix_connection(str(address), limit=MAX_LINE)


async def _ask(address: Path, line: bytes) -> tuple[bytes, Streams]:
    """Send a line, wait for the first one back. Raises OWNER_GONE."""
    try:
        reader, writer = await _open(address)
        try:
            writer.write(line)
            await writer.drain()
            answer = await reader.readline()
        except BaseException:
            writer.close()
            raise
    except OSError as error:
        raise EngineError(ErrorCode.OWNER_GONE, error.strerror or "") from error
    if not answer:
        writer.close()
        raise EngineError(ErrorCode.OWNER_GONE)
    return answer, (reader, writer)


class _Client:
    """One connection a call: a broken one costs nothing but itself."""

    def __init__(self, address: Path) -> None:
        self._address = address
        calls = proxy(self._call)
        self.queue = calls.queue
        self.files = calls.files
        self.accounts = calls.accounts
        self.audit = calls.audit
        self.settings = calls.settings
        self.keys = calls.keys
        self.backups = calls.backups
        self.mirror = calls.mirror
        self.storage = calls.storage
        self.receipts = calls.receipts
        self.history = calls.history
        self.watched = calls.watched
        self.facts = calls.facts
        self.window = calls.window
        self.updates = calls.updates

    async def _call(self, method: str, *args: object, **kwargs: object) -> object:
        line = codec.encode_call(method, args, kwargs)
        answer, (_, writer) = await _ask(self._address, line)
        writer.close()
        return codec.decode_result(method, answer)

    async def events(self) -> EventStream:
        _, (reader, writer) = await _ask(self._address, codec.EVENTS_CALL)

        async def read() -> Event:
            try:
                line = await reader.readline()
            except OSError as error:
                raise EngineError(ErrorCode.OWNER_GONE, error.strerror or "") from error
            if not line:
                raise EngineError(ErrorCode.OWNER_GONE)
            return codec.decode_event(line)

        return EventStream(read, writer.close)


async def connect(address: Path, within_s: float) -> UploadService:
    """The service of the process that owns the profile, once it has answered a first question.

    Raises ANOTHER_INSTANCE: nobody listens (yet), or whoever does is stopped.
    """
    service = _Client(address)
    try:
        async with asyncio.timeout(within_s):
            await service.facts()
    except TimeoutError as error:
        raise EngineError(ErrorCode.ANOTHER_INSTANCE, "it does not answer") from error
    except EngineError as error:
        if error.code is not ErrorCode.OWNER_GONE:
            raise
        raise EngineError(ErrorCode.ANOTHER_INSTANCE, error.detail) from error
    return service
