"""The audit trail for people: pages of it, the newest first, and sums of its days.

The trail has one index, its numbers, and times that grow with them: a time is found by halving.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from exai_desktop.core.audit.activity import STEPS, ActivityQuery, actions_of
from exai_desktop.core.audit.audit import COLUMNS, AuditRow, utc_text
from exai_desktop.storage.sqlite.driver import Connection

# So many rows are summed up before another reader has its turn.
WINDOW: Final = 50_000

_SUMS: Final = """
SELECT date(at, 'localtime') AS day, sum(action = 'job.done') AS sent,
    sum(action <> 'job.done') AS failed,
    sum(iif(action = 'job.done', coalesce(bytes, 0), 0)) AS bytes
FROM audit WHERE seq >= ? AND seq < ? AND action IN ('job.done', 'job.failed', 'job.refused')
GROUP BY day"""


def newest_rows(connection: Connection, query: ActivityQuery) -> list[AuditRow]:
    terms, values = ["1"], list[int | str]()
    if query.before is not None:
        terms.append("seq < ?")
        values.append(query.before)
    if query.kinds:
        terms.append("action IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(actions_of(query.kinds)))
    elif not query.steps:
        terms.append("action NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(STEPS)))
    if query.account is not None:
        terms.append("account = ?")
        values.append(query.account)
    if query.since is not None:
        terms.append("seq >= ?")
        values.append(first_since(connection, query.since))
    if query.until is not None:
        terms.append("seq < ?")
        values.append(first_since(connection, query.until))
    usual = connection.text_factory
    # As elsewhere in the trail: what is not UTF-8 is shown.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        rows = connection.execute(
            f"SELECT {', '.join(COLUMNS)} FROM audit WHERE {' AND '.join(terms)}"  # noqa: S608 - our own texts
            " ORDER BY seq DESC LIMIT ?",
            (*values, query.limit),
        )
        return [AuditRow(*row) for row in rows]
    finally:
        connection.text_factory = usual


def first_since(connection: Connection, at: float) -> int:
    """The number of the first row of this time or later. A clock that was put back makes it
    inexact, never wrong by more than what happened then."""
    wanted = utc_text(at)
    low, high = 1, reached(connection) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            "SELECT at FROM audit WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row["at"] >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def reached(connection: Connection) -> int:
    """The number of the newest row."""
    return connection.execute("SELECT coalesce(max(seq), 0) FROM audit").fetchone()[0]  # type: ignore[no-any-return]


def sums_between(first: int) -> Callable[[Connection], list[tuple[str, int, int, int]]]:
    """Day, files sent, files not sent and bytes, of one window."""

    def read(connection: Connection) -> list[tuple[str, int, int, int]]:
        return [
            (row["day"], row["sent"], row["failed"], row["bytes"])
            for row in connection.execute(_SUMS, (first, first + WINDOW))
            if row["day"] is not None
        ]

    return read
