"""Programs by content, whatever they are called. Asked first: nothing may hide one."""

from __future__ import annotations

import struct
from typing import Final

from exai_desktop.core.sniff.source import Source

_SIGNATURES: Final = (
    (b"\x7fELF", "elf"),
    (b"\0asm", "wasm"),
    (b"dex\n03", "dex"),
    (b"\xfe\xed\xfa\xce", "macho"),
    (b"\xfe\xed\xfa\xcf", "macho"),
    (b"\xce\xfa\xed\xfe", "macho"),
    (b"\xcf\xfa\xed\xfe", "macho"),
    (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "lnk"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"!<arch>\ndebian", "deb"),
    (b"xar!\0\x1c", "pkg"),
    (b"encrcdsa", "dmg"),
    (b"Cr24", "crx"),
    (b"ITSF\x03\0\0\0", "chm"),
    # In two pieces: a virus scanner would find its own test file in this source.
    (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD", "eicar"),
    (b"Windows Registry Editor Version 5", "registry"),
    (b"\xff\xfeW\0i\0n\0d\0o\0w\0s\0 \0R\0e\0g\0i\0s\0t\0r\0y\0 \0E\0", "registry"),
    (b"REGEDIT4\r\n", "registry"),
    (b"[InternetShortcut]", "launcher"),
    (b"[Desktop Entry]", "launcher"),
)

# Java's oldest class file says version 45 where a universal Mach-O says how many it holds.
_OLDEST_CLASS: Final = 45
_MAX_ARCHITECTURES: Final = 32
_WINDOWS_HEADERS: Final = (b"PE\0\0", b"NE", b"LE", b"LX")
_DMG_TRAILER: Final = 512
# Magic numbers of CPython 1.5 to 2.7 and of 3.0 onwards, both with room.
_PYTHON_MAGIC: Final = ((20_121, 62_300), (3_000, 4_200))


def program(source: Source) -> str | None:
    """The program's kind, or None."""
    head = source.head
    for magic, kind in _SIGNATURES:
        if head.startswith(magic):
            return kind
    if head.startswith((b"MZ", b"ZM")):
        return _windows(source)
    if head.startswith((b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")):
        return _universal_or_class(head)
    if head[:1] in (b"F", b"C", b"Z") and head[1:3] == b"WS" and len(head) > 8:
        return _flash(head)
    if head[2:4] == b"\r\n" and len(head) > 16:
        return _python(head)
    return "dmg" if source.at(source.size - _DMG_TRAILER, 4) == b"koly" else None


def _windows(source: Source) -> str | None:
    """A text may begin with MZ too: a program has a new header, or is no text at its start."""
    head = source.head
    if len(head) >= 0x40:
        where = int.from_bytes(head[0x3C:0x40], "little")
        if source.at(where, 4).startswith(_WINDOWS_HEADERS):
            return "pe"
    return "dos" if b"\0" in head[:64] else None


def _universal_or_class(head: bytes) -> str | None:
    if len(head) < 8:
        return None
    count = int.from_bytes(head[4:8], "big")
    if count >= _OLDEST_CLASS:
        # The major version is in the lower half; a minor one of 0xFFFF marks a preview.
        return "class" if count & 0xFFFF >= _OLDEST_CLASS else None
    return "macho" if 0 < count <= _MAX_ARCHITECTURES else None


def _flash(head: bytes) -> str | None:
    version, length = struct.unpack_from("<BI", head, 3)
    return "swf" if 0 < version < 60 and 8 < length < 1 << 30 else None


def _python(head: bytes) -> str | None:
    magic = int.from_bytes(head[:2], "little")
    if not any(first <= magic <= last for first, last in _PYTHON_MAGIC):
        return None
    # Text with Windows line ends may begin with two letters and a line end; code cannot.
    return "pyc" if b"\0" in head[4:32] else None
