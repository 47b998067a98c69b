"""Which contents are to be copied to Storage, and how far each is.

A stored job is noted by a trigger, in the transaction that stores it: no crash forgets one. Only
while the user wants copies, and for whoever is signed in then.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "storage_copies_schema"

# A refused content gets another chance: its new file may lie elsewhere.
_NOTE: Final = """
    INSERT INTO storage_copies (target, sha256, size, job_id, added_at)
    SELECT id, NEW.sha256, NEW.size, NEW.id, NEW.updated_at FROM mirror_targets
    WHERE active = 1 AND keeps_copies = 1
    ON CONFLICT DO UPDATE SET job_id = excluded.job_id, code = '', detail = '',
        state = iif(state = 'refused', 'waiting', state)"""

STATEMENTS: Final = (
    "ALTER TABLE mirror_targets ADD COLUMN keeps_copies INTEGER NOT NULL DEFAULT 0"
    " CHECK (keeps_copies IN (0, 1))",
    """
CREATE TABLE storage_copies (
    target INTEGER NOT NULL REFERENCES mirror_targets (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    -- The newest job of this content: its file is read.
    job_id INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'copied', 'refused', 'deleting')),
    added_at REAL NOT NULL,
    -- The number of the resumable upload. It opens nothing without the session.
    upload TEXT NOT NULL DEFAULT '',
    -- The file that the upload began with; another one begins anew.
    source TEXT NOT NULL DEFAULT '',
    sent INTEGER NOT NULL DEFAULT 0,
    hold INTEGER NOT NULL DEFAULT 0,
    settle TEXT NOT NULL DEFAULT ''
        CHECK (settle IN ('', 'held', 'committed', 'released', 'returned')),
    code TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (target, sha256)
) STRICT, WITHOUT ROWID""",
    "CREATE TRIGGER storage_copy AFTER UPDATE OF state ON jobs"
    " WHEN NEW.state IN ('done', 'duplicate') AND NEW.sha256 IS NOT NULL"
    f" AND OLD.state <> NEW.state BEGIN {_NOTE}; END",
)
