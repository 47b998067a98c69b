"""Zip containers: documents by zipfile, wrong ones byte by byte."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterable

_OFFICE = "application/vnd.openxmlformats-officedocument."
_MS = "application/vnd.ms-"
MAIN = {
    "docx": ("word/document.xml", _OFFICE + "wordprocessingml.document.main+xml"),
    "xlsx": ("xl/workbook.xml", _OFFICE + "spreadsheetml.sheet.main+xml"),
    "pptx": ("ppt/presentation.xml", _OFFICE + "presentationml.presentation.main+xml"),
    "docm": ("word/document.xml", _MS + "word.document.macroEnabled.main+xml"),
    "xlsm": ("xl/workbook.xml", _MS + "excel.sheet.macroEnabled.main+xml"),
    "pptm": ("ppt/presentation.xml", _MS + "powerpoint.presentation.macroEnabled.main+xml"),
    "xlsb": ("xl/workbook.bin", _MS + "excel.sheet.binary.macroEnabled.main"),
    "dotx": ("word/document.xml", _OFFICE + "wordprocessingml.template.main+xml"),
}  # fmt: skip
BODY = b"<?xml version='1.0'?>" + b"".join(b"<p n='%d'>%d</p>" % (n, n * n) for n in range(300))


def zipped(members: dict[str, bytes], *, stored: Iterable[str] = ()) -> bytes:
    target = io.BytesIO()
    plain = set(stored)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            how = zipfile.ZIP_STORED if name in plain else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return target.getvalue()


def office_parts(kind: str) -> dict[str, bytes]:
    part, content_type = MAIN[kind]
    types = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/{part}" ContentType="{content_type}"/></Types>'
    )
    return {"[Content_Types].xml": types.encode(), "_rels/.rels": b"<Relationships/>", part: BODY}


def office(kind: str, extra: dict[str, bytes] | None = None) -> bytes:
    return zipped(office_parts(kind) | (extra or {}))


def open_document(kind: str, extra: dict[str, bytes] | None = None) -> bytes:
    said = f"application/vnd.oasis.opendocument.{kind}".encode()
    manifest = {"META-INF/manifest.xml": b"<manifest:manifest/>", "content.xml": BODY}
    return zipped({"mimetype": said, **manifest, **(extra or {})}, stored=["mimetype"])


def book(extra: dict[str, bytes] | None = None) -> bytes:
    parts = {"META-INF/container.xml": b"<container/>", "OEBPS/content.opf": b"<package/>"}
    parts |= {"OEBPS/one.xhtml": BODY}
    return zipped(
        {"mimetype": b"application/epub+zip", **parts, **(extra or {})}, stored=["mimetype"]
    )


def java_archive() -> bytes:
    return zipped(
        {
            "META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n",
            "A.class": b"\xca\xfe\xba\xbe\0\0\0=",
        }
    )


def android_package() -> bytes:
    return zipped(
        {
            "AndroidManifest.xml": b"\x03\0\x08\0",
            "classes.dex": b"dex\n035\0",
            "resources.arsc": b"\2",
        }
    )


def record(name: str, packed: bytes, size: int, crc: int, method: int = 8) -> tuple[bytes, bytes]:
    """A local part, and its directory row up to the offset."""
    raw = name.encode()
    facts = struct.pack("<HHHHHIII", 20, 0, method, 0, 33, crc, len(packed), size)
    local = b"PK\x03\x04" + facts + struct.pack("<HH", len(raw), 0) + raw + packed
    row = b"PK\x01\x02\x14\0" + facts + struct.pack("<HHHHHI", len(raw), 0, 0, 0, 0, 0)
    return local, row


def handmade(
    members: Iterable[tuple[str, bytes, int, int]],
    *,
    offsets: list[int] | None = None,
    before: bytes = b"",
) -> bytes:
    """Members as (name, packed, claimed size, crc); `offsets` replaces what is true."""
    body, rows, count = bytearray(before), bytearray(), 0
    for count, (name, packed, size, crc) in enumerate(members, 1):
        local, row = record(name, packed, size, crc)
        where = offsets[count - 1] if offsets else len(body)
        rows += row + struct.pack("<I", where) + name.encode()
        body += local
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(rows), len(body), 0
    )
    return bytes(body + rows) + end


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def honest(name: str, content: bytes) -> tuple[str, bytes, int, int]:
    return name, deflated(content), len(content), zlib.crc32(content)


def docx_with(*members: tuple[str, bytes, int, int]) -> bytes:
    parts = [honest(name, content) for name, content in office_parts("docx").items()]
    return handmade([*parts, *members])


def zeros(count: int) -> bytes:
    """Deflated zeros without ever having them in memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(count >> 20)) + packer.flush()


