"""What the members of a document are: programs among them, entities in XML, locks of books."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from exai_desktop.core.sniff.kinds import PROGRAM_ENDINGS, words
from exai_desktop.core.sniff.look import Damage, Finding, LookEnded, Note, Source
from exai_desktop.core.sniff.signatures import program
from exai_desktop.core.sniff.text import encoding_of, starts_with_shebang
from exai_desktop.core.sniff.zip_directory import Directory, Entry, unpack

_START: Final = 4 * 1024
_RIGHTS_LIMIT: Final = 512 * 1024
# So many members are looked into; documents have some dozens.
_LOOKED_AT: Final = 150
_HELD: Final = ("/media/", "/embeddings/", "pictures/", "object ")
# Members may be called like a web address: these are programs by their bytes only.
_LIKE_ADDRESSES: Final = words("com app so run tool bundle action command website sh fish")
_ENTITY: Final = re.compile(rb"<!ENTITY\s")
# A document type with a public name is what programs put there; none of them reads it.
_OUTSIDE: Final = re.compile(
    rb"<!ENTITY\s[^>]{0,400}?\b(?:SYSTEM|PUBLIC)\s|<!DOCTYPE\s[^>[]{0,200}\sSYSTEM\s"
)
_LOCK_FILES: Final = ("meta-inf/license.lcpl", "meta-inf/rights.xml", "meta-inf/sinf.xml")
_METHOD: Final = re.compile(
    rb"EncryptionMethod\s[^>]{0,200}?Algorithm\s*=\s*[\"\']([^\"\']{1,200})"
)
# Fonts are scrambled by these; the text of the book is not.
_OF_FONTS: Final = frozenset(
    {b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC"}
)


def member_findings(directory: Directory) -> list[Finding]:
    """Programs in a document, and what is wrong with the parts of an Office document.

    A document with more parts than can be looked at, or on a slow disk, is no damaged one.
    """
    findings: list[Finding] = []
    with suppress(LookEnded):
        _look(directory, findings)
    return findings


def _look(directory: Directory, findings: list[Finding]) -> None:
    inside = next(filter(None, (_program(directory, e) for e in _looked_at(directory))), None)
    if inside:
        findings.append(Finding(Note.PROGRAM_INSIDE, inside[:200]))
    names = [entry.name.replace("\\", "/") for entry in directory.entries]
    if not any(name.lower() == "[content_types].xml" for name in names):
        return
    if any(".." in name.split("/") for name in names):
        findings.append(Finding(Note.POLYGLOT, "a file in it points outside of it"))
    parts = [e for e in directory.entries if e.name.lower().endswith((".xml", ".rels"))]
    for entry in parts[:_LOOKED_AT]:
        if entry.encrypted or entry.method not in (0, 8):
            continue
        # Raises for one whose sum is wrong: Office calls such a file damaged.
        start = _as_bytes(unpack(directory, entry, _START))
        if _OUTSIDE.search(start):
            findings.append(Finding(Note.POLYGLOT, "its XML refers to other files"))
            break
        if _ENTITY.search(start):
            findings.append(Finding(Note.BOMB, "its XML defines entities of its own"))
            break


def _as_bytes(start: bytes) -> bytes:
    """In one encoding, so that one pattern finds it in all."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return start.decode("utf-16", "replace").encode()
    return start


def _looked_at(directory: Directory) -> list[Entry]:
    held = [e for e in directory.entries if _ending(e) in PROGRAM_ENDINGS or _is_held(e)]
    return held[:_LOOKED_AT]


def _ending(entry: Entry) -> str:
    return entry.name.lower().rpartition(".")[2]


def _is_held(entry: Entry) -> bool:
    name = f"/{entry.name.lower()}"
    return any(folder in name for folder in _HELD)


def _program(directory: Directory, entry: Entry) -> str | None:
    """The name of the member if it is a program: by its name, or by its bytes."""
    if _ending(entry) in PROGRAM_ENDINGS - _LIKE_ADDRESSES:
        return entry.name
    start = _start(directory, entry)
    source = Source.of(start)
    if program(source) or starts_with_shebang(start[:64].decode("latin-1")):
        return entry.name
    # A DOS program has no signature: what is no text and is called like one is one.
    is_named = _ending(entry) in PROGRAM_ENDINGS
    return entry.name if is_named and start and encoding_of(source) is None else None


def _start(directory: Directory, entry: Entry) -> bytes:
    if entry.encrypted or not entry.packed:
        return b""
    try:
        return unpack(directory, entry, _START)
    except LookEnded:
        raise
    except Damage:
        return b""


def is_locked_book(directory: Directory, names: Mapping[str, Entry]) -> bool:
    """Whether the text of an EPUB needs a key. Many free books scramble their fonts."""
    rights = names.get("meta-inf/encryption.xml")
    if rights is None:  # without it nothing in the book is encrypted, whatever else lies there
        return False
    if any(name in names for name in _LOCK_FILES):
        return True
    said = unpack(directory, rights, _RIGHTS_LIMIT)
    return b"EncryptedKey" in said or bool(set(_METHOD.findall(said)) - _OF_FONTS)
