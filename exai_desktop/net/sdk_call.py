"""What an SDK is given instead of the network: its request is taken over and sent by us.

The SDK makes the request; the account's own connections carry it, so every rule of theirs holds
(trust, proxy, no redirects, deadlines, the size of answers, listening while sending).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from typing import Any, Final

import httpx

from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError, Sent, TransferError
from exai_desktop.net.account_client import AccountClient, Answer
from exai_desktop.net.file_body import Outgoing

# Small enough for progress five times a second on a slow line.
_PIECE: Final = 256 * 1024
# More than a closing boundary and one slice of the library's: they leave with what is before.
_REST: Final = 66 * 1024
# What a cancelled call may take to close its connection.
_LAST_S: Final = 2.0


class SdkUnusableError(Exception):
    """The SDK did not get as far as a request: nothing was sent."""


class SentFile(io.RawIOBase):
    """An upload's file as SDKs want it: opened, to be read once from front to end.

    Its last bytes are given only when all of them hash to what was agreed. Raises `FileError`.
    """

    def __init__(self, upload: Upload) -> None:
        super().__init__()
        self._upload = upload
        self._size = upload.file.id.size
        self._digest = hashlib.sha256()
        self._at = 0
        self._stopped = threading.Event()
        self.given = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Asked for the length and before the first read."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        if self._stopped.is_set():
            raise FileError(ErrorCode.CANCELLED)
        if self._at != self.given:
            raise FileError(ErrorCode.UNEXPECTED_ERROR, "read out of order")
        left = self._size - self.given
        wanted = min(left, size if size >= 0 else _PIECE)
        if not wanted and self._size:
            return b""
        piece = self._upload.file.read_at(self.given, wanted) if wanted else b""
        if wanted and not piece:
            raise FileError(ErrorCode.FILE_CHANGED, "it became shorter")
        self._digest.update(piece)
        self.given += len(piece)
        self._at = self.given
        if self.given == self._size:
            self._check()
        return piece

    def stop(self) -> None:
        """From any thread: nothing more is read."""
        self._stopped.set()

    def _check(self) -> None:
        if self._digest.hexdigest() != self._upload.sha256:
            raise FileError(ErrorCode.FILE_CHANGED, "its bytes are not those that were hashed")
        if self._upload.file.has_changed():
            raise FileError(ErrorCode.FILE_CHANGED)


class _SdkBody(Outgoing):
    """A body framed by an SDK, read ahead by one piece."""

    def __init__(
        self, request: httpx.Request, file: SentFile, upload: Upload, readers: Executor
    ) -> None:
        super().__init__(upload, readers)
        assert isinstance(request.stream, httpx.SyncByteStream)
        self._slices: Iterator[bytes] = iter(request.stream)
        self._left = int(request.headers["content-length"])
        self._file = file
        self._reached = 0
        self._most = min(_PIECE, upload.block or _PIECE)

    async def _give(self) -> AsyncGenerator[bytes, None]:
        block, told = await self._result(self._start(self._gather)), 0
        while block:
            reached, is_last = self._reached, self._left <= 0
            ahead = None if is_last else self._start(self._gather)
            await self._upload.may_leave(len(block))
            self._leaves(Sent.ALL if is_last else Sent.SOME)
            yield block
            if reached > told:
                told = reached
                self._upload.on_bytes(told)
            block = b"" if ahead is None else await self._result(ahead)

    def _gather(self) -> bytes:
        """In a reader thread, one call at a time."""
        slices, size = [], 0
        for piece in self._slices:
            slices.append(piece)
            size += len(piece)
            if size >= self._most and self._left - size > _REST:
                break
        self._left -= size
        self._reached = self._file.given
        return b"".join(slices)


class SdkCall(httpx.BaseTransport):
    """One call of an SDK's method, in a thread of its own: one request, one answer."""

    def __init__(
        self, line: AccountClient, readers: Executor, upload: Upload | None = None
    ) -> None:
        self._line = line
        self._readers = readers
        self._upload = upload
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._is_over = False
        self._carried: Future[Answer] | None = None
        self._task: asyncio.Task[Any] | None = None
        self.file = SentFile(upload) if upload is not None else None

    async def run(self, use: Callable[[httpx.Client], object], threads: Executor) -> Answer:
        """What came of it on the wire, whatever the SDK made of it.

        Raises `TransferError`, or `SdkUnusableError` when no request was made.
        """
        try:
            trouble = await self._loop.run_in_executor(threads, self._use, use)
        finally:
            await self._end()
        carried = self._carried
        if carried is None:
            raise SdkUnusableError(trouble)
        return carried.result()

    def _use(self, use: Callable[[httpx.Client], object]) -> str:
        with sync_client(self._line, self) as client:
            try:
                use(client)
            except Exception as error:  # noqa: BLE001 - an SDK may raise anything; the wire decides
                return type(error).__name__
        return "no request"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """In the SDK's thread. Refused: a second request (a retry, a redirect), another host."""
        own = self._line.base_url
        if (request.url.scheme, request.url.netloc) != (own.scheme, own.netloc):
            raise httpx.UnsupportedProtocol("a key is for its own host")
        if self._upload is not None and "content-length" not in request.headers:
            raise httpx.UnsupportedProtocol("a body's length is said beforehand")
        with self._lock:
            if self._is_over or self._carried is not None:
                raise httpx.LocalProtocolError("one call, one request")
            carried = asyncio.run_coroutine_threadsafe(self._carry(request), self._loop)
            self._carried = carried
        try:
            answer = carried.result()
        except (TransferError, CancelledError) as error:
            raise httpx.ReadError(type(error).__name__) from None
        return httpx.Response(
            answer.status, headers=dict(answer.headers), content=answer.body, request=request
        )

    async def _carry(self, request: httpx.Request) -> Answer:
        self._task = asyncio.current_task()
        if self._is_over:
            raise asyncio.CancelledError
        if self.file is None or self._upload is None:
            return await self._line.carry(request, None)
        body = _SdkBody(request, self.file, self._upload, self._readers)
        try:
            return await self._line.carry(request, body)
        finally:
            await body.close()

    async def _end(self) -> None:
        """After this nothing is sent or read any more."""
        with self._lock:
            self._is_over = True
        if self.file is not None:
            self.file.stop()
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_LAST_S)


class Rehearsal(httpx.BaseTransport):
    """A self-test's other end: looks at the request and answers like a provider."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.method, str(request.url), request.read()))
        form = {"id": "rehearsal", "object": "file", "bytes": 1, "created_at": 0}
        return httpx.Response(200, json=form, request=request)


def sync_client(line: AccountClient, transport: httpx.BaseTransport) -> httpx.Client:
    """What an SDK is handed: the account's headers, and no way out but `transport`."""
    return httpx.Client(
        base_url=line.base_url,
        headers=line.headers,
        transport=transport,
        follow_redirects=False,
        trust_env=False,
    )
