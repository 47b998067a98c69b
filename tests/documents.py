"""The smallest real documents of some kinds, for tests that are not about their content."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path


def text(size: int) -> bytes:
    """Readable text, different each time, of about this many bytes."""
    return os.urandom(size // 2).hex().encode()


def png(side: int = 1) -> bytes:
    """A square of grey; of noise, and as large as its pixels, if it has a side."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    rows = b"".join(b"\0" + os.urandom(side) for _ in range(side)) if side > 1 else b"\0\x80"
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def pdf() -> bytes:
    """A page with a word on it."""
    return (Path(__file__).parents[1] / "resources" / "samples" / "report.pdf").read_bytes()


def jsonl() -> bytes:
    return b'{"custom_id": "request-1", "method": "POST", "url": "/v1/chat", "body": {}}\n'
