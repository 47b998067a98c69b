# ruff: noqa: E501 - one row a case reads better than five lines
"""Members of documents: each is whole, none is a program, none defines what grows."""

import gzip
import io
import struct
import zipfile
import zlib

from . import made_media as m
from . import made_ole as o
from . import made_programs as p
from . import made_zips as z
from .case import BOMB, DAMAGED, LOCKED, MISMATCH, PROGRAM, Case, noise

_LAUGHS = (
    "<?xml version='1.0'{how}?>\n<!-- {pad} -->\n<!DOCTYPE a [<!ENTITY e0 'ha'>"
    + "".join(f"<!ENTITY e{n + 1} '{f'&e{n};' * 10}'>" for n in range(9))
    + "]><a>&e9;</a>"
)
_LOOP = b"<!DOCTYPE a [<!ENTITY x '&y;'><!ENTITY y '&x;'>]><a/>"
_LONG_USED_OFTEN = (
    b"<!DOCTYPE a [<!ENTITY x '" + b"x" * 40_000 + b"'>]><a>" + b"&x;" * 1_000 + b"</a>"
)
_ADOBE = b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'svg11.dtd' [<!ENTITY ns_svg 'http://www.w3.org/2000/svg'>]><svg xmlns='&ns_svg;'/>"
_OUTSIDE = b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>"
_XHTML = b"<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.1//EN' 'xhtml11.dtd' [<!ENTITY nbsp '&#160;'>]><html/>"
_LARGE = noise(400_000)


def _laughs(encoding: str = "utf-8", pad: int = 1, how: str = "") -> bytes:
    return _LAUGHS.format(how=how, pad="x" * pad).encode(encoding)


def _laughing_drawing() -> bytes:
    return _laughs().replace(b"DOCTYPE a", b"DOCTYPE svg").replace(b"a>", b"svg>")


def wrong_sum(content: bytes, name: str) -> bytes:
    """One byte of the sum of this member is another one, in both places."""
    raw = name.encode()
    row = content.rfind(b"PK\x01\x02", 0, content.rfind(raw))
    return content[: row + 16] + bytes([content[row + 16] ^ 1]) + content[row + 17 :]


def changed(content: bytes, name: str) -> bytes:
    """One byte in the middle of a member that is stored as it is."""
    place = content.index(b"\0" * 64, content.index(name.encode()))
    return content[: place + 9] + b"\1" + content[place + 10 :]


