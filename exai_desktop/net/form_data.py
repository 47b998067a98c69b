"""The frame of a multipart body: the bytes before and after those of the file."""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from exai_desktop.core.files.names import extension

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
