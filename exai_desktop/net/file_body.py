"""A file on its way out: read ahead, hashed beside the send, its last block held back.

The provider gets the closing boundary only when everything that left hashes to what was agreed.
Until then the body is incomplete, and an incomplete body cannot be stored.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Final

import httpx

from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError, Sent, TransferError
from exai_desktop.net.form_data import frame

# 256 KiB halves the throughput, 4 MiB gains nothing (measured against curl).
PIECE: Final = 1024 * 1024
# A read that hangs on a dead network share must not keep a cancel from ending.
_LAST_READ_S: Final = 1.0


class Outgoing(httpx.AsyncByteStream):
    """One attempt at sending one file. To be iterated once, then `close`d.

    `sent` is true at any time: NOTHING until the first block is handed to the network, ALL from
    just before the last one is. Raises `TransferError` FILE_CHANGED or READ_FAILED.
    """

    def __init__(self, upload: Upload, readers: Executor) -> None:
        self._upload = upload
        self._readers = readers
        self._job: Future[bytes] | None = None
        self._blocks = self._give()
        self.sent = Sent.NOTHING
        self.on_all_left: Callable[[], None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._blocks

    async def close(self) -> None:
        """Let go of the file: after this no thread of ours reads it (bar one that hangs)."""
        await self._blocks.aclose()
        job = self._job
        if job is None or job.done() or job.cancel():
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_READ_S):
                await ended.wait()

    def _give(self) -> AsyncGenerator[bytes, None]:
        """The blocks, each announced by `_leaves` before it is yielded."""
        raise NotImplementedError

    def _leaves(self, sent: Sent) -> None:
        """Say it before it is true, so that a cut in between never claims too little."""
        if self.sent is Sent.NOTHING:
            self.sent = Sent.SOME
            self._upload.on_left(Sent.SOME)
        if sent is Sent.ALL:
            self.sent = Sent.ALL
            self._upload.on_left(Sent.ALL)
            if self.on_all_left is not None:
                self.on_all_left()

    def _start(self, work: Callable[..., bytes], *args: int) -> Future[bytes]:
        self._job = self._readers.submit(work, *args)
        return self._job

    async def _result(self, job: Future[bytes]) -> bytes:
        try:
            return await asyncio.wrap_future(job)
        except FileError as error:
            raise TransferError(error.code, error.detail, sent=self.sent) from error


class FileBody(Outgoing):
    """A body with a frame of our own."""

    def __init__(self, upload: Upload, purpose: str, readers: Executor) -> None:
        super().__init__(upload, readers)
        self._size = upload.file.id.size
        self._most = min(PIECE, upload.block or PIECE)
        self._frame = frame(purpose, upload.name)
        self._digest = hashlib.sha256()

    @property
    def headers(self) -> dict[str, str]:
        length = len(self._frame.head) + self._size + len(self._frame.tail)
        return {"Content-Type": self._frame.content_type, "Content-Length": str(length)}

    async def _give(self) -> AsyncGenerator[bytes, None]:
        if self._size <= self._most:
            # One trip to a thread for read, hash and check: that is what a small file costs.
            block = await self._result(self._start(self._whole))
            await self._upload.may_leave(len(block))
            self._leaves(Sent.ALL)
            yield block
            self._upload.on_bytes(self._size)
            return
        given = 0
        ahead = self._start(self._piece, given)
        while given < self._size:
            piece = await self._result(ahead)
            block = self._frame.head + piece if given == 0 else piece
            given += len(piece)
            is_last = given == self._size
            if is_last:
                block += await self._result(self._start(self._checked_tail))
            else:
                ahead = self._start(self._piece, given)
            await self._upload.may_leave(len(block))
            self._leaves(Sent.ALL if is_last else Sent.SOME)
            yield block
            self._upload.on_bytes(given)

    # What follows runs in a reader thread, one call at a time.

    def _whole(self) -> bytes:
        piece = self._piece(0) if self._size else b""
        return b"".join((self._frame.head, piece, self._checked_tail()))

    def _piece(self, offset: int) -> bytes:
        """The next piece, hashed: these very bytes are what is sent."""
        wanted = min(self._most, self._size - offset)
        piece = self._upload.file.read_at(offset, wanted)
        while len(piece) < wanted:
            more = self._upload.file.read_at(offset + len(piece), wanted - len(piece))
            if not more:
                raise FileError(ErrorCode.FILE_CHANGED, "it became shorter")
            piece += more
        self._digest.update(piece)
        return piece

    def _checked_tail(self) -> bytes:
        if self._digest.hexdigest() != self._upload.sha256:
            raise FileError(ErrorCode.FILE_CHANGED, "its bytes are not those that were hashed")
        if self._upload.file.has_changed():
            raise FileError(ErrorCode.FILE_CHANGED)
        return self._frame.tail
