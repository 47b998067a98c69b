"""What the members of a document are: whole, programs among them, entities in XML, locks of books.

Every member is unpacked once, in pieces, and nothing of it is kept but its beginning.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from exai_desktop.core.sniff.kinds import PROGRAM_ENDINGS, words
from exai_desktop.core.sniff.look import HEAD, Bomb, Damage, Finding, LookEnded, Note, Source
from exai_desktop.core.sniff.ole_directory import MAGIC as OLE_MAGIC
from exai_desktop.core.sniff.ole_kinds import ole_content
from exai_desktop.core.sniff.signatures import SHORT_MARKS, fixed, program
from exai_desktop.core.sniff.text import encoding_of, is_plain_text, starts_with_shebang
from exai_desktop.core.sniff.xml_rules import (
    HIDDEN,
    PROLOG_LIMIT,
    entity_findings,
    prolog_end,
    xml_text,
)
from exai_desktop.core.sniff.zip_directory import Directory, Entry, read_directory
from exai_desktop.core.sniff.zip_unpacking import POSSIBLE, USUAL, pieces, unpack

_RIGHTS_LIMIT: Final = 512 * 1024
# Of all members together: no document that a provider takes is larger.
_READ: Final = 256 * 1024 * 1024
_UNPACKED: Final = 192 * 1024 * 1024
# What is in a member is looked into up to here.
_HELD_WHOLE: Final = 16 * 1024 * 1024
_HELD_IN_ALL: Final = 32 * 1024 * 1024
_DEEPEST: Final = 2
_IN_ONE: Final = 500
_HELD: Final = ("/media/", "/embeddings/", "pictures/", "object ")
# Members may be called like a web address: these are programs by their bytes only.
_LIKE_ADDRESSES: Final = words("com app so run tool bundle action command website sh fish")
_UNREADABLE: Final = frozenset({"rar", "7z", "cab", "ar", "arj", "iso", "wim", "vhd", "lzh"})
_LOCK_FILES: Final = ("meta-inf/license.lcpl", "meta-inf/rights.xml", "meta-inf/sinf.xml")
_METHOD: Final = re.compile(
    rb"EncryptionMethod\s[^>]{0,200}?Algorithm\s*=\s*[\"\']([^\"\']{1,200})"
)
# Fonts are scrambled by these; the text of the book is not.
_OF_FONTS: Final = frozenset(
    {b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC"}
)


def member_findings(directory: Directory) -> list[Finding]:
    """Programs in a document, what is wrong with its parts, and whether all of them are whole.

    A document with more parts than can be looked at, or on a slow disk, is no damaged one.
    """
    names = [entry.name.replace("\\", "/") for entry in directory.entries]
    is_office = any(name.lower() == "[content_types].xml" for name in names)
    findings: list[Finding] = []
    if any(".." in name.split("/") for name in names):
        findings.append(Finding(Note.POLYGLOT, "a file in it points outside of it"))
    if not USUAL.issuperset(entry.method for entry in directory.entries if entry.packed):
        findings.append(Finding(Note.POLYGLOT, "parts of it are compressed in an unusual way"))
    look = _Look(is_office=is_office, findings=findings)
    with suppress(LookEnded):
        look.through(directory)
    return look.findings


class _Look:
    """One look at all members. Of each thing that is wrong the first is kept."""

    def __init__(self, *, is_office: bool, findings: list[Finding]) -> None:
        self.findings = findings
        self._is_office = is_office
        self._left = _UNPACKED
        self._held = _HELD_IN_ALL

    def through(self, directory: Directory) -> None:
        for entry in directory.entries:
            if _ending(entry) in PROGRAM_ENDINGS - _LIKE_ADDRESSES:
                self._note(Note.PROGRAM_INSIDE, entry.name)
        source = directory.source.second_look(_READ)
        # The small ones first: if there is no time for all, there is for most of them.
        for entry in sorted(directory.entries, key=lambda e: (e.packed, e.offset)):
            if entry.encrypted or entry.method not in POSSIBLE:
                continue
            try:
                self._whole(directory, entry, source)
            except LookEnded:
                raise
            except Bomb as error:
                self._note(Note.BOMB, str(error))
            except Damage as error:
                self._note(Note.DAMAGED, str(error))

    def _whole(self, directory: Directory, entry: Entry, source: Source) -> None:
        """Raises `Damage` for one whose sum is wrong: Office calls such a file damaged."""
        start = b""
        for piece in pieces(directory, entry, source):
            if len(start) < HEAD:
                start += piece[: HEAD - len(start)]
            self._left -= len(piece)
            if self._left < 0:
                raise LookEnded("its parts are too large to be checked")
        if start:
            self._judge(directory, entry, start)

    def _judge(self, directory: Directory, entry: Entry, start: bytes) -> None:
        if _is_plain_xml(start) and _ending(entry) not in PROGRAM_ENDINGS:
            return
        if is_program(entry, start):
            self._note(Note.PROGRAM_INSIDE, entry.name)
            return
        text = xml_text(start)
        if text is not None:
            if len(start) == HEAD and (prolog_end(text) is None or "<!DOCTYPE" in text):
                text = xml_text(unpack(directory, entry, PROLOG_LIMIT)) or text
            # Pages of books need not be XML.
            for finding in entity_findings(text, is_office=self._is_office):
                if finding is not HIDDEN or self._is_office:
                    self._note(finding.note, finding.detail)
        elif start.startswith((OLE_MAGIC, b"PK\x03\x04")):
            self._look_into(directory, entry)
        else:
            self._packed(entry.name, start)

    def _look_into(self, directory: Directory, entry: Entry) -> None:
        if entry.size > min(self._held, _HELD_WHOLE):
            return
        self._held -= entry.size
        self.inside(unpack(directory, entry, _HELD_WHOLE), entry.name, 1)

    def inside(self, content: bytes, name: str, depth: int) -> None:
        """A compound file or an archive that is in a member."""
        if content.startswith(OLE_MAGIC):
            below = (lambda inner: program_within(inner, depth + 1)) if depth < _DEEPEST else _none
            for finding in ole_content(Source.of(content), below).findings:
                if finding.note is Note.PROGRAM_INSIDE:
                    self._note(finding.note, f"{name}: {finding.detail}")
        elif content.startswith(b"PK\x03\x04"):
            with suppress(Bomb, Damage):
                self._archive(read_directory(Source.of(content)), name, depth)

    def _archive(self, directory: Directory, name: str, depth: int) -> None:
        names = {entry.name.lower(): entry for entry in directory.entries}
        if packed_program(names):
            self._note(Note.PROGRAM_INSIDE, name)
        if any(entry.encrypted for entry in directory.entries):
            self._note(Note.POLYGLOT, f"an archive in it has a password: {name}")
        for entry in directory.entries[:_IN_ONE]:
            if _ending(entry) in PROGRAM_ENDINGS - _LIKE_ADDRESSES:
                self._note(Note.PROGRAM_INSIDE, f"{name}: {entry.name}")
            if entry.encrypted or entry.method not in POSSIBLE:
                continue
            with suppress(Damage, Bomb):
                start = unpack(directory, entry, HEAD)
                self._left -= len(start)
                if is_program(entry, start):
                    self._note(Note.PROGRAM_INSIDE, f"{name}: {entry.name}")
                is_next = start.startswith((OLE_MAGIC, b"PK\x03\x04")) and depth < _DEEPEST
                if is_next and entry.size <= min(self._held, _HELD_WHOLE):
                    self._held -= entry.size
                    content = unpack(directory, entry, _HELD_WHOLE)
                    self.inside(content, f"{name}: {entry.name}", depth + 1)

    def _packed(self, name: str, start: bytes) -> None:
        kind = fixed(Source.of(start))
        if kind == "gzip":
            with suppress(zlib.error):
                start = zlib.decompressobj(31).decompress(start, HEAD)
                kind = fixed(Source.of(start))
                if program(Source.of(start)):
                    self._note(Note.PROGRAM_INSIDE, name)
        if kind == "tar" and program(Source.of(start[512:])):
            self._note(Note.PROGRAM_INSIDE, name)
        elif kind in _UNREADABLE and not is_plain_text(Source.of(start)):
            self._note(Note.POLYGLOT, f"an archive that cannot be checked is in it: {name}")

    def _note(self, note: Note, detail: str) -> None:
        if not any(finding.note is note for finding in self.findings):
            self.findings.append(Finding(note, detail[:200]))


def _none(_: bytes) -> None:
    """Nothing is looked into that lies deeper."""


def program_within(content: bytes, depth: int = 1) -> str | None:
    """The first program in a compound file or an archive, by its name."""
    look = _Look(is_office=False, findings=[])
    with suppress(LookEnded):
        look.inside(content, "an object", depth)
    found = (finding for finding in look.findings if finding.note is Note.PROGRAM_INSIDE)
    return next((finding.detail for finding in found), None)


def _is_plain_xml(start: bytes) -> bool:
    """Nearly all parts of documents: nothing in them that would have to be looked at."""
    return start[:1] == b"<" and b"<!" not in start and b"\0" not in start and len(start) < HEAD


def _ending(entry: Entry) -> str:
    return entry.name.lower().rpartition(".")[2]


def _is_held(entry: Entry) -> bool:
    name = f"/{entry.name.lower()}"
    return any(folder in name for folder in _HELD)


def is_program(entry: Entry, start: bytes) -> bool:
    """Whether a member is one by its bytes."""
    source = Source.of(start)
    kind = program(source)
    if kind and not (kind in SHORT_MARKS and is_plain_text(source)):
        return True
    is_named = _ending(entry) in PROGRAM_ENDINGS
    if (is_named or _is_held(entry)) and starts_with_shebang(start[:64].decode("latin-1")):
        return True
    # A DOS program has no signature: what is no text and is called like one is one.
    return is_named and bool(start) and encoding_of(source) is None


def packed_program(names: Mapping[str, Entry]) -> str | None:
    """The kind of program that an archive with these members (in lower case) is."""
    if "androidmanifest.xml" in names and ("classes.dex" in names or "resources.arsc" in names):
        return "apk"
    if "appxmanifest.xml" in names or "appxmetadata/appxbundlemanifest.xml" in names:
        return "appx"
    # With classes, Java runs the file. A document packed by its tools has a manifest only.
    is_document = "mimetype" in names or "[content_types].xml" in names
    has_manifest = "meta-inf/manifest.mf" in names and not is_document
    if has_manifest or any(n.endswith(".class") for n in names):
        return "xpi" if "meta-inf/mozilla.rsa" in names else "jar"
    if any(n.startswith("payload/") and ".app/" in n for n in names):
        return "ipa"
    return None


def is_locked_book(directory: Directory, names: Mapping[str, Entry]) -> bool:
    """Whether the text of an EPUB needs a key. Many free books scramble their fonts."""
    rights = names.get("meta-inf/encryption.xml")
    if rights is None:  # without it nothing in the book is encrypted, whatever else lies there
        return False
    if any(name in names for name in _LOCK_FILES):
        return True
    said = unpack(directory, rights, _RIGHTS_LIMIT)
    said = (xml_text(said) or "").encode() or said
    return b"EncryptedKey" in said or bool(set(_METHOD.findall(said)) - _OF_FONTS)
