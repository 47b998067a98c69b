"""The last balance each account's provider told.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "balance_schema"

STATEMENTS: Final = (
    """
CREATE TABLE balances (
    account TEXT PRIMARY KEY,
    available REAL NOT NULL,
    currency TEXT NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID""",
)
