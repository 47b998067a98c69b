"""The content of the members of a zip container: piece by piece, and the sum at the end."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from exai_desktop.core.sniff.look import Bomb, Damage, Source
from exai_desktop.core.sniff.zip_directory import Directory, Entry

STORED: Final = 0
DEFLATED: Final = 8
_BZIP2: Final = 12
_LZMA: Final = 14
# What documents are packed with; what else can be unpacked here.
USUAL: Final = frozenset({STORED, DEFLATED})
POSSIBLE: Final = USUAL | {_BZIP2, _LZMA}

_LOCAL: Final = struct.Struct("<4s5H3I2H")
# Bytes of the name and the extra field of a member, as writers make them.
_USUAL_NAME: Final = 128
_PACKED_PIECE: Final = 256 * 1024
_PIECE: Final = 1024 * 1024
# So much more than it claims is damage; what is hidden by a wrong size is larger.
_LITTLE: Final = 64 * 1024
_LARGEST_WINDOW: Final = 32 * 1024 * 1024


def unpack(directory: Directory, entry: Entry, limit: int) -> bytes:
    """The first `limit` bytes of a member. Raises `Damage`, or `Bomb` when it claimed less.

    The sum is compared where all of the member was unpacked.
    """
    # Header and content in one read: on a share each read is a question over the network.
    wanted = min(entry.packed, limit + 1024)
    found, left = [], limit + 1
    for piece in pieces(directory, entry, first=wanted):
        found.append(piece[:left])
        left -= len(piece)
        if left <= 0:
            break
    return b"".join(found)[:limit]


def pieces(
    directory: Directory, entry: Entry, source: Source | None = None, first: int = _PACKED_PIECE
) -> Iterator[bytes]:
    """All of a member in pieces of bounded size; whoever goes on to the end learns of a wrong sum.

    `source`: read from it instead, with its allowance. `first`: packed bytes of the first read.
    """
    if entry.encrypted:
        raise Damage(f"{entry.name[:80]} has a password")
    if entry.method not in POSSIBLE:
        raise Damage("it is compressed in a way that documents do not use")
    size, total = 0, 0
    for piece in _unpacked(_packed(source or directory.source, entry, first), entry.method):
        size += len(piece)
        total = zlib.crc32(piece, total)
        if size > entry.size + _LITTLE:
            raise Bomb("it states wrong sizes for its files")
        yield piece
    if size != entry.size or total != entry.crc:
        raise Damage(f"{entry.name[:80]} in it is damaged")


def _packed(source: Source, entry: Entry, first: int) -> Iterator[bytes]:
    left = entry.packed
    both = source.at(entry.offset, _LOCAL.size + _USUAL_NAME + min(first, left))
    if len(both) < _LOCAL.size:
        raise Damage("it ends too early")
    if not both.startswith(b"PK\x03\x04"):
        raise Damage("a file in it is in the wrong place")
    fields = _LOCAL.unpack_from(both)
    start = _LOCAL.size + fields[9] + fields[10]
    place = entry.offset + start
    piece = both[start : start + left]
    while True:
        yield piece
        left -= len(piece)
        place += len(piece)
        if left <= 0:
            return
        piece = source.exactly(place, min(left, _PACKED_PIECE))


def _unpacked(packed: Iterator[bytes], method: int) -> Iterator[bytes]:
    if method == STORED:
        yield from packed
    elif method == DEFLATED:
        yield from _inflated(packed)
    else:
        yield from _rarely_packed(packed, method)


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in packed:
            left = piece
            while left and not unpacker.eof:
                yield unpacker.decompress(left, _PIECE)
                left = unpacker.unconsumed_tail
            if unpacker.eof:
                return
        # What was unpacked already but did not fit into the last piece.
        while more := unpacker.decompress(b"", _PIECE):
            yield more
    except zlib.error as error:
        raise Damage("a file in it is damaged") from error


def _rarely_packed(packed: Iterator[bytes], method: int) -> Iterator[bytes]:
    """No document is packed so; archives that hide something in one are."""
    first = next(packed, b"")
    try:
        unpacker, first = _unpacker(first, method)
        for piece in chain((first,), packed):
            yield unpacker.decompress(piece, _PIECE)
            while not unpacker.eof and not unpacker.needs_input:
                yield unpacker.decompress(b"", _PIECE)
            if unpacker.eof:
                return
    except Damage:
        raise
    except (OSError, ValueError, EOFError, MemoryError, _lzma_error()) as error:
        raise Damage("a file in it is damaged") from error


def _lzma_error() -> type[Exception]:
    import lzma  # late: hardly any file needs it

    return lzma.LZMAError


def _unpacker(first: bytes, method: int) -> tuple[Any, bytes]:
    """The unpacker, and what follows its own header."""
    if method == _BZIP2:
        import bz2  # late: hardly any file needs it

        return bz2.BZ2Decompressor(), first
    import lzma  # late: hardly any file needs it

    if len(first) < 9 or first[2:4] != b"\5\0":
        raise Damage("a file in it is damaged")
    how, window = first[4], int.from_bytes(first[5:9], "little")
    if how >= 225 or window > _LARGEST_WINDOW:
        raise Damage("it is compressed in a way that documents do not use")
    rule = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(window, 4096),
        "lc": how % 9,
        "lp": how // 9 % 5,
        "pb": how // 45,
    }
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[rule]), first[9:]
