"""The body of an upload: its frame, and the file, which is read ahead and hashed while it is sent.

The last block leaves only when the hash of all bytes sent is the expected one, and its end (the
last bytes of the file and the closing boundary) only after a moment in which no reset has come.
Until then the body is incomplete, and no provider can store an incomplete body: what was cut before
is sent again without asking (ADR 0021).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Final, NamedTuple

import httpx

from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError, Sent, TransferError
from exai_desktop.core.files.names import extension
from exai_desktop.net.network_backend import ListeningStream

_OTHER: Final = "application/octet-stream"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
# fmt: off
_TEXT: Final = (
    "txt", "log", "go", "h", "c", "cpp", "cxx", "cc", "cs", "java", "jsp", "php", "py", "py3",
    "asp", "ini", "conf", "ts", "tsx", "yaml", "yml",
)
# fmt: on

# A table of our own, not the platform's: every machine must send the same type for a file.
MIME_TYPES: Final[dict[str, str]] = {
    **dict.fromkeys(_TEXT, "text/plain"),
    "pdf": "application/pdf",
    "csv": "text/csv",
    "md": "text/markdown",
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "epub": "application/epub+zip",
    "mobi": "application/x-mobipocket-ebook",
    "doc": "application/msword",
    "dot": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "mov": "video/quicktime",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "webm": "video/webm",
    "wmv": "video/x-ms-wmv",
    "3gpp": "video/3gpp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}


class Frame(NamedTuple):
    """`content_type` is the request's header; `head` + file + `tail` is its body."""

    content_type: str
    head: bytes
    tail: bytes


def quoted(name: str) -> bytes:
    """A file name for the quotes in Content-Disposition, written as browsers do (WHATWG)."""
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    # Names are cleaned before. A lone surrogate is replaced nevertheless: it must not fail here.
    return escaped.encode("utf-8", "replace")


def mime_of(name: str) -> str:
    """The media type of a file, by its extension."""
    return MIME_TYPES.get(extension(name), _OTHER)


def frame(purpose: str, name: str) -> Frame:
    """The purpose comes before the file, so a server can refuse it before it reads the file.

    The boundary is random, so nobody can write a file that contains it.
    """
    boundary = secrets.token_hex(16)
    mime = mime_of(name)
    head = b"".join(
        (
            f"--{boundary}\r\n".encode(),
            b'Content-Disposition: form-data; name="purpose"\r\n\r\n',
            purpose.encode("utf-8", "replace"),
            f"\r\n--{boundary}\r\n".encode(),
            b'Content-Disposition: form-data; name="file"; filename="',
            quoted(name),
            f'"\r\nContent-Type: {mime}\r\n\r\n'.encode(),
        )
    )
    return Frame(
        f"multipart/form-data; boundary={boundary}", head, f"\r\n--{boundary}--\r\n".encode()
    )


# 256 KiB halves the throughput, 4 MiB gains nothing (measured against curl).
PIECE_BYTES: Final = 1024 * 1024
# The end of a body has so many bytes of the file, if it has them: a server that stores what it got
# before a cut has a file of another size. Few, so that hardly a cut comes between them.
END_BYTES: Final = 16
# A cancel waits no longer than this for a read that hangs on a dead network share.
_LAST_READ_TIMEOUT_S: Final = 1.0


class Block(NamedTuple):
    """A piece of a body. `end`: so many bytes of the last one, or all of it, are the body's end;
    0 for all others."""

    data: bytes
    end: int = 0


