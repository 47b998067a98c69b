"""Uploads whose answer was lost and which were not in the provider's list."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.models import JobView
from exai_desktop.core.states import JobState
from exai_desktop.core.stores import GivenUp, Move
from exai_desktop.storage.driver import Connection

_DOUBT: Final = (JobState.UNCERTAIN, JobState.NEEDS_REVIEW)
# Found, or still looked for.
_NOT_GIVEN_UP: Final = (*_DOUBT, JobState.DONE)

_NOTE: Final = """
INSERT INTO given_up (account, size, sent_name, sha256, at)
SELECT ?, size, sent_name, sha256, ? FROM attempts WHERE job_id = ? ORDER BY number DESC LIMIT 1
ON CONFLICT DO UPDATE SET at = excluded.at"""


def note(connection: Connection, move: Move, view: JobView) -> None:
    """With the move that gives up looking for what an attempt may have stored."""
    if move.old in _DOUBT and move.new not in _NOT_GIVEN_UP and view.account:
        connection.execute(_NOTE, (view.account, move.at, view.id))


def given_up(connection: Connection, account: str, size: int) -> list[GivenUp]:
    rows = connection.execute(
        "SELECT sent_name, sha256 FROM given_up WHERE account = ? AND size = ?", (account, size)
    )
    return [GivenUp(row["sent_name"], row["sha256"]) for row in rows]
