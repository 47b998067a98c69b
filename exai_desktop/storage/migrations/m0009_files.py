"""Where each file at a provider comes from, and what each look at it found.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "files_schema"

ORIGINS: Final = "'sent', 'found', 'imported'"
SIGHTS: Final = "'seen', 'not_seen', 'other_size'"

STATEMENTS: Final = (
    "ALTER TABLE copies ADD COLUMN origin TEXT NOT NULL DEFAULT 'sent'"
    f" CHECK (origin IN ({ORIGINS}))",
    # What was sent from here has a hash.
    "UPDATE copies SET origin = 'found' WHERE sha256 = ''",
    # An import is as good a candidate for a forgotten upload as any other foreign file.
    "CREATE INDEX copies_imported ON copies (account, purpose, size) WHERE origin = 'imported'",
    f"""
CREATE TABLE looks (
    id INTEGER PRIMARY KEY,
    copy_id INTEGER NOT NULL REFERENCES copies (id) ON DELETE CASCADE,
    at REAL NOT NULL,
    sight TEXT NOT NULL CHECK (sight IN ({SIGHTS})),
    bytes INTEGER
) STRICT""",
    "CREATE INDEX looks_copy ON looks (copy_id, id)",
)
