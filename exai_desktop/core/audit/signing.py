"""Signatures over the trail, and the check of an exported trail by somebody without its secrets.

An exported file has one JSON object a line: what it is, the rows, the end. A row has its digest;
each digest covers all rows up to it. Signed are the digest at the end, and the digest at the last
row of each day, in a row of the trail itself. The format is in docs/command-line.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import NoneType
from typing import Any, Final

from exai_desktop.core.audit.audit import (
    COLUMNS,
    START,
    AuditRow,
    canonical,
    digest_after,
    sealed_text,
)

FORMAT: Final = "exai-desktop-audit"
VERSION: Final = 1

# What a signature is for: it does not fit for anything else.
DAY: Final = "day"
EXPORT: Final = "export"

DAY_SIGNED: Final = "audit.day_signed"

_INTEGERS: Final = frozenset({"seq", "job_id", "bytes"})
_MAY_LACK: Final = frozenset(
    {
        "job_id",
        "path_text",
        "account",
        "provider",
        "purpose",
        "remote_id",
        "sha256",
        "bytes",
        "error_code",
    }
)
_DIGITS: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class AuditSignature:
    """That the rows up to `seq` were these. `at`: the day, or the moment of the export."""

    at: str
    seq: int
    digest: str
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class UnsignedDays:
    """Rows up to `seq` are of days that are over, `day` is the last one.

    `before` is the newest signature of a day, `mac` that of the row it ends with.
    """

    day: str
    seq: int
    before: AuditSignature | None
    mac: str


def signed_text(kind: str, at: str, seq: int, digest: str) -> bytes:
    """What is signed."""
    return canonical([FORMAT, VERSION, kind, at, seq, digest]).encode()


def signature_of_day(detail: str) -> AuditSignature | None:
    """The signature in a row of `DAY_SIGNED`; None: there is none in it."""
    try:
        found = json.loads(detail)
        made = AuditSignature(
            found["day"], found["seq"], found["digest"], found["public_key"], found["signature"]
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = (made.at, made.digest, made.public_key, made.signature)
    is_sound = all(isinstance(text, str) for text in texts) and type(made.seq) is int
    return made if is_sound else None


def detail_of_day(signature: AuditSignature) -> dict[str, str | int | None]:
    """The same as the detail of a row."""
    found = asdict(signature)
    return {"day": found.pop("at"), **found}


def first_line(public_key: str) -> dict[str, Any]:
    """Of an exported file."""
    return {"format": FORMAT, "version": VERSION, "public_key": public_key}


def line_of_row(row: AuditRow, digest: str) -> dict[str, Any]:
    """Of an exported file; `digest` is the one after the row."""
    return asdict(row) | {"digest": digest}


def last_line(end: AuditSignature) -> dict[str, Any]:
    """Of an exported file."""
    found = asdict(end)
    return {"end": found.pop("seq"), **found}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What a check of an exported file found. `line` and `row` are the first that do not fit.

    `day`: the first day whose rows are not those that were signed.
    """

    ok: bool
    rows: int
    days: int
    at: str | None = None
    problem: str | None = None
    line: int | None = None
    row: int | None = None
    day: str | None = None


class _WrongError(Exception):
    def __init__(self, problem: str, row: int | None = None, day: str | None = None) -> None:
        super().__init__(problem)
        self.problem, self.row, self.day = problem, row, day


Fits = Callable[[str, bytes, str], bool]


