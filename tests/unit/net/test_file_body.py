"""The multipart body: whole for any parser, and never complete when the bytes are wrong."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_multipart import FormParser

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError, Sent, TransferError
from exai_desktop.core.files.files import FileId
from exai_desktop.core.files.names import sent_name
from exai_desktop.net.file_body import (
    END_BYTES,
    MIME_TYPES,
    PIECE_BYTES,
    FileBody,
    frame,
    quoted,
)

READERS = ThreadPoolExecutor(2)


@pytest.fixture(scope="module", autouse=True)
def _end_the_readers() -> Iterator[None]:
    yield
    READERS.shutdown()


class Memory:
    """An `OpenFile` in memory; `short` makes reads return less than asked for."""

    def __init__(self, data: bytes, size: int | None = None, short: int = 0) -> None:
        self.id = FileId(len(data) if size is None else size, 0, 0, 0)
        self.data = data
        self.short = short
        self.changed = False
        self.error: FileError | None = None
        self.gate: threading.Event | None = None
        self.reading = False
        self.threads: set[str] = set()

    def read_at(self, offset: int, size: int) -> bytes:
        self.threads.add(threading.current_thread().name)
        self.reading = True
        if self.gate is not None:
            self.gate.wait(60)
        self.reading = False
        if self.error is not None:
            raise self.error
        return self.data[offset : offset + (min(size, self.short) if self.short else size)]

    def has_changed(self) -> bool:
        return self.changed

    def close(self) -> None:
        pass


class Sending:
    purpose = "file-extract"
    block: int | None = None

    def __init__(self, file: Memory, name: str = "a.txt", sha256: str = "") -> None:
        self.file = file
        self.name = name
        self.sha256 = sha256 or hashlib.sha256(file.data).hexdigest()
        self.totals: list[int] = []
        self.left: list[Sent] = []

    def on_bytes(self, total_sent: int) -> None:
        self.totals.append(total_sent)

    async def may_leave(self, size: int) -> None:
        """At once."""

    def on_left(self, sent: Sent) -> None:
        self.left.append(sent)


async def _sent(body: FileBody) -> bytes:
    try:
        return b"".join([block async for block in body])
    finally:
        await body.close()


def _parsed(body: bytes, content_type: str) -> tuple[dict[str, str], bytes, str]:
    """Fields, the file's bytes and its name, by a parser that is not ours."""
    fields: dict[str, str] = {}
    files: list[Any] = []
    header = Message()
    header["Content-Type"] = content_type
    boundary = str(header.get_param("boundary"))

    def on_field(field: Any) -> None:
        fields[field.field_name.decode()] = field.value.decode()

    parser = FormParser("multipart/form-data", on_field, files.append, boundary=boundary)
    parser.write(body)
    parser.finalize()
    parser.close()
    [file] = files
    file.file_object.seek(0)
    data = file.file_object.read()
    file.file_object.close()
    return fields, data, file.file_name.decode()


sizes = st.integers(0, 70_000) | st.sampled_from(
    [
        0,
        1,
        PIECE_BYTES - 1,
        PIECE_BYTES,
        PIECE_BYTES + 1,
        2 * PIECE_BYTES - 1,
        2 * PIECE_BYTES,
        2 * PIECE_BYTES + 1,
        3 * PIECE_BYTES + 12_345,
    ]
)


@settings(max_examples=60)
@given(name=st.text(max_size=80).map(sent_name), size=sizes, short=st.sampled_from([0, 300_000]))
@example(name="报告 (最终版) — ü&%22=+.pdf", size=PIECE_BYTES, short=0)
@example(name="a\r\n--b;='x'.txt", size=5, short=0)
def test_any_parser_finds_name_and_bytes(name: str, size: int, short: int) -> None:
    data = (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]
    sending = Sending(Memory(data, short=short), name)
    body = FileBody(sending, "batch", READERS)
    raw = asyncio.run(_sent(body))
    assert body.length == len(raw)
    fields, found, found_name = _parsed(raw, body.content_type)
    assert fields == {"purpose": "batch"}
    assert found == data
    assert found_name == name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    assert sending.left == [Sent.SOME, Sent.ALL]
    assert sending.totals == sorted(set(sending.totals))
    assert sending.totals[-1] == size
    assert len(sending.totals) == max(1, -(-size // PIECE_BYTES))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('a"b.txt', b"a%22b.txt"),
        ("a\r\nX: y.txt", b"a%0D%0AX: y.txt"),
        ("100%.txt", b"100%.txt"),
        ("back\\slash", b"back\\slash"),
        ("ü", b"\xc3\xbc"),
        ("lone\udcff", b"lone?"),
    ],
)
def test_names_are_quoted_as_browsers_do(name: str, expected: bytes) -> None:
    assert quoted(name) == expected


def test_boundaries_differ_and_types_do_not_depend_on_the_machine() -> None:
    first, second = frame("p", "x.JSONL"), frame("p", "x.jsonl")
    assert first.content_type != second.content_type
    assert b"Content-Type: application/jsonl\r\n" in first.head
    assert b"Content-Type: application/octet-stream\r\n" in frame("p", "noending").head
    assert all(mime.isascii() and "/" in mime for mime in MIME_TYPES.values())


