# ruff: noqa: E501 - one row a case reads better than five lines
"""Files that people agree about: what only looks odd is taken or asked, what is locked or cut is told."""

import random
import struct
from functools import partial

from . import made_media as m
from . import made_ole as o
from . import made_programs as p
from . import made_zips as z
from .case import BOMB, DAMAGED, LOCKED, MISMATCH, PROGRAM, Case, of

_PLAIN = b"number,name\n" + b"1,two words\n" * 30
_UTF16 = "城市,人口\r\n" + "1,北京　第一 OK\r\n" * 30
_FONTS = b"<EncryptionMethod Algorithm='http://www.idpf.org/2008/embedding'/>"
_CIPHER = b"<EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#aes256-cbc'/>"
_ENTITIES = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'xxxx'><!ENTITY y '&x;&x;'>]><a>&y;</a>"
_OUTSIDE = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"
_RAR = b"Rar!\x1a\x07\x01\0" + bytes(range(256))
_MANY = 400  # objects: the table of a PDF is then longer than the part that is read at its start


def beginning_like(magic: bytes) -> bytes:
    return magic + b" is what this text begins with.\n" + _PLAIN


def every_188() -> bytes:
    return b"".join(b"G" + b"x" * 186 + b"\n" for _ in range(6))


def locked_mobi() -> bytes:
    """A book of one record, whose text is encrypted by the old scheme."""
    head = m.mobi()[:76] + struct.pack(">H", 1) + struct.pack(">II", 88, 0)
    return head.ljust(88, b"\0") + struct.pack(">HHIHHHH", 2, 0, 100, 1, 4096, 1, 0) + bytes(200)


def bad_sum() -> bytes:
    content = z.office(
        "docx", {"word/settings.xml": b"<w:settings><w:zoom w:percent='100'/></w:settings>"}
    )
    place = content.rfind(b"PK\x01\x02", 0, content.rfind(b"word/settings.xml"))
    return content[: place + 16] + b"\x00\x11\x22\x33" + content[place + 20 :]


def grown() -> bytes:
    """A picture that its writer deflated to one and a half times its size."""
    noise = bytes((number * 7919 >> 3) & 255 for number in range(20_000))
    stored = b"".join(
        bytes([number == 199])
        + struct.pack("<HH", 100, 0xFFFF - 100)
        + noise[number * 100 : number * 100 + 100]
        for number in range(200)
    )
    import zlib

    return z.docx_with(("word/media/a.png", stored, len(noise), zlib.crc32(noise)))


def far_east(number: int) -> bytes:
    start = struct.pack("<HHHHHH", number, 0xC1, 0, 0x411, 0, 0x1000)
    return o.compound_file({"WordDocument": start.ljust(4096, b"\0")})


def stray(picture: bytes) -> bytes:
    """Two bytes between the first and the second segment."""
    end = 4 + int.from_bytes(picture[4:6], "big")
    return picture[:end] + b"\x12\x34" + picture[end:]


def long_table(lock: bytes) -> bytes:
    """The trailer with the lock lies behind a long table at the beginning."""
    table = b"xref\n0 %d\n" % _MANY + b"0000000000 65535 f \n" * _MANY
    start = b"%PDF-1.5\n"
    body = start + table + b"trailer<</Size 9/Root 1 0 R" + lock + b">>\n"
    return (
        body
        + b"1 0 obj<</Type/Catalog>>endobj\n"
        + b"% "
        + b"x" * 9_000
        + b"\nstartxref\n%d\n%%%%EOF\n" % len(start)
    )


