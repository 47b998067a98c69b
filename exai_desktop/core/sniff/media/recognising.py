"""Kinds told by how they are built, and the walk of each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exai_desktop.core.sniff.look import Content, Finding, Note, Source
from exai_desktop.core.sniff.media import film, pictures, sound
from exai_desktop.core.sniff.media.boxes import CUT, OLD_QUICKTIME, base_media, old_quicktime
from exai_desktop.core.sniff.media.matroska import matroska
from exai_desktop.core.sniff.media.tiff import tiff
from exai_desktop.core.sniff.media.walking import Walked, walked

_RIFF: Final = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}
_PACKET: Final = 188
_WALKS: Final[dict[str, Callable[[Source], Walked]]] = {
    "png": pictures.png,
    "jpg": pictures.jpeg,
    "gif": pictures.gif,
    "bmp": pictures.bmp,
    "webp": pictures.webp,
    "tiff": tiff,
    "wav": sound.wav,
    "flac": sound.flac,
    "ogg": sound.ogg,
    "avi": film.avi,
    "flv": film.flash_video,
    "mpeg": film.program_stream,
    "mpegts": film.transport_stream,
    "wmv": film.windows_media,
}


def walk(source: Source, kind: str) -> Walked:
    """What is wrong with a file of this kind as a whole, and where it ends."""
    known = _WALKS.get(kind)
    return walked(source, known) if known else Walked()


def media(source: Source) -> Content | None:
    head = source.head
    if head.startswith((b"RIFF", b"RF64")) and head[8:12] in _RIFF:
        return _riff(source)
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return Content("aiff")
    if head[4:8] == b"ftyp":
        return base_media(source)
    if head[4:8] in OLD_QUICKTIME:
        return old_quicktime(source)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return matroska(source)
    if head[:1] == b"\x47" and head[_PACKET : _PACKET + 1] == head[376:377] == b"\x47":
        return Content("mpegts", walk(source, "mpegts").findings)
    return sound.sound(source)


def _riff(source: Source) -> Content:
    head = source.head
    kind, said = _RIFF[head[8:12]], int.from_bytes(head[4:8], "little")
    is_cut = head[:4] == b"RIFF" and not sound.is_open(said) and said + 8 > source.size + 1
    if is_cut:
        return Content(kind, (Finding(Note.DAMAGED, CUT),))
    # Of the large kind the lengths stand elsewhere.
    return Content(kind, walk(source, kind).findings if head[:4] == b"RIFF" else ())
