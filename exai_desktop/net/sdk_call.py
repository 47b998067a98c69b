"""One call of an SDK: the SDK makes the request, and we send it on the account's connections.

So all rules of the account's client hold: certificates, proxy, no redirects, deadlines, the size
of answers, reading while sending.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from typing import Any, Final

import httpx

from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError, TransferError
from exai_desktop.net.account_client import AccountClient, Answer
from exai_desktop.net.file_body import END_BYTES, Block, SendingBody

# Small enough to report progress five times a second on a slow connection.
_PIECE_BYTES: Final = 256 * 1024
# More than the closing boundary and one slice of the SDK's library. When no more than this is
# left, it belongs to the last block.
_MIN_REST_BYTES: Final = 66 * 1024
# A closing boundary is a line of its own between hyphens, and the line before it ends.
_AROUND_BOUNDARY: Final = len("\r\n----\r\n")
_BOUNDARY: Final = re.compile(r'boundary="?([^";, ]{1,70})')
# The time that a cancelled call has to close its connection.
_CLOSE_TIMEOUT_S: Final = 2.0


class SdkUnusableError(Exception):
    """The SDK made no request, so nothing was sent."""


class SdkFile(io.RawIOBase):
    """The file of an upload, as SDKs want it: opened, and read once from the first byte on.

    It gives its last bytes only when the hash of all bytes is the expected one. Raises `FileError`.
    """

    def __init__(self, upload: Upload) -> None:
        super().__init__()
        self._upload = upload
        self._size = upload.file.id.size
        self._digest = hashlib.sha256()
        self._position = 0
        self._stopped = threading.Event()
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """SDKs call it to find the length, and before the first read."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self._stopped.is_set():
            raise FileError(ErrorCode.CANCELLED)
        if self._position != self.bytes_read:
            raise FileError(ErrorCode.UNEXPECTED_ERROR, "read out of order")
        left = self._size - self.bytes_read
        wanted = min(left, size if size >= 0 else _PIECE_BYTES)
        if not wanted and self._size:
            return b""
        piece = self._upload.file.read_at(self.bytes_read, wanted) if wanted else b""
        if wanted and not piece:
            raise FileError(ErrorCode.FILE_CHANGED, "it became shorter")
        self._digest.update(piece)
        self.bytes_read += len(piece)
        self._position = self.bytes_read
        if self.bytes_read == self._size:
            self._check()
        return piece

    def stop(self) -> None:
        """Nothing more is read after this. May be called from any thread."""
        self._stopped.set()

    def _check(self) -> None:
        if self._digest.hexdigest() != self._upload.sha256:
            raise FileError(
                ErrorCode.FILE_CHANGED, "its content is not the content that was checked"
            )
        if self._upload.file.has_changed():
            raise FileError(ErrorCode.FILE_CHANGED)


class _SdkBody(SendingBody):
    """A body whose multipart frame the SDK has made. One piece is read ahead."""

    def __init__(
        self, request: httpx.Request, file: SdkFile, upload: Upload, readers: Executor
    ) -> None:
        super().__init__(upload, readers)
        assert isinstance(request.stream, httpx.SyncByteStream)
        self._slices: Iterator[bytes] = iter(request.stream)
        self._left = int(request.headers["content-length"])
        self._end = _end_of(request.headers.get("content-type", ""))
        self._file = file
        self._bytes_read = 0
        self._max_piece = min(_PIECE_BYTES, upload.block or _PIECE_BYTES)

    async def _make_blocks(self) -> AsyncGenerator[Block, None]:
        block, reported = await self._result(self._start(self._next_block)), 0
        while block:
            bytes_read, is_last = self._bytes_read, self._left <= 0
            ahead = None if is_last else self._start(self._next_block)
            yield Block(block, self._end if is_last else 0)
            if bytes_read > reported:
                reported = bytes_read
                self._upload.on_bytes(reported)
            block = b"" if ahead is None else await self._result(ahead)

    def _next_block(self) -> bytes:
        """Runs in a reader thread, one call at a time."""
        slices, size = [], 0
        for piece in self._slices:
            slices.append(piece)
            size += len(piece)
            if size >= self._max_piece and self._left - size > _MIN_REST_BYTES:
                break
        self._left -= size
        self._bytes_read = self._file.bytes_read
        return b"".join(slices)


