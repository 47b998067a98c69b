"""Writing the audit trail: rows go in with the change they tell of, in its transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from exai_desktop.core.audit.audit import (
    COLUMNS,
    START,
    AuditEntry,
    Seal,
    canonical,
    key_id,
    mac_of,
    utc_text,
)
from exai_desktop.core.files.names import plain_text
from exai_desktop.storage.sqlite.driver import Connection

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
