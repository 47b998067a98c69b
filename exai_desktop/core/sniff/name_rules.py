"""What a file's name alone gives away: programs, disguises, names that systems reserve."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from typing import Final

from exai_desktop.core.sniff.kinds import KINDS, KNOWN_ENDINGS, PROGRAM_ENDINGS
from exai_desktop.core.sniff.verdict import Family, Finding, Note

# These turn text around: "cod.exe" can be made to look like "exe.doc".
_TURNING: Final = frozenset(chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³])(?:\.|$)", re.IGNORECASE)
# Windows writes to a stream beside the file's content: "a.txt:b", "a.txt::$DATA".
_STREAM: Final = re.compile(r"(?P<base>.*\.(?P<ending>\w{1,8})|.*(?=:[^:]*:\$)):(?P<stream>.+)")
_SHOWN_ENDINGS: Final = frozenset().union(
    *(kind.endings for kind in KINDS.values() if kind.family is not Family.PROGRAM)
)


def plain_name(path: str) -> str:
    """The last part as a system would read it: no look-alike letters, nothing invisible."""
    name = unicodedata.normalize("NFKC", PurePath(path).name)
    seen = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return seen.strip().rstrip(". ")


def ending_of(path: str) -> str:
    """The ending that counts, lower-case, without a stream's name."""
    return _endings(_without_stream(plain_name(path)))[-1]


def _without_stream(name: str) -> str:
    found = _STREAM.fullmatch(name)
    if found and (found["ending"] is None or found["ending"].lower() in KNOWN_ENDINGS):
        return found["base"].rstrip(". ")
    return name


def _endings(name: str) -> tuple[str, str]:
    """The last two endings, "" for what is not there. A dot in front is part of the name."""
    parts = [part.strip().lower() for part in name.lstrip(".").split(".")]
    if len(parts) < 2:
        return "", ""
    return (parts[-2] if len(parts) > 2 else ""), parts[-1]


def name_findings(path: str) -> tuple[Finding, ...]:
    name = PurePath(path).name
    plain = plain_name(path)
    bare = _without_stream(plain)
    first, last = _endings(bare)
    findings = []
    # The name of a stream runs as well as the name of a file.
    if last in PROGRAM_ENDINGS or _endings(plain)[1] in PROGRAM_ENDINGS:
        ending = last if last in PROGRAM_ENDINGS else _endings(plain)[1]
        findings.append(Finding(Note.PROGRAM_NAME, f".{ending}"))
        if first in _SHOWN_ENDINGS:
            findings.append(Finding(Note.DOUBLE_ENDING, f".{first}.{ending}"))
    if bare != plain:
        findings.append(Finding(Note.DECEPTIVE_NAME, "it is the name of a hidden file stream"))
    if any(c in _TURNING for c in name):
        findings.append(Finding(Note.DECEPTIVE_NAME, "hidden characters reverse parts of its name"))
    if _RESERVED.match(plain):
        findings.append(Finding(Note.RESERVED_NAME, "Windows reserves this name"))
    return tuple(findings)
