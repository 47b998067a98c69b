"""Kinds told by a few bytes at a fixed place."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.sniff.source import Source

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
