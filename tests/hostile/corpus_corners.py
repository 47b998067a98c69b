# ruff: noqa: E501 - one row a case reads better than five lines
"""The rarer turns of the parsers: large fields, chains that break, marks that are nearly right."""

import gzip
import struct
from functools import partial

from . import made_media as m
from . import made_ole as o
from . import made_zips as z
from .case import ARCHIVE, BOMB, DAMAGED, LOCKED, MACROS, MISMATCH, PROGRAM, Case, of


def _changed(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


def _end(content: bytes, place: int, value: bytes) -> bytes:
    """With a value within the end record of a zip changed."""
    return _changed(content, content.rindex(b"PK\x05\x06") + place, value)


def _encoded_types() -> bytes:
    parts = z.office_parts("docx")
    types = parts["[Content_Types].xml"].decode().encode("utf-16")
    return z.zipped(parts | {"[Content_Types].xml": types})


def _single_quotes() -> bytes:
    parts = z.office_parts("xlsx")
    return z.zipped({name: content.replace(b'"', b"'") for name, content in parts.items()})


def _stored_noise(name: str, content: bytes) -> tuple[str, bytes, int, int]:
    return name, content, len(content), 0


# The sector at which the directory of `o.word` stands, and the one behind its table.
_DIRECTORY = 512 + 16 * 512

ZIP_CORNERS = [
    Case("large fields.docx", z.zip64, "docx", None),
    Case("large fields and junk.docx", partial(z.zip64, before=b"PK\x03\x04junk"), "docx", MISMATCH),
    Case("large fields missing.docx", partial(z.zip64, broken=True), "zip", DAMAGED),
    Case("huge directory.docx", lambda: _end(z.office("docx"), 12, b"\xff\xff\xff\x7f"), "zip", BOMB),
    Case("second of two.docx", lambda: _end(z.office("docx"), 4, b"\1\0"), "zip", DAMAGED),
    Case("false end.docx", lambda: z.office("docx") + b"PK\x05\x06" + b"\xff" * 18, "docx", None),
    Case("row beyond the directory.docx", lambda: _changed(z.office("docx"), z.office("docx").rindex(b"PK\x01\x02") + 28, b"\xff\xff"), "zip", DAMAGED),
    Case("large fields left out.docx", lambda: _changed(z.office("docx"), z.office("docx").rindex(b"PK\x01\x02") + 24, b"\xff" * 4), "zip", BOMB),
    Case("large fields cut.docx", lambda: z.zip64().replace(b"\1\0\x18\0", b"\1\0\x07\0"), "zip", BOMB),
    Case("locked part.docx", z.locked_member, "docx", LOCKED),
    Case("locked types.docx", lambda: _changed(z.office("docx"), z.office("docx").index(b"PK\x01\x02") + 8, b"\1\0"), "zip", DAMAGED),
    Case("no local part.docx", lambda: z.office("docx").replace(b"PK\x03\x04", b"PK\x03\x05").replace(b"PK\x03\x05", b"PK\x03\x04", 1), "docx", DAMAGED),
    Case("rare method.docx", lambda: _changed(z.office("docx"), z.office("docx").index(b"PK\x01\x02") + 10, b"\x0c\0"), "zip", DAMAGED),
    Case("utf-16 types.docx", _encoded_types, "docx", None),
    Case("single quotes.xlsx", _single_quotes, "xlsx", None),
    Case("no mimetype.epub", partial(z.zipped, {"META-INF/container.xml": b"<a/>", "a.opf": b"<b/>"}), "epub", None),
    Case("apple.pages", partial(z.zipped, {"Index/Document.iwa": b"\0" * 50}), "iwork", None),
    Case("own mimetype.odt", partial(z.zipped, {"mimetype": b"text/plain", "a": b"b"}), "zip", ARCHIVE),
    Case("addon.docx", partial(z.zipped, {"META-INF/manifest.mf": b"a", "META-INF/mozilla.rsa": b"b"}), "xpi", PROGRAM),
    Case("honest object.docx", lambda: z.office("docx", {"word/embeddings/oleObject1.bin": o.compound_file({"\x01Ole10Native": o.package("notes.txt")})}), "docx", None),
    Case("large object.docx", lambda: z.office("docx", {"word/embeddings/oleObject1.bin": bytes(range(256)) * 9000}), "docx", None),
    Case("no sheet inside.docx", lambda: z.office("docx", {"word/embeddings/a.xlsx": b"not a sheet"}), "docx", None),
    Case("ruin inside.docx", lambda: z.office("docx", {"word/embeddings/a.xlsx": b"PK\x03\x04"}), "docx", None),
    Case("large inside.docx", lambda: z.office("docx", {"word/embeddings/a.xlsx": bytes(range(256)) * 9000}), "docx", None),
]  # fmt: skip

OLE_CORNERS = [
    Case("drawing.vsd", lambda: o.compound_file({"VisioDocument": bytes(5000)}), "vsd", None),
    Case("mail.msg", lambda: o.compound_file({"__properties_version1.0": bytes(50)}), "msg", None),
    Case("honest package.doc", lambda: o.word(0x1200, {"\x01Ole10Native": o.package("notes.txt")}), "doc", None),
    Case("rubbish sheets.xls", lambda: o.compound_file({"Workbook": bytes(5000)}), "xls", DAMAGED),
    Case("endless sheets.xls", lambda: o.compound_file({"Book": struct.pack("<HH", 9, 0) * 20}), "xls", None),
    Case("slides of chance.ppt", lambda: o.compound_file({"PowerPoint Document": b"\x02\0\0\x04\x0c\0\0\0".ljust(5000, b"\0")}), "ppt", None),
    Case("chain to itself.doc", lambda: _changed(o.word(), 48, b"\x11\0\0\0")[: _DIRECTORY + 512] + struct.pack("<128I", *range(128)), "ole", DAMAGED),
    Case("wrong end.doc", lambda: _changed(o.word(), len(o.word()) - 512 + 4 * 16, b"\xfd\xff\xff\xff"), "ole", DAMAGED),
    Case("no root.doc", lambda: _changed(o.word(), _DIRECTORY + 66, b"\2"), "ole", DAMAGED),
    Case("empty directory.doc", lambda: _changed(o.word(), 48, b"\xfe\xff\xff\xff"), "ole", DAMAGED),
    Case("cut table.doc", lambda: o.word()[:-100], "ole", DAMAGED),
    Case("table in a chain.doc", lambda: _changed(_changed(o.word(), 44, b"\x80\0\0\0"), 68, b"\0\0\0\0"), "doc", None),
    Case("small stream nowhere.doc", lambda: _small_stream(b"\x50\0\0\0"), "doc", DAMAGED),
    Case("two small streams.doc", lambda: o.compound_file({"WordDocument": b"\xec\xa5".ljust(99, b"\0"), "\x01Ole10Native": o.package("a.txt")}), "doc", None),
]  # fmt: skip


def _small_stream(start: bytes) -> bytes:
    content = o.compound_file({"WordDocument": b"\xec\xa5".ljust(99, b"\0")})
    row = content.index("WordDocument".encode("utf-16-le"))
    return _changed(content, row + 116, start)


MEDIA_CORNERS = [
    Case("long box.mp4", lambda: m.film(b"isom") + struct.pack(">I4sQ", 1, b"free", 32) + bytes(16), "mp4", None),
    Case("open box.mp4", lambda: m.film(b"isom") + b"\0\0\0\0mdat" + bytes(99), "mp4", None),
    Case("many boxes.mp4", lambda: m.film(b"isom", index=b"free") + m.box(b"free") * 3000, "mp4", None),
    Case("no brand.mp4", partial(m.film, b"zzzz", b"yyyy"), "unknown", MISMATCH),
    Case("absurd brand.mp4", of(b"\0\0\0\x09ftypisom" + bytes(40)), "unknown", MISMATCH),
    Case("no document type.webm", partial(m.matroska, b"other"), "unknown", MISMATCH),
    Case("tagged.flac", lambda: b"ID3\x03\0\0\0\0\0\x00" + m.flac(), "flac", None),
    Case("cut tag.mp3", of(b"ID3\x03\0\0\0\0\x7f\x7fTIT2" + bytes(40)), "mp3", DAMAGED),
    Case("one frame.aac", lambda: m.aac()[:200], "unknown", MISMATCH),
    Case("reserved rate.mp3", of(b"\xff\xfb\xf0\x64" + bytes(900)), "unknown", MISMATCH),
    Case("almost.ico", of(b"\0\0\1\0\xff\xff" + bytes(40)), "unknown", MISMATCH),
    Case("almost class.png", of(b"\xca\xfe\xba\xbe"), "text", MISMATCH),
    Case("almost pyc.txt", of(b"ab\r\nThese are only two letters.\r\n"), "text", None),
    Case("almost magic.txt", of(b"0\x1f\r\nThese are two letters as well.\r\n"), "text", None),
    Case("small junk behind.pdf", lambda: m.pdf(after=bytes(90_000)), "pdf", None),
    Case("script.svgz", lambda: gzip.compress(m.drawing(script=True), mtime=0), "svgz", MACROS),
    Case("ruin.gz", of(b"\x1f\x8b\x08" + b"\xff" * 60), "gzip", ARCHIVE),
    Case("rules.svg", of(b"<!DOCTYPE svg [<!ENTITY a '>'>]><svg><rect/></svg>"), "svg", None),
    Case("type.svg", of(b"<!DOCTYPE svg PUBLIC 'a'><svg:svg/>"), "svg", None),
    Case("endless rules.svg", of(b"<!DOCTYPE svg [<!ENTITY a '>'"), "text", MISMATCH),
    Case("endless type.svg", of(b"<!DOCTYPE svg"), "text", MISMATCH),
    Case("endless comment.txt", of(b"<!-- hello"), "text", None),
    Case("many comments.txt", of(b"<!-- a -->" * 60 + b"<html>"), "text", None),
    Case("only spaces.txt", of(b" \n" * 99), "text", None),
    Case("begins with an odd byte.txt", of(b"\x80 is the sign of the Euro, says Windows.\r\n" + b"Only text.\r\n" * 9), "text", None),
    Case("bad end.txt", of(b"text " * 2000 + "Größe".encode("cp1252")), "text", None),
]  # fmt: skip

CORNERS = [*ZIP_CORNERS, *OLE_CORNERS, *MEDIA_CORNERS]
