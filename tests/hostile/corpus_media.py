# ruff: noqa: E501 - one row a case reads better than five lines
"""PDF, pictures, sound, film and archives."""

import bz2
import gzip
import lzma
from functools import partial

from . import made_media as m
from . import made_zips as z
from .case import ARCHIVE, DAMAGED, LOCKED, MACROS, MISMATCH, Case, of, sample

PDF = [
    Case("true.pdf", m.pdf, "pdf", None),
    Case("password.pdf", partial(m.pdf, encrypted=True), "pdf", LOCKED),
    Case("junk before.pdf", partial(m.pdf, before=b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\n"), "pdf", None),
    Case("junk of 1,000 bytes.pdf", partial(m.pdf, before=b"\n" * 1000), "pdf", None),
    Case("junk behind.pdf", partial(m.pdf, after=b"<!-- gateway -->" * 1000), "pdf", None),
    Case("truncated.pdf", lambda: sample("report.pdf")[:3000], "pdf", DAMAGED),
    Case("header only.pdf", of(b"%PDF-1.7\n"), "pdf", DAMAGED),
    Case("pdf.txt", m.pdf, "pdf", MISMATCH),
    Case("pdf.docx", m.pdf, "pdf", MISMATCH),
    Case("zip behind.pdf", lambda: m.pdf(after=z.zipped({"a.txt": b"hello"})), "pdf", MISMATCH),
    Case("text about.txt", of(b"A PDF begins with %PDF-1.7, a zip with PK.\n" * 9), "text", None),
    Case("text about.pdf", of(b"A PDF begins with %PDF-1.7, a zip with PK.\n" * 9), "text", MISMATCH),
    Case("encrypt in text.pdf", partial(m.pdf, stream=b"(/Encrypt is a word)"), "pdf", None),
    Case("postscript.pdf", of(b"%!PS-Adobe-3.0\n%%EOF\n"), "postscript", MISMATCH),
]  # fmt: skip


MEDIA = [
    *(Case(f"true.{ending}", make, kind, None) for ending, make, kind in (
        ("png", m.png, "png"), ("jpg", m.jpg, "jpg"), ("jpeg", m.jpg, "jpg"), ("gif", m.gif, "gif"),
        ("webp", m.webp, "webp"), ("bmp", m.bmp, "bmp"), ("tiff", m.tiff, "tiff"), ("ico", m.icon, "ico"),
        ("svg", m.drawing, "svg"), ("svgz", m.compressed_drawing, "svgz"), ("mobi", m.mobi, "mobi"),
        ("wav", m.wav, "wav"), ("avi", m.avi, "avi"), ("webm", partial(m.matroska, b"webm"), "webm"),
        ("mpg", m.mpeg, "mpeg"), ("mpeg", m.transport_stream, "mpegts"), ("wmv", m.windows_media, "wmv"),
        ("flv", m.flash_video, "flv"), ("mp3", m.mp3, "mp3"), ("aac", m.aac, "aac"), ("flac", m.flac, "flac"),
        ("ogg", m.ogg, "ogg"), ("mid", m.midi, "midi"), ("amr", m.amr, "amr"), ("aiff", m.aiff, "aiff"),
        ("mp4", partial(m.film, b"isom", b"mp41"), "mp4"), ("mov", partial(m.film, b"qt  "), "mov"),
        ("3gpp", partial(m.film, b"3gp5"), "3gp"), ("m4a", partial(m.film, b"M4A "), "m4a"),
        ("heic", partial(m.film, b"heic", index=b"meta"), "heic"), ("avif", partial(m.film, b"avif", index=b"meta"), "avif"),
    )),
    Case("old.mov", m.old_quicktime, "mov", None),
    Case("tagged.mp3", partial(m.mp3, tagged=True), "mp3", None),
    Case("mif1.avif", partial(m.film, b"mif1", b"avif", index=b"meta"), "avif", None),
    Case("mif1.heic", partial(m.film, b"mif1", b"heic", index=b"meta"), "heic", None),
    Case("rare brand.mp4", partial(m.film, b"zzzz", b"isom"), "mp4", None),
    Case("endless.wav", partial(m.wav, 0xFFFFFFFF), "wav", None),
    Case("cut.wav", partial(m.wav, 90_000), "wav", DAMAGED),
    Case("cut.webp", lambda: sample("harbour small.webp")[:5000], "webp", DAMAGED),
    Case("cut.mp4", lambda: m.film(b"isom")[:-40], "mp4", DAMAGED),
    Case("no index.mp4", partial(m.film, b"isom", index=b"free"), "mp4", DAMAGED),
    Case("cut.png", lambda: sample("chart.png")[:9000], "png", DAMAGED),
    Case("picture.png", m.jpg, "jpg", MISMATCH),
    Case("picture.jpg", m.webp, "webp", MISMATCH),
    Case("picture.pdf", m.png, "png", MISMATCH),
    Case("heic.mp4", partial(m.film, b"heic", index=b"meta"), "heic", MISMATCH),
    Case("matroska.webm", partial(m.matroska, b"matroska"), "mkv", MISMATCH),
    Case("film.ts", m.transport_stream, "mpegts", MISMATCH),
    Case("zip behind.png", lambda: m.png() + z.java_archive(), "png", MISMATCH),
    Case("zip behind.gif", lambda: m.gif() + z.office("docx"), "gif", MISMATCH),
    Case("zip behind.jpg", lambda: m.jpg() + z.zipped({"a": b"b"}), "jpg", MISMATCH),
    Case("pdf within.gif", lambda: m.gif() + m.pdf(), "gif", MISMATCH),
    Case("script.svg", partial(m.drawing, script=True), "svg", MACROS),
    Case("handler.svg", of(b"<svg onload='alert(1)'/>"), "svg", MACROS),
    Case("drawing.png", m.drawing, "svg", MISMATCH),
    Case("almost.bmp", of(b"BM is the name of a company.\n"), "text", MISMATCH),
    Case("almost.mp3", of(b"\xff\xfb\x90\x64" + bytes(range(256)) * 3), "unknown", MISMATCH),
    # Controls alone make no text unreadable: it is asked about for its name.
    Case("words.mp3", of(b"\xff\xfb\x90\x64 no second frame \x01\x02\x03"), "text", MISMATCH),
]  # fmt: skip


_GZIP = partial(gzip.compress, b"hello " * 99, mtime=0)
ARCHIVES = [
    *(Case(f"packed.{ending}", make, kind, ARCHIVE) for ending, make, kind in (
        ("zip", partial(z.zipped, {"a.txt": b"hello"}), "zip"), ("gz", _GZIP, "gzip"), ("tar", m.tar, "tar"),
        ("bz2", partial(bz2.compress, b"hello"), "bzip2"), ("xz", partial(lzma.compress, b"hello"), "xz"),
        ("7z", of(b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40)), "7z"), ("rar", of(b"Rar!\x1a\7\1\0" + bytes(40)), "rar"),
        ("cab", of(b"MSCF" + bytes(60)), "cab"), ("zst", of(b"\x28\xb5\x2f\xfd\4\x58" + bytes(40)), "zstd"),
        ("a", of(b"!<arch>\nx.o/" + bytes(60)), "ar"), ("iso", m.disc_image, "iso"),
        ("cpio", of(b"070701" + b"0" * 104 + b"TRAILER!!!\0\0\0\0"), "cpio"), ("lz4", of(b"\x04\x22\x4d\x18\x64" + bytes(40)), "lz4"),
        ("squashfs", of(b"hsqs" + bytes(92)), "squashfs"), ("lzh", of(b"\x20\x10-lh5-" + bytes(40)), "lzh"),
    )),
    Case("packed.pdf", _GZIP, "gzip", ARCHIVE),
    Case("packed.svgz", _GZIP, "gzip", ARCHIVE),
    Case("packed.txt", partial(bz2.compress, b"hello"), "bzip2", ARCHIVE),
    Case("packed.docx", m.tar, "tar", ARCHIVE),
    Case("packed.jpg", of(b"Rar!\x1a\7\0" + bytes(40)), "rar", ARCHIVE),
]  # fmt: skip
