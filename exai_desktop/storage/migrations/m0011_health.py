"""How the providers have answered. Released: never changed, only followed by further steps."""

from __future__ import annotations

from typing import Final

NAME: Final = "health_schema"

STATEMENTS: Final = (
    """
CREATE TABLE health (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    took_ms INTEGER NOT NULL,
    code TEXT NOT NULL,
    is_fault INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX health_account ON health (account, id)",
)
