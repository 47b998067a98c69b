"""The audit trail in SQLite: what goes into it in which words, writing, reading, checking.

Rows go in with the change they tell of, in its transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from exai_desktop.core.audit.activity import ActivityQuery, DaySum
from exai_desktop.core.audit.audit import (
    COLUMNS,
    START,
    AuditAnchor,
    AuditEntry,
    AuditRow,
    Seal,
    canonical,
    key_id,
    mac_of,
    utc_text,
)
from exai_desktop.core.audit.check import (
    NO_ROWS,
    Anchoring,
    AuditHead,
    AuditReport,
    ChainCheck,
)
from exai_desktop.core.audit.signing import DAY_SIGNED, UnsignedDays, signature_of_day
from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import IN_FLIGHT, JobState, JobView
from exai_desktop.core.jobs.store import Move
from exai_desktop.storage.audit.activity import (
    WINDOW,
    first_since,
    newest_rows,
    reached,
    sums_between,
)
from exai_desktop.storage.database import Database
from exai_desktop.storage.sqlite.driver import Connection

S, C = JobState, CopyState

# What is prepared, or only waits, has left nothing behind and is no matter for an audit.
_OUTCOMES: Final = {
    S.SENDING: "begun",
    S.CONFIRMING: "stored",
    S.UNCERTAIN: "unknown",
    S.NEEDS_REVIEW: "unknown",
    S.DONE: "ok",
    S.DUPLICATE: "ok",
    S.REFUSED: "refused",
    S.FAILED: "failed",
    S.CANCELLED: "cancelled",
    S.HELD: "held",
}
_NOT_STORED: Final = "not stored"

_COPY_OUTCOMES: Final = {
    C.PRESENT: "present",
    C.DELETING: "begun",
    C.DELETED: "ok",
    C.MISSING: "missing",
    C.EXPIRED: "expired",
    C.FOREIGN: "foreign",
}


def entry_of_move(move: Move, job: JobView) -> AuditEntry | None:
    """None for a move that leads neither to a provider nor to an end."""
    # Bytes have been sent: the trail says what became of them.
    was_in_flight = move.old in IN_FLIGHT
    outcome = _OUTCOMES.get(move.new, _NOT_STORED if was_in_flight else None)
    if outcome is None or (move.new is S.HELD and job.error is None and not was_in_flight):
        return None
    detail: dict[str, str | int | None] = {
        "from": move.old.value,
        "note": move.note or None,
        "accepted": ", ".join(job.accepted) or None,
    }
    attempt = move.attempt
    if move.new is S.SENDING:
        detail |= {
            "attempt": job.attempts,
            "sent_name": job.sent_name,
            "transport": job.transport,
            "route": job.route_reason,
        }
    elif attempt is not None:
        detail |= {
            "attempt": attempt.number,
            "attempt_outcome": attempt.outcome,
            "http_status": attempt.http_status,
            "request_id": attempt.request_id,
        }
    if move.new is S.DUPLICATE:
        detail["twin_of"] = job.twin_of
    return _of_job(job, f"job.{move.new.value}", outcome, move.at, detail)


def entry_of_birth(job: JobView) -> AuditEntry | None:
    """A file that was refused at once has no change of state to record it."""
    if job.state is not S.REFUSED:
        return None
    return _of_job(job, "job.refused", _OUTCOMES[S.REFUSED], job.created_at, {})


def entry_of_removal(job: JobView, at: float) -> AuditEntry:
    return _of_job(job, "job.removed", "ok", at, {"state": job.state.value})


def _of_job(
    job: JobView, action: str, outcome: str, at: float, detail: dict[str, str | int | None]
) -> AuditEntry:
    return AuditEntry(
        at,
        action,
        outcome,
        job_id=job.id,
        path=job.path,
        account=job.account,
        provider=job.provider,
        purpose=job.purpose,
        remote_id=job.file_id,
        sha256=job.sha256,
        bytes=job.size,
        error_code=None if job.error is None else job.error.code,
        detail=detail,
    )


def entry_of_import(copy: Copy, at: float) -> AuditEntry:
    """A file that nobody here is known to have sent, taken into the record by the user."""
    return replace(entry_of_copy_move(copy, C.FOREIGN, at, None), action="copy.imported")


def entry_of_copy_move(copy: Copy, old: CopyState, at: float, path: str | None) -> AuditEntry:
    """`copy` as it is after the move; `path` is its job's, if that is still in the list."""
    return AuditEntry(
        at,
        f"copy.{copy.state.value}",
        _COPY_OUTCOMES[copy.state],
        job_id=copy.job_id,
        path=path,
        account=copy.account,
        provider=copy.provider,
        purpose=copy.purpose,
        remote_id=copy.remote_id,
        sha256=copy.sha256,
        bytes=copy.size,
        detail={"from": old.value, "remote_name": copy.remote_name},
    )