AGREED = [
    # Letters that spell a format
    Case("flash.csv", of(beginning_like(b"FWS")), "text", None),
    Case("flash packed.csv", of(beginning_like(b"CWS")), "text", None),
    Case("chrome.log", of(beginning_like(b"Cr24")), "text", None),
    Case("cpio.log", of(beginning_like(b"070701")), "text", None),
    Case("options.md", of(beginning_like(b"- -lh")), "text", None),
    Case("picture.txt", of(beginning_like(b"GIF89a")), "text", None),
    Case("bitmap.txt", of(beginning_like(b"BM")), "text", None),
    Case("disc.txt", of(beginning_like(b"KDMV")), "text", None),
    Case("packets.txt", every_188, "text", None),
    Case("tasks.yml", of(b"#!/usr/bin/env ansible-playbook\n- hosts: all\n"), "text", None),
    Case("rules.conf", of(b"#!/usr/sbin/nft -f\nflush ruleset\n"), "text", None),
    Case("entry.md", p.desktop_entry, "text", None),
    # and those that are the format
    Case("film.csv", p.flash_program, "swf", PROGRAM),
    Case("packets.csv", m.transport_stream, "mpegts", MISMATCH),
    # UTF-16 without a mark
    Case("export le.csv", of(_UTF16.encode("utf-16-le")), "text", None),
    Case("export be.csv", of(_UTF16.encode("utf-16-be")), "text", None),
    # Word of the Far East
    *(Case(f"far east {number:x}.doc", partial(far_east, number), "doc", None) for number in (0xA697, 0xA698, 0xA699)),
    # PDF
    Case("padded.pdf", lambda: m.pdf(after=bytes(70_000)), "pdf", None),
    Case("footer.pdf", lambda: m.pdf(after=b"\nScanned by the mail gateway.\n" * 300), "pdf", None),
    Case("no startxref.pdf", of(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Size 2/Root 1 0 R>>\n%%EOF"), "pdf", None),
    Case("cut.pdf", lambda: m.pdf(stream=b"x" * 5_000)[:4_000], "pdf", DAMAGED),
    Case("with attachment.pdf", lambda: m.pdf(stream=z.office("docx")), "pdf", None),
    Case("with archive behind.pdf", lambda: m.pdf(after=z.office("docx")), "pdf", MISMATCH),
    Case("locked attachments.pdf", lambda: m.pdf(encrypted=True, after=b"").replace(b"/V 2", b"/AuthEvent/EFOpen/V 2"), "pdf", None),
    Case("locked in words.pdf", lambda: m.pdf(encrypted=True, before=b"").replace(b"/V 2", b"/CF<</StdCF<</AuthEvent/DocOpen>>>>/V 2") + b"% /AuthEvent /EFOpen", "pdf", LOCKED),
    Case("long table locked.pdf", lambda: long_table(b"/Encrypt 5 0 R"), "pdf", LOCKED),
    Case("long table.pdf", lambda: long_table(b""), "pdf", None),
    # Film and pictures
    Case("trailer.mp4", lambda: m.film(b"isom", b"mp42") + b"CAMERA01" * 16, "mp4", None),
    Case("cut film.mp4", lambda: m.film(b"isom", b"mp42")[:-200], "mp4", DAMAGED),
    Case("cut.jpg", lambda: m.jpg()[:-2] + b"\x11" * 80_000, "jpg", DAMAGED),
    Case("random.jpg", of(b"\xff\xd8\xff\xe0" + bytes(range(1, 256)) * 20), "jpg", DAMAGED),
    Case("depth map behind.jpg", lambda: m.jpg() + b"\0\1" * 60_000 + b"edof", "jpg", None),
    Case("zeros behind.jpg", lambda: m.jpg() + bytes(70_000), "jpg", None),
    Case("filled.jpg", lambda: m.jpg()[:2] + b"\xff\xff" + m.jpg()[2:], "jpg", None),
    Case("stray bytes.jpg", lambda: stray(m.jpg()), "jpg", None),
    Case("motion.jpg", lambda: m.jpg() + b"\0" * 70_000 + m.film(b"isom", b"mp42"), "jpg", None),
    Case("zip with comment.png", lambda: m.png() + _commented(1_500), "png", MISMATCH),
    Case("rar behind.png", lambda: m.png() + _RAR, "png", MISMATCH),
    Case("rar behind.jpg", lambda: m.jpg() + _RAR, "jpg", MISMATCH),
    Case("seven behind.gif", lambda: m.gif() + b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40), "gif", MISMATCH),
    # Books
    Case("locked.mobi", locked_mobi, "mobi", LOCKED),
    Case("lcp.epub", lambda: z.book({"META-INF/license.lcpl": b"{}", "META-INF/encryption.xml": _CIPHER}), "epub", LOCKED),
    Case("cipher.epub", lambda: z.book({"META-INF/encryption.xml": _CIPHER}), "epub", LOCKED),
    Case("adept.epub", lambda: z.book({"META-INF/rights.xml": b"<rights/>", "META-INF/encryption.xml": _FONTS}), "epub", LOCKED),
    Case("fairplay.epub", lambda: z.book({"META-INF/sinf.xml": b"<sinf/>", "META-INF/encryption.xml": _FONTS}), "epub", LOCKED),
    Case("only rights.epub", lambda: z.book({"META-INF/rights.xml": b"<rights/>"}), "epub", None),
    Case("scrambled fonts.epub", lambda: z.book({"META-INF/encryption.xml": _FONTS}), "epub", None),
    Case("made by jar.epub", lambda: z.book({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n"}), "epub", None),
    # Office documents
    Case("made by jar.docx", lambda: z.office("docx", {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n"}), "docx", None),
    Case("with classes.docx", lambda: z.office("docx", {"META-INF/MANIFEST.MF": b"", "a/B.class": p.java_class()}), "jar", PROGRAM),
    Case("like an address.docx", lambda: z.office("docx", {"customXml/www.example.com": b"<a/>"}), "docx", None),
    Case("dos inside.docx", lambda: z.office("docx", {"customXml/run.com": p.dos_program()}), "docx", PROGRAM),
    Case("named picture.docx", lambda: z.office("docx", {"word/media/image9.png": p.windows_program()}), "docx", PROGRAM),
    Case("named object.xlsx", lambda: z.office("xlsx", {"xl/embeddings/object1.bin": p.linux_program()}), "xlsx", PROGRAM),
    Case("entities.xlsx", lambda: z.office("xlsx", {"xl/sharedStrings.xml": _ENTITIES}), "xlsx", BOMB),
    Case("outside.docx", lambda: z.office("docx", {"word/settings.xml": _OUTSIDE}), "docx", MISMATCH),
    Case("outside utf-16.docx", lambda: z.office("docx", {"word/settings.xml": _OUTSIDE.decode().encode("utf-16")}), "docx", MISMATCH),
    Case("public name.docx", lambda: z.office("docx", {"customXml/a.xml": b"<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd'><html/>"}), "docx", None),
    Case("slash in front.docx", lambda: z.office("docx", {"/word/more.xml": b"<a/>"}), "docx", None),
    Case("large parts.pptx", lambda: z.office("pptx", {f"ppt/embeddings/{n}.xlsx": z.office("xlsx", {"xl/media/a.bin": random.Random(n).randbytes(990_000)}) for n in range(12)}), "pptx", None),
    Case("many slides.pptx", lambda: z.office("pptx", {f"ppt/slides/slide{n}.xml": z.BODY for n in range(900)}), "pptx", None),
    Case("points outside.docx", lambda: z.office("docx", {"../../a.xml": b"<a/>"}), "docx", MISMATCH),
    Case("wrong sum.docx", bad_sum, "docx", DAMAGED),
    Case("grown picture.docx", grown, "docx", None),
    Case("blank pictures.docx", lambda: z.office("docx", {f"word/media/{n}.bmp": b"BM" + bytes(9_000_000) for n in range(4)}), "docx", None),
]  # fmt: skip


def _commented(length: int) -> bytes:
    content = z.zipped({"a.txt": b"hidden"})
    return content[:-2] + struct.pack("<H", length) + b"c" * length
