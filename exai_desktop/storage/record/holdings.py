"""Room at an account: what lies there and what is on its way, in the transaction that asks."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.routing.routing import Usage
from exai_desktop.storage.migrations.m0001_first import IN_FLIGHT
from exai_desktop.storage.sqlite.driver import Connection

_HELD: Final = """
SELECT coalesce(sum(files), 0), coalesce(sum(bytes), 0),
    coalesce(sum(files) FILTER (WHERE purpose = :purpose), 0)
FROM holdings WHERE account = :account"""

_ON_THE_WAY: Final = f"""
SELECT count(*), coalesce(sum(size), 0), count(*) FILTER (WHERE purpose = :purpose)
FROM jobs WHERE account = :account AND {IN_FLIGHT} AND id <> :job"""  # noqa: S608 - a constant

_DELAYS: Final = """
SELECT attempts.ended_at - attempts.left_at
FROM attempts JOIN jobs ON jobs.id = attempts.job_id
WHERE jobs.account = ? AND attempts.outcome = 'stored' AND attempts.left_at IS NOT NULL
ORDER BY attempts.job_id DESC LIMIT ?"""

# Small files measure how fast the provider answers, not the connection.
_SPEED: Final = """
SELECT sum(size), sum(left_at - started_at) FROM (
    SELECT size, left_at, started_at FROM attempts
    WHERE outcome = 'stored' AND size >= 65536 AND left_at > started_at
    ORDER BY started_at DESC LIMIT 20)"""


def usage(connection: Connection, account: str, purpose: str, job: int) -> Usage:
    """Without the job itself, which asks because it wants to be on its way."""
    values = {"account": account, "purpose": purpose, "job": job}
    held = connection.execute(_HELD, values).fetchone()
    coming = connection.execute(_ON_THE_WAY, values).fetchone()
    return Usage(*(there + more for there, more in zip(held, coming, strict=True)))


def answer_delays(connection: Connection, account: str, most: int) -> list[float]:
    """Seconds from the last block to the answer, the newest first."""
    return [row[0] for row in connection.execute(_DELAYS, (account, most))]


def line_speed(connection: Connection) -> float | None:
    """Bytes a second of the last files of some size."""
    size, seconds = connection.execute(_SPEED).fetchone()
    return size / seconds if seconds else None