_PATH_CHARS: Final = 4_096

_NEWEST: Final = "SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1"
_APPEND: Final = (
    f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
)


class AuditTrail:
    """Who acts, and with which key. Used in the database thread alone, once it is made."""

    def __init__(
        self,
        seal: Seal | None = None,
        actor: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.seal = seal or Seal()
        self.now = now
        self._actor = shown(actor)
        self._key_id = key_id(self.seal.key)

    def append(self, connection: Connection, entries: Iterable[AuditEntry]) -> None:
        """Chain these to the newest row; part of the caller's transaction."""
        # Asked every time: a transaction that was undone took its rows with it.
        seq, previous = connection.execute(_NEWEST).fetchone() or (0, START)
        rows = []
        for entry in entries:
            seq += 1
            values = (
                seq,
                utc_text(entry.at),
                self._actor,
                entry.action,
                entry.job_id,
                _optional(entry.path, _PATH_CHARS),
                _optional(entry.account),
                entry.provider,
                _optional(entry.purpose),
                _optional(entry.remote_id),
                entry.sha256,
                entry.bytes,
                entry.outcome,
                entry.error_code,
                _detail(entry),
                self._key_id,
                previous,
            )
            previous = mac_of(self.seal.key, values)
            rows.append((*values, previous))
        if len(rows) == 1:
            connection.execute(_APPEND, rows[0])
        elif rows:
            connection.executemany(_APPEND, rows)


def shown(text: str, limit: int = 500) -> str:
    """As `plain_text`, which takes its time; what is plain already is most of what comes."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    return plain_text(text, limit)


def _optional(text: str | None, limit: int = 500) -> str | None:
    return None if text is None else shown(text, limit)


def _detail(entry: AuditEntry) -> str:
    return canonical(
        {
            name: shown(value) if isinstance(value, str) else value
            for name, value in entry.detail.items()
            if value is not None
        }
    )


# One piece holds the reader for some 20 ms: lists shown meanwhile do not wait for the rest.
_PIECE: Final = 1_000
# Lower than any number SQLite can hold: rows pushed in before the first are seen too.
BEFORE_ALL: Final = -(2**63)

# From the newest row back: what is looked for is near. The plus keeps it off the index of times.
_LAST_OF_DAYS: Final = (
    "SELECT seq, substr(at, 1, 10) FROM audit WHERE +at < ? AND +action <> ?"
    " ORDER BY seq DESC LIMIT 1"
)
_LAST_SIGNED: Final = "SELECT detail FROM audit WHERE +action = ? ORDER BY seq DESC LIMIT 1"
_MAC: Final = "SELECT mac FROM audit WHERE seq = ?"

_PAGE: Final = (
    f"SELECT {', '.join(COLUMNS)} FROM audit WHERE seq > ? AND at >= ? ORDER BY seq LIMIT ?"  # noqa: S608 - our own names
)


class SqliteAuditStore:
    """`core.audit.ports.AuditStore` on the profile's database."""

    def __init__(self, database: Database, trail: AuditTrail | None = None) -> None:
        self._database = database
        self._trail = trail or AuditTrail()

    @property
    def protected_by(self) -> str:
        return self._trail.seal.protected_by

    async def note(self, entry: AuditEntry) -> None:
        await self._database.write(lambda connection: self._trail.append(connection, (entry,)))

    async def rows(self, after: int, limit: int, since: float | None) -> list[AuditRow]:
        begin = "" if since is None else utc_text(since)
        return await self._database.read(partial(_rows, after=after, since=begin, limit=limit))

    async def newest(self, query: ActivityQuery) -> list[AuditRow]:
        return await self._database.read(partial(newest_rows, query=query))

    async def days(self, since: float) -> list[DaySum]:
        """Window by window: other readers do not wait for all of a million."""
        first = await self._database.read(partial(first_since, at=since))
        found: dict[str, DaySum] = {}
        while first <= await self._database.read(reached):
            for day, sent, failed, size in await self._database.read(sums_between(first)):
                known = found.get(day, DaySum(day))
                found[day] = DaySum(
                    day, known.sent + sent, known.failed + failed, known.bytes + size
                )
            first += WINDOW
        return sorted(found.values(), key=lambda one: one.day)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._trail.seal.keys)

    async def check(
        self, anchoring: Anchoring, begin: AuditHead = NO_ROWS, until: int | None = None
    ) -> AuditReport:
        check = ChainCheck(self._trail.seal, anchoring, begin)
        after = begin.seq or BEFORE_ALL
        while rows := await self.rows(after, _PIECE, None):
            after = rows[-1].seq
            if until is not None:
                rows = [row for row in rows if row.seq <= until]
            # In the reader's thread: a thousand seals are too much for the event loop.
            if not await self._database.read(partial(_see, check=check, rows=rows)):
                break
            if until is not None and after >= until:
                break
        return check.report()

    async def unsigned(self, today: str) -> UnsignedDays | None:
        return await self._database.read(partial(_unsigned, today=today))

    async def anchor(self, earlier: AuditAnchor | None, at: float) -> AuditAnchor | None:
        newest = await self._database.read(partial(_newest, earlier=earlier))
        if newest is None or (earlier is not None and not self._trail.seal.holds(earlier)):
            return None
        return self._trail.seal.anchor(*newest, utc_text(at))


