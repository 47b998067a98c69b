"""Names of files: how they are shown, and how they are sent.

A file system name is bytes; here it is text with surrogate escapes for what is not UTF-8. It is
never shown or sent in that form.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import PurePath
from typing import Any, Final

# Kept although invisible: it joins the parts of an emoji.
_JOINER: Final = "\u200d"
_RESERVED: Final = re.compile(
    r"^(con|prn|aux|nul|conin\$|conout\$|com[1-9¹²³]|lpt[1-9¹²³]) *(\.|$)", re.IGNORECASE
)
_TAIL: Final = re.compile(r"[\s.]+$")
# Letters, digits and marks that no system and no provider takes for anything else.
_USUAL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+()-]{0,118}[A-Za-z0-9])?")
_UNSAFE: Final = re.compile(r'[/\\:*?"<>|]')

# Spreadsheets take a cell that begins so for a formula, and carry it out.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

MAX_SENT_BYTES: Final = 120
MAX_SHOWN_CHARS: Final = 500


def _is_invisible(char: str) -> bool:
    """Format characters: bidirectional controls can turn "exe.fdp" into "pdf.exe", and the
    zero-width ones hide a difference."""
    return char != _JOINER and unicodedata.category(char) == "Cf"


def is_reserved(name: str) -> bool:
    """Whether Windows takes the name for a device, whatever its ending."""
    return _RESERVED.match(name) is not None


def plain_text(text: str, limit: int = MAX_SHOWN_CHARS) -> str:
    """Text from a file or a server as it may be shown: one line, nothing invisible, no controls."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text  # most are: a hundred times as fast as letter by letter
    out = []
    for char in text[: limit + 1]:
        if _is_invisible(char) or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
            out.append("\ufffd" if "\udc80" <= char <= "\udcff" else " ")
        else:
            out.append(char)
    shown = "".join(out)
    return shown if len(shown) <= limit else shown[:limit] + "…"


def safe_cell(text: str) -> str:
    """For a spreadsheet: a file's name must not become a formula there."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def visible_json(value: Any) -> str:
    """JSON with controls and invisible characters as escapes: the value stays exact, and a
    terminal carries nothing out."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def display_name(path: str) -> str:
    """The last part of a path, fit for a label, a terminal and a record."""
    whole = path.rpartition("/")[2]
    if _USUAL.fullmatch(whole):
        return whole
    return plain_text(PurePath(path).name or path).strip() or "(no name)"


def extension(name: str) -> str:
    """Lower-case ending without its dot, "" if there is none; trailing dots and spaces go."""
    stem, dot, ending = name.rstrip(". ").rpartition(".")
    return ending.lower() if dot and stem else ""


def _shorten(name: str) -> str:
    """Cut the stem so that the whole is at most `MAX_SENT_BYTES` of UTF-8; keep the ending."""
    if len(name.encode()) <= MAX_SENT_BYTES:
        return name
    ending = extension(name)
    tail = f".{ending}" if ending and len(ending) <= 16 else ""
    stem = name[: len(name) - len(tail)] if tail else name
    room = MAX_SENT_BYTES - len(tail.encode())
    return _TAIL.sub("", stem.encode()[:room].decode(errors="ignore")) + tail


def sent_name(path: str) -> str:
    """The name under which a file is sent: NFC, no path, no trick, at most 120 bytes.

    Idempotent. Never empty. Valid as a file name on every system.
    """
    whole = path.rpartition("/")[2]
    if _USUAL.fullmatch(whole) and not is_reserved(whole):
        return whole
    name = unicodedata.normalize("NFC", PurePath(path).name)
    kept = "".join(
        "_" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c
        for c in name
        if not _is_invisible(c)
    )
    kept = _TAIL.sub("", _UNSAFE.sub("_", kept).strip())
    if kept.startswith(".") and not name.startswith("."):
        kept = f"file{kept}"  # what stood before the dot was not visible
    if not kept or not kept.strip("._ "):
        kept = "file"
    if is_reserved(kept):
        kept = f"_{kept}"
    return unicodedata.normalize("NFC", _shorten(kept))


def is_renamed_twin(sent: str, remote: str) -> bool:
    """Whether `remote` is `sent` or what a provider makes of a second one: `name (n).ext`."""
    sent, remote = unicodedata.normalize("NFC", sent), unicodedata.normalize("NFC", remote)
    if sent == remote:
        return True
    stem, dot, ending = sent.rpartition(".")
    stem, tail = (stem, dot + ending) if stem else (sent, "")
    pattern = re.escape(stem) + r" ?\(\d{1,4}\)" + re.escape(tail)
    return re.fullmatch(pattern, remote) is not None
