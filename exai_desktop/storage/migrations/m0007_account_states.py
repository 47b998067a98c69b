"""Small states of accounts that outlive a run: a breaker's, a limiter's.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "state_schema"

STATEMENTS: Final = (
    "CREATE TABLE account_states (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)
