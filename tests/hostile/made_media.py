"""Pictures, sound, film, books and PDF, as small as their readers allow."""

import gzip
import struct
import zlib


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(range(8)) for _ in range(8)))
    chunks = _chunk(b"IHDR", header) + extra + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def jpg() -> bytes:
    start = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    table = b"\xff\xdb\0\x43\0" + bytes(range(1, 65))
    frame = b"\xff\xc0\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0"
    codes = b"\xff\xc4\0\x14\0\x01" + bytes(15) + b"\x05"
    return start + table + frame + codes + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x7f\xff\xd9"


def gif() -> bytes:
    screen = struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return b"GIF89a" + screen + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def bmp() -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 24, 0, 16, 2835, 2835, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 70, 0, 0, 54) + info + bytes(16)


def tiff() -> bytes:
    tags = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 122), (278, 1), (279, 1))
    rows = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + rows + bytes(40)


def icon() -> bytes:
    picture = png()
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 8, 8, 0, 0, 1, 32, len(picture), 22) + picture


def riff(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    said = len(content) + 4 if length is None else length
    return b"RIFF" + struct.pack("<I", said) + kind + content


def wav(length: int | None = None) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    return riff(b"WAVE", form + b"data" + struct.pack("<I", 800) + b"\x80" * 800, length)


def webp() -> bytes:
    return riff(
        b"WEBP",
        b"VP8L" + struct.pack("<I", 14) + bytes.fromhex("2f00000000071011fd0f44") + bytes(3),
    )


def avi() -> bytes:
    header = b"avih" + struct.pack("<I", 56) + bytes(56)
    pictures = b"LIST" + struct.pack("<I", 76) + b"movi00dc" + struct.pack("<I", 64) + bytes(64)
    start = b"LIST" + struct.pack("<I", len(header) + 4) + b"hdrl"
    return riff(b"AVI ", start + header + pictures)


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def film(brand: bytes, *compatible: bytes, index: bytes = b"moov") -> bytes:
    kind = box(b"ftyp", brand + struct.pack(">I", 512) + b"".join(compatible))
    return kind + box(index, box(b"mvhd", bytes(100))) + box(b"mdat", bytes(range(256)) * 4)


def old_quicktime() -> bytes:
    return box(b"moov", box(b"mvhd", bytes(100))) + box(b"mdat", bytes(600))


def matroska(document: bytes) -> bytes:
    fields = b"\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82" + bytes([0x80 | len(document)]) + document
    return (
        b"\x1a\x45\xdf\xa3"
        + bytes([0x80 | len(fields)])
        + fields
        + b"\x18\x53\x80\x67\xa0"
        + b"\x16\x54\xae\x6b\x80"
        + b"\x1f\x43\xb6\x75\x96\xe7\x81\0\xa3\x91"
        + bytes(17)
    )


def mpeg() -> bytes:
    return (
        b"\0\0\x01\xba\x44\0\x04\0\x04\x01\0\0\x03\xf8\0\0\x01\xbb\0\x0c"
        + bytes(200)
        + b"\0\0\x01\xb9"
    )


def transport_stream() -> bytes:
    return (b"\x47\x40\0\x10" + b"\xff" * 184) * 8


def windows_media() -> bytes:
    head = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIH", 30, 1, 0x201)
    data = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c") + struct.pack("<Q", 324)
    return head + data + bytes(300)


def flash_video() -> bytes:
    tag = b"\x09\0\0\x10" + bytes(7 + 16) + struct.pack(">I", 27)
    return b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + 3 * tag


def mp3(*, tagged: bool = False) -> bytes:
    frame = b"\xff\xfb\x90\x64" + bytes(413)
    tag = b"ID3\x03\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0" if tagged else b""
    return tag + frame * 4


def aac() -> bytes:
    length = 200
    header = bytes(
        [0xFF, 0xF1, 0x50, 0x80 | length >> 11, length >> 3 & 255, (length & 7) << 5 | 31, 0xFC]
    )
    return (header + bytes(length - 7)) * 4


def flac() -> bytes:
    facts = struct.pack(">HH", 4096, 4096) + bytes(9) + struct.pack(">BI", 0, 8192) + bytes(16)
    frames = b"".join(b"\xff\xf8\xc9\x18" + bytes([number]) + bytes(40) for number in range(2))
    return b"fLaC\x80\0\0\x22" + facts + frames


def ogg() -> bytes:
    return b"OggS\0\x02" + bytes(20) + b"\x01\x1e\x01vorbis" + bytes(30)


def midi() -> bytes:
    return b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0"


def amr() -> bytes:
    return b"#!AMR\n" + b"\x3c" + bytes(31)


def aiff() -> bytes:
    return (
        b"FORM"
        + struct.pack(">I", 46)
        + b"AIFFCOMM"
        + struct.pack(">IHIH", 18, 1, 0, 8)
        + bytes(30)
    )


def mobi() -> bytes:
    names = b"A_Book".ljust(32, b"\0") + bytes(28)
    return (
        names + b"BOOKMOBI" + struct.pack(">IIH", 4, 0, 1) + struct.pack(">II", 96, 0) + bytes(300)
    )


def pdf(
    *, encrypted: bool = False, before: bytes = b"", after: bytes = b"", stream: bytes = b""
) -> bytes:
    """One empty page with a true table of offsets."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Filter/Standard/V 2/R 3/Length 128/P -1340/O(%s)/U(%s)>>" % (b"o" * 32, b"u" * 32),
    ]
    body, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    lock = b"/Encrypt 5 0 R/ID[(a)(a)]" if encrypted else b""
    trailer = b"trailer<</Size 6/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (lock, len(body))
    return before + body + table + trailer + after


def drawing(script: bool = False) -> bytes:
    active = b"<script>alert(1)</script>" if script else b""
    head = (
        b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg" width="9">'
    )
    return head + active + b"<rect/></svg>\n"


def compressed_drawing() -> bytes:
    return gzip.compress(drawing(), mtime=0)


def tar() -> bytes:
    header = (
        b"a.txt".ljust(100, b"\0")
        + b"0000644\0"
        + b"0000000\0" * 2
        + b"00000000002\0"
        + b"0" * 11
        + b"\0"
    )
    header += b" " * 8 + b"0" + bytes(100) + b"ustar\x0000"
    header = header.ljust(512, b"\0")
    header = header[:148] + b"%06o\0 " % sum(header) + header[156:]
    return header + b"hi".ljust(512, b"\0") + bytes(1024)


def disc_image() -> bytes:
    return (
        bytes(32_768)
        + b"\x01CD001\x01\0LINUX".ljust(2048, b" ")
        + b"\xffCD001\x01".ljust(2048, b"\0")
    )
