# ruff: noqa: E501 - one row a case reads better than five lines
"""Pictures, sound and film that are cut, that are random behind their head, and what hides behind."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from functools import partial

from . import made_media as m
from . import made_programs as p
from . import made_zips as z
from .case import DAMAGED, LOCKED, MISMATCH, PROGRAM, Case, noise

_RAR = b"Rar!\x1a\x07\x01\0" + bytes(range(256))
_SEVEN = b"7z\xbc\xaf\x27\x1c\0\4" + bytes(range(200))
_AR = b"!<arch>\nx.txt/          0           0     0     644     4         `\nabcd"
_LONG = noise(90_000).replace(b"P", b"Q").replace(b"7", b"8").replace(b"R", b"S")


def cut(make: Callable[[], bytes], share: float = 0.7) -> bytes:
    whole = make()
    return whole[: int(len(whole) * share)]


def random_rest(make: Callable[[], bytes], kept: int) -> bytes:
    return make()[:kept] + noise(20_000)


def long_gif() -> bytes:
    blocks = b"".join(b"\xff" + noise(255) for _ in range(40))
    start = m.gif()[:19]
    return start + b",\0\0\0\0\x01\0\x01\0\0\x02" + blocks + b"\0;"


def thumbnail_jpeg() -> bytes:
    """A small picture within the notes has an end of its own."""
    notes = b"Exif\0\0" + m.jpg()
    scan = bytes(number % 255 for number in range(30_000)).replace(b"\xff", b"\0")
    start = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes
    return start + m.jpg()[2:-3] + scan + b"\xff\xd9"


def live_webm(count: int = 400) -> bytes:
    """As browsers record it: no length is known."""
    head = m.matroska(b"webm")
    head = head[: head.index(b"\x18\x53\x80\x67")] + b"\x18\x53\x80\x67\x01" + b"\xff" * 7
    block = b"\xa3\x40\x64" + b"\x81\0\0\x80" + bytes(96)
    return (
        head
        + b"\x16\x54\xae\x6b\x80"
        + (b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + b"\xe7\x81\0" + block * 20) * (count // 20)
    )


def pack_stream(count: int = 40) -> bytes:
    pack = b"\0\0\x01\xba\x44\0\x04\0\x04\x01\0\0\x03\xf8"
    return (pack + b"\0\0\x01\xe0\x07\xec" + b"\x80" * 2028) * count


def row_stream(count: int = 400) -> bytes:
    return (
        b"\0\0\x01\xb3\x16\0\xf0\x13\xff\xff\xe0\x18\0\0\x01\xb8\0\x08\0\0"
        + (b"\0\0\x01\0\0\x0f\xff\xf8" + b"\0\0\x01\x01" + b"\x55" * 200) * count
    )


def long_mp3(count: int = 60, *, said: int | None = None) -> bytes:
    frame = b"\xff\xfb\x90\x64" + bytes(413)
    info = frame[:36] + b"Xing\0\0\0\x02" + struct.pack(">I", said or 0)
    return (info.ljust(417, b"\0") if said else frame) + frame * (count - 1)


def pages(count: int = 40) -> bytes:
    page = b"OggS\0\0" + bytes(20) + b"\x04" + b"\xff\xff\xff\x10" + bytes(255 * 3 + 16)
    return page * count


def web_pdf() -> bytes:
    """Made for the web: its first part has an end of its own."""
    first = b"%PDF-1.4\n1 0 obj<</Linearized 1/L 9999/O 3/E 900/N 1/T 900>>endobj\n"
    return first + m.pdf()[9:] + b"% " + b"x" * 9_000


def comment_first(name: bytes) -> bytes:
    """The password is named in a table that is found only by following the others."""
    body = m.pdf()[: m.pdf().index(b"xref\n")]
    filler = b"% " + b"x" * 20_000 + b"\n"
    old = len(body + filler)
    table = b"xref\n0 1\n0000000000 65535 f \ntrailer<</Size 6/Root 1 0 R%s>>\n" % name
    new = len(body + filler + table + filler)
    end = b"xref\n0 1\n0000000000 65535 f \ntrailer<</Size 6/Root 1 0 R/Prev %d>>\n" % old
    return (
        body
        + filler
        + table
        + filler
        + end
        + b"% "
        + b"y" * 9_000
        + b"\nstartxref\n%d\n%%%%EOF\n" % new
    )


def stream_table(lock: bytes) -> bytes:
    """The table is a stream, with its own facts far from both ends of the file."""
    body = m.pdf()[: m.pdf().index(b"xref\n")] + b"% " + b"x" * 20_000 + b"\n"
    table = b"9 0 obj<</Type/XRef/Size 9/W[1 2 1]/Root 1 0 R%s/Length 9000>>stream\n" % lock
    return (
        body
        + table
        + b"\x01" * 9_000
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(body)
    )


def with_attachment(content: bytes, filters: bytes = b"") -> bytes:
    """Many objects lie before it, and it is called nothing."""
    filler = b"".join(b"%d 0 obj<</A 1>>endobj\n" % number for number in range(20, 900))
    part = b"8 0 obj<<%s/Length %d>>stream\r\n%s\nendstream endobj\n" % (
        filters,
        len(content),
        content,
    )
    return m.pdf(stream=b"q Q").replace(b"5 0 obj", filler + part + filler + b"5 0 obj")


def _noted_png() -> bytes:
    """Readers pass over a note whose sum is wrong."""
    return m.png(struct.pack(">I", 4) + b"tEXt" + b"a\0bc" + b"\0\0\0\0")


CUT_MEDIA = [
    # Whole ones
    Case("long.gif", long_gif, "gif", None),
    Case("thumbnail.jpg", thumbnail_jpeg, "jpg", None),
    Case("live.webm", live_webm, "webm", None),
    Case("packs.mpg", pack_stream, "mpeg", None),
    Case("rows.mpg", row_stream, "mpeg", None),
    Case("long.mp3", long_mp3, "mp3", None),
    Case("says its length.mp3", lambda: long_mp3(said=417 * 60), "mp3", None),
    Case("pages.ogg", pages, "ogg", None),
    Case("no last byte.gif", lambda: long_gif()[:-1], "gif", None),
    Case("tagged behind.mp3", lambda: long_mp3() + b"TAG" + bytes(125), "mp3", None),
    Case("zeros behind.flv", lambda: m.flash_video() + bytes(600), "flv", None),
    # Cut ones
    Case("cut.gif", lambda: cut(long_gif), "gif", DAMAGED),
    Case("cut with thumbnail.jpg", lambda: cut(thumbnail_jpeg), "jpg", DAMAGED),
    Case("cut.webm", lambda: cut(partial(m.matroska, b"webm"), 0.9), "webm", DAMAGED),
    Case("cut live.webm", lambda: live_webm()[:-30], "webm", DAMAGED),
    Case("cut packs.mpg", lambda: cut(pack_stream, 0.71), "mpeg", DAMAGED),
    Case("cut.flv", lambda: cut(m.flash_video, 0.6), "flv", DAMAGED),
    Case("cut.wmv", lambda: cut(m.windows_media), "wmv", DAMAGED),
    Case("cut.avi", lambda: cut(m.avi), "avi", DAMAGED),
    Case("cut.bmp", lambda: cut(m.bmp, 0.9), "bmp", DAMAGED),
    Case("cut.tiff", lambda: cut(m.tiff, 0.5), "tiff", DAMAGED),
    Case("cut.flac", lambda: m.flac()[:-45], "flac", DAMAGED),
    Case("cut.ogg", lambda: cut(pages, 0.71), "ogg", DAMAGED),
    Case("cut.mov", lambda: cut(m.old_quicktime, 0.9), "mov", DAMAGED),
    Case("cut frame.mp3", lambda: cut(long_mp3, 0.71), "mp3", MISMATCH),
    Case("says more.mp3", lambda: long_mp3(said=417 * 160), "mp3", MISMATCH),
    Case("cut for the web.pdf", web_pdf, "pdf", DAMAGED),
    # Random behind the head
    *(Case(f"random rest.{ending}", partial(random_rest, make, kept), {"mpg": "mpeg"}.get(ending, ending), DAMAGED) for ending, make, kept in (
        ("gif", long_gif, 40), ("png", m.png, 40), ("jpg", m.jpg, 120), ("webm", live_webm, 60),
        ("mpg", pack_stream, 40), ("flv", m.flash_video, 30), ("mp3", partial(m.mp3, tagged=True), 400),
        ("ogg", pages, 100), ("flac", m.flac, 40), ("wmv", m.windows_media, 32), ("avi", m.avi, 60),
        ("wav", m.wav, 12),
    )),
    Case("wrong sum.png", lambda: m.png().replace(b"IDAT\x78", b"IDAT\x79"), "png", DAMAGED),
    Case("wrong sum of a note.png", _noted_png, "png", None),
    # Archives behind
    *(Case(f"{title} far behind.{ending}", partial(lambda make, archive: make() + bytes(3_000) + archive + _LONG, make, archive), kind, MISMATCH)
      for ending, make, kind in (("png", m.png, "png"), ("jpg", m.jpg, "jpg"), ("gif", m.gif, "gif"), ("webp", m.webp, "webp"), ("bmp", m.bmp, "bmp"))
      for title, archive in (("rar", _RAR), ("seven", _SEVEN), ("ar", _AR), ("zip", z.zipped({"a.txt": b"hidden"})), ("xz", lzma.compress(b"a" * 99)), ("bzip", bz2.compress(b"a" * 99)))),
    Case("picture behind.jpg", lambda: m.jpg() + m.jpg() + _LONG, "jpg", None),
    Case("rar behind.pdf", lambda: m.pdf(after=_RAR), "pdf", MISMATCH),
    # PDF
    Case("old table locked.pdf", lambda: comment_first(b"/Encrypt 5 0 R"), "pdf", LOCKED),
    Case("spelled otherwise.pdf", lambda: comment_first(b"/Encr#79pt%c\n5 0 R"), "pdf", LOCKED),
    Case("old table.pdf", lambda: comment_first(b""), "pdf", None),
    Case("table in a stream locked.pdf", lambda: stream_table(b"/Encrypt 5 0 R"), "pdf", LOCKED),
    Case("table in a stream.pdf", lambda: stream_table(b""), "pdf", None),
    Case("lost table locked.pdf", lambda: comment_first(b"/Encrypt 5 0 R").replace(b"startxref\n", b"startxref\n9"), "pdf", LOCKED),
    Case("odd header.pdf", lambda: m.pdf().replace(b"%PDF-1.7", b"%PDF-a.b"), "pdf", None),
    Case("program attached.pdf", lambda: with_attachment(p.windows_program()), "pdf", PROGRAM),
    Case("program attached packed.pdf", lambda: with_attachment(zlib.compress(p.linux_program()), b"/Filter/FlateDecode"), "pdf", PROGRAM),
    Case("program attached in hex.pdf", lambda: with_attachment(p.windows_program().hex().encode() + b">", b"/Filter[/ASCIIHexDecode]"), "pdf", PROGRAM),
    Case("archive attached.pdf", lambda: with_attachment(zlib.compress(z.zipped({"a.txt": p.windows_program()})), b"/Filter[/FlateDecode]"), "pdf", PROGRAM),
    Case("document attached.pdf", lambda: with_attachment(zlib.compress(z.office("docx")), b"/Filter[/FlateDecode]"), "pdf", None),
]  # fmt: skip