def _end_of(content_type: str) -> int:
    """The size of a body's end: the SDK writes the file last, and the closing boundary behind."""
    found = _BOUNDARY.search(content_type)
    boundary = len(found[1]) if found else 70
    return END_BYTES + boundary + _AROUND_BOUNDARY


class SdkCall(httpx.BaseTransport):
    """One call of an SDK's method, in its own thread: one request and one answer."""

    def __init__(
        self, client: AccountClient, readers: Executor, upload: Upload | None = None
    ) -> None:
        self._client = client
        self._readers = readers
        self._upload = upload
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._is_over = False
        self._answer: Future[Answer] | None = None
        self._task: asyncio.Task[Any] | None = None
        self.file = SdkFile(upload) if upload is not None else None

    async def run(self, use: Callable[[httpx.Client], object], threads: Executor) -> Answer:
        """The provider's answer, whatever the SDK made of it.

        Raises `TransferError`, or `SdkUnusableError` when the SDK made no request.
        """
        try:
            trouble = await self._loop.run_in_executor(threads, self._use, use)
        finally:
            await self._end()
        answer = self._answer
        if answer is None:
            raise SdkUnusableError(trouble)
        return answer.result()

    def _use(self, use: Callable[[httpx.Client], object]) -> str:
        with sync_client(self._client, self) as http_client:
            try:
                use(http_client)
            except Exception as error:  # noqa: BLE001 - an SDK may raise anything; the answer counts
                return type(error).__name__
        return "no request"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Runs in the SDK's thread. Refuses a second request (retry, redirect) and another host."""
        own = self._client.base_url
        if (request.url.scheme, request.url.netloc) != (own.scheme, own.netloc):
            raise httpx.UnsupportedProtocol("a key is for its own host")
        if self._upload is not None and "content-length" not in request.headers:
            raise httpx.UnsupportedProtocol("a body's length is said beforehand")
        with self._lock:
            if self._is_over or self._answer is not None:
                raise httpx.LocalProtocolError("one call, one request")
            pending = asyncio.run_coroutine_threadsafe(self._send(request), self._loop)
            self._answer = pending
        try:
            answer = pending.result()
        except (TransferError, CancelledError) as error:
            raise httpx.ReadError(type(error).__name__) from None
        return httpx.Response(
            answer.status, headers=dict(answer.headers), content=answer.body, request=request
        )

    async def _send(self, request: httpx.Request) -> Answer:
        self._task = asyncio.current_task()
        if self._is_over:
            raise asyncio.CancelledError
        if self.file is None or self._upload is None:
            return await self._client.send_for_sdk(request, None)
        body = _SdkBody(request, self.file, self._upload, self._readers)
        try:
            return await self._client.send_for_sdk(request, body)
        finally:
            await body.close()

    async def _end(self) -> None:
        """After this nothing more is sent or read."""
        with self._lock:
            self._is_over = True
        if self.file is not None:
            self.file.stop()
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_CLOSE_TIMEOUT_S)


class SelfTestTransport(httpx.BaseTransport):
    """For the self-test of an SDK: keeps each request and answers like a provider."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.method, str(request.url), request.read()))
        form = {"id": "self-test", "object": "file", "bytes": 1, "created_at": 0}
        return httpx.Response(200, json=form, request=request)


def sync_client(client: AccountClient, transport: httpx.BaseTransport) -> httpx.Client:
    """The client for an SDK: it has the account's headers, and `transport` is its only way out."""
    return httpx.Client(
        base_url=client.base_url,
        headers=client.headers,
        transport=transport,
        follow_redirects=False,
        trust_env=False,
    )
