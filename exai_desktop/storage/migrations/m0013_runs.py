"""The runs that have worked with this database: one that lacks the last run is an older copy.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "runs_schema"

STATEMENTS: Final = (
    """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE
) STRICT""",
)
