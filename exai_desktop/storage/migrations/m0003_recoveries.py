"""The third schema: when the record was recovered, and what has been compared since.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "recovery_schema"

STATEMENTS: Final = (
    # What the record may lack was sent after `since`; `at` is when this was found out.
    """
CREATE TABLE recoveries (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    since REAL NOT NULL,
    cause TEXT NOT NULL
) STRICT""",
    # Since that recovery the provider's list is on record.
    """
CREATE TABLE compared_lists (
    recovery INTEGER NOT NULL REFERENCES recoveries (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    purpose TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (recovery, account, purpose)
) STRICT, WITHOUT ROWID""",
    # Files at a provider that no job of ours is known to have sent, until one asks for them.
    "CREATE INDEX copies_foreign ON copies (account, purpose, size) WHERE state = 'foreign'",
)
