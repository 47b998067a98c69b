"""A multipart upload read as a stream into one file on disk, strictly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from exai_desktop.sandbox.servers.exchange import Exchange

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


MAX_TEXT = 65_536
WRITE_BUFFER = 1 << 18

Problem = Literal[
    "not_multipart",
    "malformed",
    "no_file",
    "no_filename",
    "second_file",
    "unexpected_file",
    "repeated_field",
    "text_too_long",
]


class MultipartProblem(Exception):  # noqa: N818 - each provider words it as its own error
    """The body is not the one upload it should be."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem: Problem = problem


class Upload:
    """One upload; leaving the `with` block removes a body nobody has moved away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.filename = ""
        self.mime = "application/octet-stream"
        self.size = 0
        self.fields: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


class _Form:
    """Parser callbacks: headers and short texts in memory, the file straight to disk."""

    def __init__(self, upload: Upload, sink: BinaryIO, limit: int) -> None:
        self._upload = upload
        self._sink = sink
        self._limit = limit
        self._name = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._text = bytearray()
        self.has_file = False
        self.ended = False

    def callbacks(self) -> MultipartCallbacks:
        """What the parser calls."""
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._headers.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in options:
            raise MultipartProblem("malformed")
        name = _text(options[b"name"])
        if b"filename" in options:
            self._begin_file(name, _text(options[b"filename"]))
            return
        if name == "file":
            raise MultipartProblem("no_filename")
        if name in self._upload.fields:
            raise MultipartProblem("repeated_field")
        self._field = name
        self._text.clear()

    def _begin_file(self, name: str, filename: str) -> None:
        if name != "file":
            raise MultipartProblem("unexpected_file")
        if self.has_file:
            raise MultipartProblem("second_file")
        filename = filename.rsplit("/", 1)[-1]
        if not filename:
            raise MultipartProblem("no_filename")
        self.has_file = True
        self._field = None
        self._upload.filename = filename
        self._upload.mime = _text(self._headers.get(b"content-type", self._upload.mime.encode()))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is not None:
            self._text += data[start:end]
            if len(self._text) > MAX_TEXT:
                raise MultipartProblem("text_too_long")
            return
        self._upload.size += end - start
        if self._upload.size <= self._limit:
            self._sink.write(memoryview(data)[start:end])

    def _part_end(self) -> None:
        if self._field is not None:
            self._upload.fields[self._field] = _text(bytes(self._text))
            self._field = None

    def _end(self) -> None:
        self.ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MultipartProblem("malformed") from None


async def receive_into(upload: Upload, exchange: Exchange, limit: int) -> None:
    """Read the whole body; bytes of a file above `limit` are counted but not kept."""
    kind, options = parse_options_header(exchange.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise MultipartProblem("not_multipart")
    with _opened(upload.path) as sink:
        form = _Form(upload, sink, limit)
        parser = _parser(boundary, form)
        more = True
        while more:
            message = await exchange.receive()
            _feed(parser.write, message["body"])
            more = message["more_body"]
    if not form.ended:
        raise MultipartProblem("malformed")
    if not form.has_file:
        raise MultipartProblem("no_file")


def _opened(path: Path) -> BinaryIO:
    return path.open("wb", buffering=WRITE_BUFFER)


def _parser(boundary: bytes, form: _Form) -> MultipartParser:
    try:
        return MultipartParser(boundary, form.callbacks())
    except FormParserError:
        raise MultipartProblem("malformed") from None


def _feed(write: Callable[[bytes], int], piece: bytes) -> None:
    try:
        write(piece)
    except FormParserError:
        raise MultipartProblem("malformed") from None
