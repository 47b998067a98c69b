"""What is embedded in an OLE compound file: files dragged into it, objects of other programs."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from exai_desktop.core.sniff.kinds import PROGRAM_ENDINGS
from exai_desktop.core.sniff.look import Damage, Finding, LookEnded, Note, Source
from exai_desktop.core.sniff.ole_directory import MAGIC, STREAM, CompoundFile, OleEntry
from exai_desktop.core.sniff.signatures import SHORT_MARKS, program
from exai_desktop.core.sniff.text import is_plain_text

# Names the program within a container ("a.zip: b.exe"), None for none.
LookInside = Callable[[bytes], str | None]

_READ: Final = 48 * 1024 * 1024
_START: Final = 4 * 1024
_MAX_STREAMS: Final = 1_000
_MAX_PACKAGES: Final = 32
_PACKAGE: Final = "\x01ole10native"
_SLIDES: Final = "powerpoint document"
_CONTAINERS: Final = (MAGIC, b"PK\x03\x04")
_HELD_WHOLE: Final = 16 * 1024 * 1024
_HELD_IN_ALL: Final = 32 * 1024 * 1024
_WINDOWS: Final = re.compile(rb"MZ")
_RECORD: Final = struct.Struct("<HHI")
_OBJECT_OF_SLIDES: Final = 0x1011
_IS_PACKED: Final = 1


def object_findings(file: CompoundFile, inside: LookInside) -> list[Finding]:
    """Programs by the names under which they were dragged in, and by their bytes.

    A file with more in it than can be looked at, or on a slow disk, is no damaged one.
    """
    look = _Look(file.second_look(_READ), inside)
    streams = [entry for entry in file.entries if entry.type == STREAM][:_MAX_STREAMS]
    with suppress(LookEnded):
        for entry in streams:
            found = look.program_in(entry)
            if found is not None:
                return [Finding(Note.PROGRAM_INSIDE, found[:200])]
    return []


class _Look:
    def __init__(self, file: CompoundFile, inside: LookInside) -> None:
        self._file = file
        self._inside = inside
        self._left = _HELD_IN_ALL

    def program_in(self, entry: OleEntry) -> str | None:
        try:
            if entry.name.lower() == _PACKAGE:
                return self._package(entry)
            if entry.name.lower() == _SLIDES:
                return self._slides(entry)
            start = self._file.read(entry, _START)
            if is_program(start):
                return entry.name.strip("\x01\x03")
            if start.startswith(_CONTAINERS):
                return self._container(entry, 0)
        except LookEnded:
            raise
        except Damage:  # a broken object opens nowhere
            pass
        return None

    def _package(self, entry: OleEntry) -> str | None:
        """A length and flags, then the label, the path, and the file that was dragged in."""
        start = self._file.read(entry, _START)
        names = start[6:].split(b"\0", 2)
        for name in names[:2]:
            shown = name.decode("latin-1")
            if shown.rpartition(".")[2].strip().lower() in PROGRAM_ENDINGS:
                return shown
        place = _content_place(start, names)
        if place is None:
            candidates = (start[found.start() :] for found in _WINDOWS.finditer(start))
            return "a program" if any(_is_windows(part) for part in candidates) else None
        if is_program(start[place:]):
            return names[0].decode("latin-1")
        if start.startswith(_CONTAINERS, place):
            return self._container(entry, place)
        return None

    def _container(self, entry: OleEntry, place: int) -> str | None:
        if entry.size > min(self._left, _HELD_WHOLE):
            return None
        self._left -= entry.size
        return self._inside(self._file.read(entry, _HELD_WHOLE)[place:])

    def _slides(self, entry: OleEntry) -> str | None:
        """Slides keep objects in their one stream, as compound files that are packed."""
        content = self._file.read(entry, min(self._left, _HELD_WHOLE))
        self._left -= len(content)
        place, left = 0, _MAX_PACKAGES
        while place + _RECORD.size <= len(content) and left:
            version, number, length = _RECORD.unpack_from(content, place)
            place += _RECORD.size
            if number == _OBJECT_OF_SLIDES:
                left -= 1
                found = self._slide_object(content[place : place + length], version >> 4)
                if found is not None:
                    return found
            place += length
        return None

    def _slide_object(self, content: bytes, how: int) -> str | None:
        if how == _IS_PACKED:
            try:
                limit = max(1, min(self._left, _HELD_WHOLE))
                content = zlib.decompressobj().decompress(content[4:], limit)
            except zlib.error:
                return None
            self._left -= len(content)
        return self._inside(content)


def _content_place(start: bytes, names: list[bytes]) -> int | None:
    if len(names) < 3:
        return None
    place = 6 + len(names[0]) + len(names[1]) + 2 + 4
    place += 4 + int.from_bytes(start[place : place + 4], "little") + 4
    return place if place < len(start) else None


def _is_windows(content: bytes) -> bool:
    return program(Source.of(content)) == "pe"


def is_program(start: bytes) -> bool:
    source = Source.of(start)
    kind = program(source)
    return kind is not None and not (kind in SHORT_MARKS and is_plain_text(source))