def _rows(connection: Connection, after: int, since: str, limit: int) -> list[AuditRow]:
    usual = connection.text_factory
    # Text that is not UTF-8 can only come from outside: it must be shown, not fail.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        return [AuditRow(*row) for row in connection.execute(_PAGE, (after, since, limit))]
    finally:
        connection.text_factory = usual


def _see(_: Connection, check: ChainCheck, rows: list[AuditRow]) -> bool:
    return check.see(rows)


def _newest(connection: Connection, earlier: AuditAnchor | None) -> tuple[int, str] | None:
    """None when there is nothing new, or the chain is not the one `earlier` was taken from."""
    newest = connection.execute(_NEWEST).fetchone()
    if newest is None:
        return None
    if earlier is not None:
        if newest["seq"] <= earlier.seq:
            return None
        there = connection.execute(_MAC, (earlier.seq,)).fetchone()
        if earlier.seq and (there is None or there["mac"] != earlier.mac):
            return None
    return newest["seq"], newest["mac"]


def _unsigned(connection: Connection, today: str) -> UnsignedDays | None:
    last = connection.execute(_LAST_OF_DAYS, (today, DAY_SIGNED)).fetchone()
    if last is None:
        return None
    found = connection.execute(_LAST_SIGNED, (DAY_SIGNED,)).fetchone()
    before = None if found is None else signature_of_day(found[0])
    if before is None:
        return UnsignedDays(last[1], last[0], None, START)
    if before.seq >= last[0]:
        return None
    row = connection.execute(_MAC, (before.seq,)).fetchone()
    return UnsignedDays(last[1], last[0], before if row else None, row[0] if row else START)