def flat_bomb() -> bytes:
    size = 64 << 20
    return docx_with(("word/media/a.bmp", zeros(size), size, 0))


def declared_bomb() -> bytes:
    """Two gibibytes by what the directory says."""
    return docx_with(*((f"word/media/{n}.bmp", b"\x03\0", 1 << 28, 0) for n in range(8)))


def overlapping_bomb() -> bytes:
    """Fifty files that are all the same bytes; no ratio gives them away."""
    noise = random.Random(2).randbytes(100_000)
    members = [honest(n, c) for n, c in office_parts("docx").items()]
    bomb = [(f"word/media/{n}.bmp", noise, len(noise), 0) for n in range(50)]
    place = handmade([*members, bomb[0]]).rindex(b"PK\x03\x04")
    sizes = [30 + len(n) + len(p) for n, p, _, _ in members]
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    return handmade([*members, *bomb], offsets=[*starts, *([place] * 50)])


def lying_bomb() -> bytes:
    """Claims 100 bytes and unpacks to a mebibyte."""
    return docx_with(("word/media/a.bmp", zeros(1 << 20), 100, 0))


def lying_packed_bomb() -> bytes:
    """Claims less than it is packed to."""
    return docx_with(("word/media/a.bmp", zeros(32 << 20), 1000, 0))


def nested_bomb(depth: int = 6) -> bytes:
    inner = office("docx")
    for _ in range(depth):
        inner = office("docx", {"word/embeddings/a.docx": inner})
    return inner


def nested_sum_bomb() -> bytes:
    """Harmless outside; what is embedded adds up to 1.5 gibibytes."""
    noise = random.Random(1).randbytes(1_800_000)
    inner = docx_with(("word/media/a.bmp", noise, 300 << 20, 0))
    return office("docx", {f"word/embeddings/{n}.docx": inner for n in range(5)})


def many_entries(count: int) -> bytes:
    empty = ((f"a{n:06}", b"\x03\0", 0, 0) for n in range(count))
    return handmade(empty)


def zip64(kind: str = "docx", *, before: bytes = b"", broken: bool = False) -> bytes:
    """A document whose every number stands in the large fields, as streaming writers do it."""
    body, rows = bytearray(before), bytearray()
    parts = office_parts(kind)
    for name, content in parts.items():
        member = honest(name, content)
        local, row = record(name, member[1], len(content), member[3])
        large = struct.pack("<HHQQQ", 1, 24, len(content), len(member[1]), len(body) - len(before))
        # A field of another kind stands in front of it.
        extra = struct.pack("<HHB", 0x5455, 1, 0) + large
        row = row[:20] + b"\xff" * 8 + row[28:30] + struct.pack("<H", len(extra)) + row[32:]
        rows += row + b"\xff" * 4 + name.encode() + extra
        body += local
    place = len(body) + len(rows)
    count, start = len(parts), len(body) - len(before)
    end = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(rows), start)
    if broken:
        end = bytes(len(end))
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, place, 1)
    old = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(body + rows) + end + locator + old


def locked_member() -> bytes:
    """A document with one part under a zip password."""
    whole = bytearray(office("docx"))
    row = whole.rindex(b"PK\x01\x02")
    whole[row + 8] |= 1
    return bytes(whole)
