"""Reading and checking the audit trail; and rows for what no other change of the database tells."""

from __future__ import annotations

from functools import partial
from typing import Final

from exai_desktop.core.audit.audit import (
    COLUMNS,
    AuditAnchor,
    AuditEntry,
    AuditReport,
    AuditRow,
    ChainCheck,
    utc_text,
)
from exai_desktop.storage.audit.trail import AuditTrail
from exai_desktop.storage.database import Database
from exai_desktop.storage.sqlite.driver import Connection

# One piece holds the reader for some 20 ms: lists shown meanwhile do not wait for the rest.
_PIECE: Final = 1_000
# Lower than any number SQLite can hold: rows pushed in before the first are seen too.
BEFORE_ALL: Final = -(2**63)

_PAGE: Final = (
    f"SELECT {', '.join(COLUMNS)} FROM audit WHERE seq > ? AND at >= ? ORDER BY seq LIMIT ?"  # noqa: S608 - our own names
)
_NEWEST: Final = "SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1"


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

    async def check(self, anchor: AuditAnchor | None) -> AuditReport:
        check = ChainCheck(self._trail.seal, anchor)
        after = BEFORE_ALL
        while rows := await self.rows(after, _PIECE, None):
            # In the reader's thread: a thousand seals are too much for the event loop.
            if not await self._database.read(partial(_see, check=check, rows=rows)):
                break
            after = rows[-1].seq
        return check.report()

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
        there = connection.execute("SELECT mac FROM audit WHERE seq = ?", (earlier.seq,)).fetchone()
        if there is None or there["mac"] != earlier.mac:
            return None
    return newest["seq"], newest["mac"]