class SendingBody(httpx.AsyncByteStream):
    """One attempt to send one file. Iterate it once, then `close` it.

    `sent` never says too little: it is SOME from just before the first block is handed to the
    network, and ALL from just before the end is. As long as it is not ALL, not a byte of the end
    has left. Raises `TransferError` FILE_CHANGED or READ_FAILED.
    """

    def __init__(self, upload: Upload, readers: Executor) -> None:
        self._upload = upload
        self._readers = readers
        self._read: Future[bytes] | None = None
        self._blocks = self._leaving()
        self._stream: ListeningStream | None = None
        self.sent = Sent.NOTHING
        # The moment before the end, in seconds.
        self.moment_s = 0.0
        self.on_last_block: Callable[[], None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._blocks

    def goes_out_on(self, stream: ListeningStream) -> bool:
        """Told with each write of the request. Returns whether it is the head's."""
        self._stream = stream
        return self.sent is Sent.NOTHING

    async def close(self) -> None:
        """After this no thread of ours reads the file, except one that hangs."""
        await self._blocks.aclose()
        read = self._read
        if read is None or read.done() or read.cancel():
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        read.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_READ_TIMEOUT_S):
                await ended.wait()

    def _make_blocks(self) -> AsyncGenerator[Block, None]:
        """The blocks, the last one with its end."""
        raise NotImplementedError

    async def _leaving(self) -> AsyncGenerator[bytes, None]:
        """Nothing may wait between `_about_to_send` and what is yielded then."""
        blocks = self._make_blocks()
        try:
            async for data, end in blocks:
                await self._upload.may_leave(len(data))
                front = max(0, len(data) - end)
                if front:
                    self._about_to_send(Sent.SOME)
                    yield data[:front] if end else data
                if end:
                    await self._before_the_end()
                    self._about_to_send(Sent.ALL)
                    yield data[front:]
        finally:
            await blocks.aclose()

    async def _before_the_end(self) -> None:
        """A reset that the bytes before have caused is heard while the end is still here."""
        if self._stream is None:
            return
        await self._stream.all_quiet(self.moment_s)
        # Again: on a slow line that takes long.
        await self._upload.may_leave(0)
        self._stream.check()

    def _about_to_send(self, sent: Sent) -> None:
        """Announced before it is true: when a kill comes in between, `sent` says too much."""
        if self.sent is Sent.NOTHING:
            self.sent = Sent.SOME
            self._upload.on_left(Sent.SOME)
        if sent is Sent.ALL:
            self.sent = Sent.ALL
            self._upload.on_left(Sent.ALL)
            if self.on_last_block is not None:
                self.on_last_block()

    def _start(self, work: Callable[..., bytes], *args: int) -> Future[bytes]:
        self._read = self._readers.submit(work, *args)
        return self._read

    async def _result(self, read: Future[bytes]) -> bytes:
        try:
            return await asyncio.wrap_future(read)
        except FileError as error:
            raise TransferError(error.code, error.detail, sent=self.sent) from error


class FileBody(SendingBody):
    """A body whose multipart frame we write ourselves."""

    def __init__(self, upload: Upload, purpose: str, readers: Executor) -> None:
        super().__init__(upload, readers)
        self._size = upload.file.id.size
        self._max_piece = min(PIECE_BYTES, upload.block or PIECE_BYTES)
        self._frame = frame(purpose, upload.name)
        self._digest = hashlib.sha256()

    @property
    def content_type(self) -> str:
        return self._frame.content_type

    @property
    def length(self) -> int:
        return len(self._frame.head) + self._size + len(self._frame.tail)

    async def _make_blocks(self) -> AsyncGenerator[Block, None]:
        end = min(self._size, END_BYTES) + len(self._frame.tail)
        if self._size <= self._max_piece:
            # A small file: one call in a thread reads, hashes and checks it.
            yield Block(await self._result(self._start(self._whole_body)), end)
            self._upload.on_bytes(self._size)
            return
        sent_bytes = 0
        ahead = self._start(self._piece, sent_bytes)
        while sent_bytes < self._size:
            piece = await self._result(ahead)
            block = self._frame.head + piece if sent_bytes == 0 else piece
            sent_bytes += len(piece)
            is_last = sent_bytes == self._size
            if is_last:
                block += await self._result(self._start(self._checked_tail))
            else:
                ahead = self._start(self._piece, sent_bytes)
            yield Block(block, end if is_last else 0)
            self._upload.on_bytes(sent_bytes)

    # The methods below run in a reader thread, one call at a time.

    def _whole_body(self) -> bytes:
        piece = self._piece(0) if self._size else b""
        return b"".join((self._frame.head, piece, self._checked_tail()))

    def _piece(self, offset: int) -> bytes:
        """The next piece. Exactly the bytes that are hashed here are sent."""
        wanted = min(self._max_piece, self._size - offset)
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
            raise FileError(
                ErrorCode.FILE_CHANGED, "its content is not the content that was checked"
            )
        if self._upload.file.has_changed():
            raise FileError(ErrorCode.FILE_CHANGED)
        return self._frame.tail
