"""Kinds told by a few bytes at a known place: programs first, so that nothing hides one."""

from __future__ import annotations

import struct
from typing import Final

from exai_desktop.core.sniff.look import Source

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

_MAGICS: Final = tuple(magic for magic, _ in _SIGNATURES)

# Java's oldest class file says version 45 where a universal Mach-O says how many it holds.
_OLDEST_CLASS: Final = 45
_MAX_ARCHITECTURES: Final = 32
_WINDOWS_HEADERS: Final = (b"PE\0\0", b"NE", b"LE", b"LX")
_DMG_TRAILER: Final = 512
# Magic numbers of CPython 1.5 to 2.7 and of 3.0 onwards, both with room.
_PYTHON_MAGIC: Final = ((20_121, 62_300), (3_000, 4_200))

# Told by so few letters that a text may begin with them. All of these have other bytes than
# letters soon: where there are none, it is a text.
SHORT_MARKS: Final = frozenset(
    {"swf", "crx", "cpio", "lzh", "ar", "arj", "vhd", "squashfs", "djvu", "flv", "gif"}
    | {"bmp", "mobi", "iso", "mpegts", "midi", "wav", "avi", "webp", "aiff", "mp4", "mov"}
)


def program(source: Source) -> str | None:
    """The program's kind, or None."""
    head = source.head
    if head.startswith(_MAGICS):
        return next(kind for magic, kind in _SIGNATURES if head.startswith(magic))
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


# Sorted by nothing but kinship: no signature is the beginning of another kind's.
_AT_START: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"8BPS\0\x01", "psd"),
    (b"8BPS\0\x02", "psd"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"fLaC\0", "flac"),
    (b"fLaC\x80", "flac"),
    (b"OggS\0", "ogg"),
    (b"#!AMR\n", "amr"),
    (b"#!AMR-WB\n", "amr"),
    (b"MThd\0\0\0\x06", "midi"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c", "wmv"),
    (b"\0\0\x01\xba", "mpeg"),
    (b"\0\0\x01\xb3", "mpeg"),
    (b"\xc5\xd0\xd3\xc6", "postscript"),
    (b"%!PS", "postscript"),
    (b"\x04%!PS", "postscript"),
    (b"{\\rtf", "rtf"),
    (b"AT&TFORM", "djvu"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "onenote"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"!<arch>\n", "ar"),
    (b"070701", "cpio"),
    (b"070707", "cpio"),
    (b"\xc7\x71", "cpio"),
    (b"\x1f\x9d", "compress"),
    (b"\x60\xea", "arj"),
    (b"hsqs", "squashfs"),
    (b"MSWIM\0\0\0", "wim"),
    (b"vhdxfile", "vhd"),
    (b"KDMV", "vhd"),
    (b"QFI\xfb", "vhd"),
)
_ELSEWHERE: Final = (
    (257, b"ustar\0", "tar"),
    (257, b"ustar  \0", "tar"),
    (60, b"BOOKMOBI", "mobi"),
    (60, b"TEXtREAd", "mobi"),
    (2, b"-lh", "lzh"),
)
_ISO_9660: Final = 32_769
_BMP_HEADERS: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_MAX_ICONS: Final = 256


def fixed(source: Source) -> str | None:
    """The kind, or None. Short signatures count only with a header that makes sense."""
    head = source.head
    for magic, kind in _AT_START:
        if head.startswith(magic):
            return kind
    for offset, magic, kind in _ELSEWHERE:
        if head.startswith(magic, offset):
            return kind
    if head.startswith(b"BM") and _is_bitmap(head):
        return "bmp"
    if head.startswith((b"\0\0\x01\0", b"\0\0\x02\0")) and _is_icon(source):
        return "ico"
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    return "iso" if source.at(_ISO_9660, 5) == b"CD001" else None


def _is_bitmap(head: bytes) -> bool:
    return len(head) >= 26 and int.from_bytes(head[14:18], "little") in _BMP_HEADERS


def _is_icon(source: Source) -> bool:
    """One to 256 pictures, the first of which lies within the file."""
    head = source.head
    count = int.from_bytes(head[4:6], "little")
    if not 0 < count <= _MAX_ICONS or len(head) < 22:
        return False
    size = int.from_bytes(head[14:18], "little")
    offset = int.from_bytes(head[18:22], "little")
    return offset >= 6 + 16 * count and size > 0 and offset + size <= source.size
