"""ClamAV's daemon over its socket: the file goes in through the descriptor that is sent.

INSTREAM: the command, then blocks with their length before them, an empty block at the end. The
daemon answers one line; past its size limit it answers early, or just closes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import (
    FileOnDisk,
    OpenFile,
    ScanResult,
    ScanVerdict,
    not_scanned,
    scanner_text,
)
from exai_desktop.core.files.names import plain_text
from exai_desktop.engine.waiting import uninterrupted

_BLOCK: Final = 256 * 1024
_LONGEST_ANSWER: Final = 4 * 1024
_VERSION_S: Final = 5.0
# A slow disk and a busy daemon: measured, 100 MiB take 5 s.
_SLOWEST_BYTES_A_S: Final = 1024 * 1024
# ClamAV's name for "larger than I may look into": that is no find.
_LIMIT: Final = "Heuristics.Limits.Exceeded"

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Clamd:
    """`core.machine.MalwareScanner`. `address`: a socket's path, or `127.0.0.1:3310`.

    `answer_s` is how long it may take beyond the time that the file's size explains.
    """

    def __init__(self, address: str, readers: Executor, answer_s: float = 30.0) -> None:
        self._address = address
        self._readers = readers
        self._answer_s = answer_s

    async def describe(self) -> str:
        async with asyncio.timeout(_VERSION_S):
            return f"{scanner_text(*await self._version())} ({self._address})"

    async def scan(self, file: FileOnDisk) -> ScanResult:
        engine, database = "ClamAV", ""
        try:
            async with asyncio.timeout(_VERSION_S):
                engine, database = await self._version()
            async with asyncio.timeout(self._answer_s + file.id.size / _SLOWEST_BYTES_A_S):
                answer, was_read_whole = await self._stream(file)
        except TimeoutError:
            return not_scanned("the scanner did not answer in time", engine, database)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            return not_scanned(
                "the scanner closed the connection: it does not work, or the file is too large",
                engine,
                database,
            )
        name = answer.removeprefix("stream: ").removesuffix(" FOUND")
        is_find = answer == f"stream: {name} FOUND"
        if is_find and not name.startswith(_LIMIT):
            return ScanResult(ScanVerdict.FOUND, plain_text(name, 200), engine, database)
        if answer == "stream: OK" and was_read_whole:
            return ScanResult(ScanVerdict.CLEAN, "", engine, database)
        return not_scanned(f"the scanner says: {plain_text(answer, 200)}", engine, database)

    async def _version(self) -> tuple[str, str]:
        """`ClamAV 1.4.6/27500/Tue Nov 24 08:00:00 2026`; the engine alone with own signatures."""
        async with self._connected() as (reader, writer):
            writer.write(b"zVERSION\0")
            await writer.drain()
            engine, _, rest = (await _line(reader)).partition("/")
        number, _, date = rest.partition("/")
        with contextlib.suppress(ValueError):  # another language: the number still tells
            moment = datetime.strptime(date, "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007 - a date only
            number += f" of {moment:%Y-%m-%d}"
        return plain_text(engine, 100), plain_text(number, 100)

    async def _stream(self, file: OpenFile) -> tuple[str, bool]:
        """The answer, and whether all of the file had been handed over before it came."""
        async with self._connected() as (reader, writer):
            # Listened for meanwhile: an answer that comes early would be lost with the connection.
            answer = asyncio.ensure_future(_line(reader))
            try:
                is_whole = await self._feed(file, writer, answer)
                return await answer, is_whole
            finally:
                answer.cancel()
                await asyncio.wait({answer})

    async def _feed(
        self, file: OpenFile, writer: asyncio.StreamWriter, answer: asyncio.Future[str]
    ) -> bool:
        loop = asyncio.get_running_loop()

        async def block(offset: int, size: int) -> bytes:
            return await loop.run_in_executor(self._readers, file.read_at, offset, size)

        done = 0
        try:
            writer.write(b"zINSTREAM\0")
            while done < file.id.size and not answer.done():
                # To its end even when cancelled: the descriptor is closed right after.
                piece = await uninterrupted(block(done, min(_BLOCK, file.id.size - done)))
                if not piece:
                    raise FileError(ErrorCode.FILE_CHANGED)
                writer.write(len(piece).to_bytes(4, "big") + piece)
                await writer.drain()
                done += len(piece)
            if answer.done():
                return False
            writer.write(bytes(4))
            await writer.drain()
        except ConnectionError:
            return False  # the answer, if there is one, says why
        return True

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Streams]:
        if self._address.startswith("/"):
            opening = asyncio.open_unix_connection(self._address, limit=_LONGEST_ANSWER)
        else:
            host, _, port = self._address.rpartition(":")
            opening = asyncio.open_connection(host.strip("[]"), int(port), limit=_LONGEST_ANSWER)
        reader, writer = await opening
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _line(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\0"))[:-1].decode("utf-8", "replace").strip()