@pytest.mark.parametrize("size", [100, PIECE_BYTES, 3 * PIECE_BYTES])
@pytest.mark.parametrize("wrong", ["hash", "changed", "shorter", "unreadable"])
async def test_without_proof_the_last_block_stays(size: int, wrong: str) -> None:
    file = Memory(b"x" * size)
    sending = Sending(file, sha256="f" * 64 if wrong == "hash" else "")
    if wrong == "changed":
        file.changed = True
    elif wrong == "shorter":
        file.data = b"x" * (size - 1)
    elif wrong == "unreadable":
        file.error = FileError(ErrorCode.READ_FAILED, "I/O error")
    body = FileBody(sending, "p", READERS)
    blocks: list[bytes] = []
    with pytest.raises(TransferError) as caught:
        await _collect(body, blocks)
    await body.close()
    expected = ErrorCode.READ_FAILED if wrong == "unreadable" else ErrorCode.FILE_CHANGED
    few = size <= PIECE_BYTES or wrong == "unreadable"
    assert caught.value.code is expected
    assert caught.value.sent is body.sent is (Sent.NOTHING if few else Sent.SOME)
    assert Sent.ALL not in sending.left
    assert sum(map(len, blocks)) < body.length
    assert not any(block.endswith(b"--\r\n") for block in blocks)


async def test_a_block_counts_as_gone_from_just_before_it_is_handed_over() -> None:
    sending = Sending(Memory(b"x" * (2 * PIECE_BYTES + 5)))
    body = FileBody(sending, "p", READERS)
    told: list[str] = []
    body.on_last_block = lambda: told.append("all")
    assert body.sent is Sent.NOTHING
    blocks = aiter(body)
    await anext(blocks)
    assert (body.sent, sending.totals) == (Sent.SOME, [])
    await anext(blocks)
    assert (body.sent, sending.totals, told) == (Sent.SOME, [PIECE_BYTES], [])
    await anext(blocks)
    assert (body.sent, sending.totals, told) == (Sent.ALL, [PIECE_BYTES, 2 * PIECE_BYTES], ["all"])
    await body.close()
    assert sending.left == [Sent.SOME, Sent.ALL]


@pytest.mark.parametrize("size", [1, 10, 10_000, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
async def test_the_end_leaves_alone_and_has_bytes_of_the_file(size: int) -> None:
    """Whatever a server keeps of a body without its end, it has another size than the file."""
    sending = Sending(Memory(bytes(range(1, 251)) * (size // 250 + 1), size))
    sending.sha256 = hashlib.sha256(sending.file.data[:size]).hexdigest()
    body = FileBody(sending, "p", READERS)
    blocks = [(block, body.sent) async for block in body]
    await body.close()
    assert [sent for _, sent in blocks[:-1]] == [Sent.SOME] * (len(blocks) - 1)
    end, sent = blocks[-1]
    assert sent is Sent.ALL
    tail = b"\r\n--" + body.content_type.partition("boundary=")[2].encode() + b"--\r\n"
    assert end.endswith(tail)
    assert 1 <= len(end) - len(tail) <= END_BYTES
    assert len(blocks) > 1


async def test_reads_happen_in_the_readers_only() -> None:
    file = Memory(b"x" * (2 * PIECE_BYTES))
    await _sent(FileBody(Sending(file), "p", READERS))
    assert threading.current_thread().name not in file.threads


async def test_close_waits_for_the_read_under_way() -> None:
    file = Memory(b"x" * (4 * PIECE_BYTES))
    body = FileBody(Sending(file), "p", READERS)
    await anext(aiter(body))
    file.gate = threading.Event()
    reading = asyncio.create_task(_drain(body))
    while not file.reading:
        await asyncio.sleep(0.001)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    asyncio.get_running_loop().call_later(0.05, file.gate.set)
    await body.close()
    assert not file.reading


async def test_close_does_not_wait_for_ever() -> None:
    file = Memory(b"x")
    file.gate = threading.Event()
    body = FileBody(Sending(file), "p", READERS)
    reading = asyncio.create_task(_drain(body))
    while not file.reading:
        await asyncio.sleep(0.001)
    reading.cancel()
    await asyncio.wait([reading])
    async with asyncio.timeout(30):  # the read goes on for twice as long
        await body.close()
    assert file.reading
    file.gate.set()


async def _collect(body: FileBody, blocks: list[bytes]) -> None:
    async for block in body:
        blocks.append(block)


async def _drain(body: FileBody) -> None:
    async for _ in body:
        pass


async def test_memory_stays_flat() -> None:
    body = FileBody(Sending(Memory(b"x" * (20 * PIECE_BYTES))), "p", READERS)
    tracemalloc.start()
    try:
        await _drain(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await body.close()
    assert peak < 5 * PIECE_BYTES