def packed_by(method: int, extra: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in z.office_parts("docx").items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
        for name, content in extra.items():
            archive.writestr(name, content, method)
    return target.getvalue()


class _Pipe(io.RawIOBase):
    """Cannot be wound back: sizes and sums then follow behind the members."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        self.content += bytes(content)  # type: ignore[call-overload]
        return len(content)  # type: ignore[arg-type]


def streamed(extra: dict[str, bytes]) -> bytes:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (z.office_parts("docx") | extra).items():
            archive.writestr(name, content)
    return pipe.content


def dragged_in(label: str, content: bytes) -> bytes:
    """A package of Windows with the file in it."""
    names = label.encode() + b"\0C:\\a\\" + label.encode() + b"\0"
    path = b"C:\\t\\" + label.encode() + b"\0"
    inner = struct.pack("<H", 2) + names + struct.pack("<HHI", 0, 3, len(path)) + path
    inner += struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(inner)) + inner


def slides_with(content: bytes) -> bytes:
    """A presentation of 97 whose one embedded object is packed."""
    packed = struct.pack("<I", len(content)) + zlib.compress(content)
    record = struct.pack("<HHI", 0x10, 0x1011, len(packed)) + packed
    start = struct.pack("<HHI", 0xF, 0x3E8, 8) + bytes(8)
    return o.compound_file({"PowerPoint Document": (start + record).ljust(5_000, b"\0")})


_OBJECT = {"\x01Ole10Native": dragged_in("notes.txt", p.windows_program())}

MEMBERS = [
    # Sums
    Case("sum of a picture.docx", lambda: wrong_sum(z.office("docx", {"word/media/a.png": m.png()}), "word/media/a.png"), "docx", DAMAGED),
    Case("sum of a large part.pptx", lambda: wrong_sum(z.office("pptx", {"ppt/media/a.bin": _LARGE}), "ppt/media/a.bin"), "pptx", DAMAGED),
    Case("sum of a picture.odt", lambda: wrong_sum(z.open_document("text", {"Pictures/a.png": m.png()}), "Pictures/a.png"), "odt", DAMAGED),
    Case("sum of a page.epub", lambda: wrong_sum(z.book(), "OEBPS/one.xhtml"), "epub", DAMAGED),
    Case("sum of many.xlsx", lambda: wrong_sum(z.office("xlsx", {f"xl/worksheets/sheet{n}.xml": z.BODY for n in range(400)}), "xl/worksheets/sheet377.xml"), "xlsx", DAMAGED),
    Case("changed byte.docx", lambda: changed(packed_by(0, {"word/media/a.bin": bytes(9_000)}), "word/media/a.bin"), "docx", DAMAGED),
    Case("sums behind.docx", lambda: streamed({"word/media/a.png": m.png()}), "docx", None),
    Case("sums behind wrong.docx", lambda: wrong_sum(streamed({"word/media/a.png": m.png()}), "word/media/a.png"), "docx", DAMAGED),
    # Programs
    Case("anywhere.docx", lambda: z.office("docx", {"customXml/item9.dat": p.windows_program()}), "docx", PROGRAM),
    Case("in a book.epub", lambda: z.book({"OEBPS/cover.jpg": p.linux_program()}), "epub", PROGRAM),
    Case("in a text.odt", lambda: z.open_document("text", {"Pictures/a.png": p.windows_program()}), "odt", PROGRAM),
    Case("packed by bzip2.docx", lambda: packed_by(12, {"word/media/a.png": p.windows_program()}), "docx", PROGRAM),
    Case("packed by lzma.docx", lambda: packed_by(14, {"word/media/a.png": p.windows_program()}), "docx", PROGRAM),
    Case("unusually packed.docx", lambda: packed_by(14, {"word/media/a.png": m.png()}), "docx", MISMATCH),
    Case("streamed program.docx", lambda: streamed({"word/media/A.PNG": p.windows_program()}), "docx", PROGRAM),
    Case("object of windows.docx", lambda: z.office("docx", {"word/embeddings/oleObject1.bin": o.compound_file(_OBJECT)}), "docx", PROGRAM),
    Case("object elsewhere.docx", lambda: z.office("docx", {"word/media/image1.emf": o.compound_file(_OBJECT)}), "docx", PROGRAM),
    Case("dragged in large.docx", lambda: z.office("docx", {"word/embeddings/oleObject1.bin": o.compound_file({"\x01Ole10Native": dragged_in("a.txt", p.windows_program() + bytes(4 << 20))})}), "docx", PROGRAM),
    Case("harmless object.docx", lambda: z.office("docx", {"word/embeddings/oleObject1.bin": o.compound_file({"\x01Ole10Native": dragged_in("a.txt", b"Only text.")})}), "docx", None),
    Case("object of windows.doc", lambda: o.word(extra={"ObjectPool/_1/\x01Ole10Native": dragged_in("notes.txt", p.windows_program())}), "doc", PROGRAM),
    Case("stream of a program.doc", lambda: o.word(extra={"ObjectPool/_1/CONTENTS": p.linux_program()}), "doc", PROGRAM),
    Case("archive in an object.doc", lambda: o.word(extra={"ObjectPool/_1/Package": z.zipped({"a/b.png": p.windows_program()})}), "doc", PROGRAM),
    Case("packed object.ppt", lambda: slides_with(o.compound_file(_OBJECT)), "ppt", PROGRAM),
    Case("archive inside.docx", lambda: z.office("docx", {"word/embeddings/a.bin": z.zipped({"b.txt": p.windows_program()})}), "docx", PROGRAM),
    Case("archive in archive.docx", lambda: z.office("docx", {"word/embeddings/a.zip": z.zipped({"b.zip": z.zipped({"c.txt": p.windows_program()})})}), "docx", PROGRAM),
    Case("packed once more.docx", lambda: z.office("docx", {"word/media/a.gz": gzip.compress(p.windows_program(), mtime=0)}), "docx", PROGRAM),
    Case("java inside.xlsx", lambda: z.office("xlsx", {"xl/embeddings/a.bin": z.java_archive()}), "xlsx", PROGRAM),
    Case("rar inside.docx", lambda: z.office("docx", {"word/embeddings/a.bin": b"Rar!\x1a\x07\x01\0" + bytes(range(256))}), "docx", MISMATCH),
    Case("packed drawing inside.docx", lambda: z.office("docx", {"word/media/a.emz": gzip.compress(bytes(900), mtime=0)}), "docx", None),
    # Entities
    Case("laughs.epub", lambda: z.book({"OEBPS/two.xhtml": _laughs()}), "epub", BOMB),
    Case("laughs.odt", lambda: z.open_document("text", {"styles.xml": _laughs()}), "odt", BOMB),
    Case("laughs utf-16.docx", lambda: z.office("docx", {"word/styles.xml": _laughs("utf-16")}), "docx", BOMB),
    Case("laughs utf-16 without mark.docx", lambda: z.office("docx", {"word/styles.xml": _laughs("utf-16-be", how=" encoding='utf-16be'")}), "docx", BOMB),
    Case("laughs ebcdic.docx", lambda: z.office("docx", {"word/styles.xml": _laughs("cp037", how=" encoding='cp037'")}), "docx", BOMB),
    Case("laughs behind.docx", lambda: z.office("docx", {"word/styles.xml": _laughs(pad=200_000)}), "docx", BOMB),
    Case("laughs elsewhere.pptx", lambda: z.office("pptx", {"ppt/drawing.vml": _laughs()}), "pptx", BOMB),
    Case("laughs late.xlsx", lambda: z.office("xlsx", {f"xl/{n}.xml": z.BODY for n in range(300)} | {"xl/zzz.xml": _laughs()}), "xlsx", BOMB),
    Case("loop.epub", lambda: z.book({"OEBPS/two.opf": _LOOP}), "epub", BOMB),
    Case("used often.odt", lambda: z.open_document("text", {"styles.xml": _LONG_USED_OFTEN}), "odt", BOMB),
    Case("laughs.svg", _laughing_drawing, "svg", BOMB),
    Case("laughs packed.svgz", lambda: gzip.compress(_laughing_drawing(), mtime=0), "svgz", BOMB),
    Case("outside.svg", lambda: _OUTSIDE.replace(b"DOCTYPE a", b"DOCTYPE svg"), "svg", MISMATCH),
    Case("names of letters.epub", lambda: z.book({"OEBPS/two.xhtml": _XHTML}), "epub", None),
    Case("by a drawing program.svg", lambda: _ADOBE, "svg", None),
    Case("drawing inside.odg", lambda: z.open_document("graphics", {"Pictures/a.svg": _ADOBE}), "odg", None),
    Case("outside.epub", lambda: z.book({"OEBPS/two.xhtml": _OUTSIDE}), "epub", MISMATCH),
    Case("points outside.odt", lambda: z.open_document("text", {"../a.xml": b"<a/>"}), "odt", MISMATCH),
    Case("points outside.epub", lambda: z.book({"OEBPS\\..\\..\\a.xhtml": b"<a/>"}), "epub", MISMATCH),
    # Locks
    Case("lcp utf-16.epub", lambda: z.book({"META-INF/encryption.xml": "<a><EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#aes256-cbc'/></a>".encode("utf-16")}), "epub", LOCKED),
    Case("locked without mimetype.epub", lambda: z.zipped({"META-INF/container.xml": b"<container/>", "a.opf": b"<package/>", "META-INF/ENCRYPTION.XML": b"<EncryptedKey/>"}), "epub", LOCKED),
]  # fmt: skip
