"""The check of the whole trail: its chain, the keys of its rows, and its end against the anchor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exai_desktop.core.audit.audit import (
    START,
    AuditAnchor,
    AuditRow,
    Seal,
    digest_after,
    mac_over,
    sealed_text,
)

IN_FILE: Final = "a file of the profile"


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The trail up to a row: where a check may begin, and what a signature is for."""

    seq: int = 0
    mac: str = START
    digest: str = START


NO_ROWS: Final = AuditHead()


@dataclass(frozen=True, slots=True)
class Anchoring:
    """What is noted outside the database: the newest row, and whose seals count.

    `place` keeps the note. `accepted` are the ids of the keys that may have sealed a row; None:
    nothing but the profile tells. `away`: why a key store does not answer now, "" when it does or
    there is none. `taken`: rows up to it were accepted by the user without their keys.
    """

    anchor: AuditAnchor | None = None
    accepted: frozenset[str] | None = None
    place: str = IN_FILE
    away: str = ""
    taken: AuditHead = NO_ROWS

    @property
    def is_lost(self) -> bool:
        """The anchor is made before the list of keys: one without the other was taken away."""
        return self.accepted is not None and self.anchor is None


class AuditState(StrEnum):
    """What a check can say. Unconfirmed: what would tell cannot be asked now."""

    INTACT = "intact"
    BROKEN = "broken"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check of the whole chain found; `broken_at` is the first row that does not fit.

    `by_file`: rows whose key lies in a file of the profile, not in the keyring. `digest` covers
    all rows that were seen and needs no key.
    """

    rows: int
    ok: bool
    protected_by: str
    broken_at: int | None = None
    problem: str | None = None
    by_file: int = 0
    anchored_seq: int | None = None
    anchored_at: str | None = None
    newest_mac: str | None = None
    state: AuditState = AuditState.INTACT
    anchored_in: str | None = None
    not_anchored_now: str = ""
    digest: str = START
    without_keys: int = 0

    @property
    def words(self) -> str:
        """The verdict in one sentence."""
        if self.state is AuditState.INTACT:
            return f"The audit trail is intact: {self.rows:,} rows."
        where = "" if self.broken_at is None else f" from row {self.broken_at}"
        what = "is not intact" if self.state is AuditState.BROKEN else "cannot be confirmed now"
        return f"The audit trail {what}{where}: {self.problem}."

    @property
    def anchor_words(self) -> str:
        """Up to where the end of the trail is known, in one sentence."""
        if self.not_anchored_now:
            return f"Not anchored now: {self.not_anchored_now}."
        if not self.anchored_seq:
            return "No row is anchored yet: the removal of the newest rows would not be noticed."
        if self.anchored_in == IN_FILE:
            return (
                f"Rows up to {self.anchored_seq:,} are anchored only in {IN_FILE}"
                f" ({self.anchored_at}): there is no keyring and no vault."
            )
        return (
            f"Rows up to {self.anchored_seq:,} are anchored in: {self.anchored_in}"
            f" ({self.anchored_at})."
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """The first thing that is wrong. `seq` None: it is no row."""

    seq: int | None
    problem: str
    state: AuditState = AuditState.BROKEN


class ChainCheck:
    """Takes the rows in order, in as many pieces as you like, and says what is wrong with them.

    `begin`: rows up to it are taken as they are.
    """

    def __init__(self, seal: Seal, anchoring: Anchoring, begin: AuditHead = NO_ROWS) -> None:
        self._seal = seal
        self._anchoring = anchoring
        self._anchor = anchor = anchoring.anchor
        self._keys = seal.keys
        self._rows, self._newest, self._digest = begin.seq, begin.mac, begin.digest
        self._by_file = 0
        self._found: _Found | None = None
        if anchor is not None and not seal.holds(anchor):
            self._anchor = None
            if anchor.key_id not in self._keys and anchoring.accepted is None:
                self._found = _unavailable(None, "the anchor", anchor.key_id)
            else:
                changed = "the anchor was changed, or sealed with another key"
                self._found = _Found(anchor.seq, changed)

    def see(self, rows: Iterable[AuditRow]) -> bool:
        """Whether it makes sense to go on."""
        for row in rows:
            text = sealed_text(row)
            found = self._wrong(row, text)
            if found is not None:
                self._found = found
                return False
            self._rows += 1
            self._newest = row.mac
            self._digest = digest_after(self._digest, text, row.mac)
            self._by_file += row.key_id in self._seal.by_file
            taken = self._anchoring.taken
            if row.seq == taken.seq and self._digest != taken.digest:
                self._found = _Found(row.seq, "this row, or one before it, is not the accepted one")
                return False
            anchor = self._anchor
            if anchor is not None and row.seq == anchor.seq and row.mac != anchor.mac:
                self._found = _Found(row.seq, f"it is not the row that was here at {anchor.at}")
                return False
        return True

    def _wrong(self, row: AuditRow, text: bytes) -> _Found | None:
        due = self._rows + 1
        if row.seq > due:
            return _Found(due, "the row is missing")
        if row.seq < due:
            return _Found(row.seq, "the row does not belong here")
        if row.previous != self._newest:
            return _Found(row.seq, "the row does not match the row before it")
        accepted = self._anchoring.accepted
        if row.seq <= self._anchoring.taken.seq and row.key_id not in self._keys:
            return None
        if accepted is not None and row.key_id not in accepted:
            where = self._anchoring.place
            unknown = f"the row is sealed with a key that is not accepted in: {where}"
            return _Found(row.seq, f"{unknown} ({row.key_id})")
        key = self._keys.get(row.key_id)
        if key is None:
            found = _unavailable(row.seq, "the row", row.key_id)
            return found if accepted is None else _Found(row.seq, found.problem)
        if row.mac != mac_over(key, text):
            return _Found(row.seq, "the row was changed")
        return None

    def _verdict(self) -> _Found | None:
        anchoring, anchor = self._anchoring, self._anchor
        if self._found is not None:
            return self._found
        if anchor is not None and anchor.seq > self._rows:
            cut = f"the newest rows are missing: at {anchor.at} there were {anchor.seq}"
            return _Found(self._rows + 1, cut)
        if anchoring.is_lost and self._rows:
            lost = f"there are {self._rows:,} rows, and the anchor is missing in: {anchoring.place}"
            return _Found(None, lost)
        if anchoring.away:
            return _Found(None, anchoring.away, AuditState.UNCONFIRMED)
        return None

    def report(self) -> AuditReport:
        """The verdict; call it when all rows were seen or `see` has said no."""
        anchor, found = self._anchor, self._verdict()
        return AuditReport(
            rows=self._rows,
            ok=found is None,
            protected_by=self._seal.protected_by,
            broken_at=None if found is None else found.seq,
            problem=None if found is None else found.problem,
            by_file=self._by_file,
            anchored_seq=None if anchor is None else anchor.seq,
            anchored_at=None if anchor is None else anchor.at,
            newest_mac=self._newest if self._rows else None,
            state=AuditState.INTACT if found is None else found.state,
            anchored_in=None if anchor is None else self._anchoring.place,
            not_anchored_now=self._anchoring.away,
            digest=self._digest,
            without_keys=min(self._anchoring.taken.seq, self._rows),
        )


def _unavailable(seq: int | None, what: str, key: str) -> _Found:
    problem = f"{what} is sealed with a key that is not available ({key})"
    return _Found(seq, problem, AuditState.UNCONFIRMED)