class ExportCheck:
    """Reads the lines of an exported file. `fits` tells whether a signature is of a public key."""

    def __init__(self, public_keys: Collection[str], fits: Fits) -> None:
        self._public_keys = public_keys
        self._fits = fits
        self._rows = 0
        self._days = 0
        self._mac = START
        # One after the other, 32 bytes each: a dict of a million rows would not fit everywhere.
        self._digests = bytearray()
        # Rows up to here are confirmed by the signature of a day.
        self._confirmed = 0
        self._end: AuditSignature | None = None

    def report(self, lines: Iterable[str]) -> ExportReport:
        """Stops at the first thing that is wrong."""
        number = 0
        try:
            for number, line in enumerate(lines, 1):
                self._see(number, _object(line))
            if self._end is None:
                number += 1
                raise _WrongError("the file ends too early: its last line is missing")
        except _WrongError as wrong:
            return ExportReport(
                False,
                self._rows,
                self._days,
                problem=wrong.problem,
                line=number,
                row=wrong.row,
                day=wrong.day,
            )
        return ExportReport(True, self._rows, self._days, self._end.at)

    def _see(self, number: int, found: Mapping[str, Any]) -> None:
        if number == 1:
            if found.get("format") != FORMAT:
                raise _WrongError("this is not a signed export of an audit trail")
            if found.get("version") != VERSION or set(found) != {"format", "version", "public_key"}:
                raise _WrongError("the first line was changed, or is of a newer version")
            if found["public_key"] not in self._public_keys:
                raise _WrongError("the file names another public key than the one given")
        elif self._end is not None:
            raise _WrongError("there is more behind the last line")
        elif "end" in found:
            self._see_end(found)
        else:
            self._see_row(found)

    def _see_row(self, found: Mapping[str, Any]) -> None:
        due = self._rows + 1
        row = _row(found, due)
        if row.seq > due:
            raise _WrongError("the row is missing", due)
        if row.seq < due:
            raise _WrongError("the row does not belong here", due)
        if row.previous != self._mac:
            raise _WrongError("the row does not match the row before it", due)
        try:
            digest = digest_after(self._digest(self._rows), sealed_text(row), row.mac)
        except ValueError:  # what no text can be made of
            digest = ""
        if digest != found["digest"]:
            raise _WrongError("the row was changed", due)
        self._rows, self._mac = due, row.mac
        self._digests += bytes.fromhex(digest)
        if row.action == DAY_SIGNED:
            self._see_day(row)

    def _digest(self, seq: int) -> str:
        return self._digests[32 * (seq - 1) : 32 * seq].hex() if seq else START

    def _see_day(self, row: AuditRow) -> None:
        signed = signature_of_day(row.detail)
        if signed is None or not 0 < signed.seq < row.seq:
            raise _WrongError("the signature of a day was changed", row.seq)
        if signed.public_key not in self._public_keys:
            another = f"the day is signed with another key ({signed.public_key}): give it too"
            raise _WrongError(another, row.seq, signed.at)
        self._confirm(DAY, signed, row.seq, signed.at)
        self._days += 1
        self._confirmed = signed.seq

    def _confirm(self, kind: str, signed: AuditSignature, row: int, day: str | None) -> None:
        """The signature is looked at first: a digest that nobody signed tells nothing."""
        text = signed_text(kind, signed.at, signed.seq, signed.digest)
        if not self._fits(signed.public_key, text, signed.signature):
            raise _WrongError("the signature does not fit", row, day)
        if signed.digest != self._digest(signed.seq):
            first = self._confirmed + 1
            changed = f"one of the rows {first} to {signed.seq} is not the one that was signed"
            raise _WrongError(changed, first, day)

    def _see_end(self, found: Mapping[str, Any]) -> None:
        texts = [found.get(name) for name in ("at", "digest", "public_key", "signature")]
        is_sound = len(found) == 5 and all(isinstance(text, str) for text in texts)
        if not is_sound or type(found["end"]) is not int:
            raise _WrongError("the last line was changed")
        end = AuditSignature(found["at"], found["end"], *map(str, texts[1:]))
        if end.public_key not in self._public_keys:
            raise _WrongError("the file is signed with another key than the one given")
        if end.seq != self._rows:
            raise _WrongError(f"the file has {self._rows} rows, its last line says {end.seq}")
        self._confirm(EXPORT, end, self._confirmed + 1, None)
        self._end = end


def _object(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _WrongError("the line is not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that is there twice could be read in two ways."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _row(found: Mapping[str, Any], due: int) -> AuditRow:
    if set(found) != {*COLUMNS, "digest"}:
        raise _WrongError("the line is not a row of the audit trail", due)
    for name in COLUMNS:
        kind = int if name in _INTEGERS else str
        # `True` is an integer in Python, but not in JSON.
        if type(found[name]) not in ((kind, NoneType) if name in _MAY_LACK else (kind,)):
            raise _WrongError(f"the row was changed: its {name} is of another kind", due)
    return AuditRow(**{name: found[name] for name in COLUMNS})


def public_key_in(text: str) -> str | None:
    """The public key that this text is, or has in a line of its own; None: there is none."""
    lines = [line.strip().lower() for line in text.splitlines()]
    return next((line for line in lines if len(line) == 64 and set(line) <= _DIGITS), None)
