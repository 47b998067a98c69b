"""What waits to be told to the user's Supabase project.

By triggers, so that no way of changing a row can forget it, and in the same transaction. The
outbox says THAT a row has changed, not what: many changes become one, and nothing is kept twice.
Without an active target nothing is written.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "mirror_schema"

# A job that has ended, or may have left something at a provider.
TOLD: Final = (
    "'sending', 'confirming', 'done', 'duplicate', 'refused', 'failed', 'cancelled', 'held',"
    " 'uncertain', 'needs_review'"
)
_ENDED: Final = "'done', 'duplicate', 'refused', 'failed', 'cancelled'"


def _mark(kind: str, row: str) -> str:
    return f"""
    INSERT INTO outbox (target, kind, local_id)
    SELECT id, '{kind}', {row}.id FROM mirror_targets WHERE active = 1
    ON CONFLICT DO UPDATE SET generation = generation + 1, parked_code = NULL"""  # noqa: S608 - ours


STATEMENTS: Final = (
    # A project and a user. What waits for one never goes to another.
    """
CREATE TABLE mirror_targets (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
    -- How far the rows from before the first sign-in have been marked.
    jobs_filled INTEGER NOT NULL DEFAULT 0,
    copies_filled INTEGER NOT NULL DEFAULT 0,
    audit_sent INTEGER NOT NULL DEFAULT 0,
    UNIQUE (url, user_id)
) STRICT""",
    "CREATE UNIQUE INDEX mirror_one_active ON mirror_targets (active) WHERE active = 1",
    # It outlives the row: a forgotten job becomes a tombstone there. `rev`: what was last answered.
    """
CREATE TABLE mirror_ids (
    target INTEGER NOT NULL REFERENCES mirror_targets (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    local_id INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    rev INTEGER,
    PRIMARY KEY (target, kind, local_id)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE outbox (
    target INTEGER NOT NULL REFERENCES mirror_targets (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'copy')),
    local_id INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    -- Fixed before the first byte leaves, and the same again after a crash.
    op_id TEXT,
    sent_generation INTEGER,
    payload TEXT,
    -- Why it was refused for good; the next change tries again.
    parked_code TEXT,
    PRIMARY KEY (target, kind, local_id),
    CHECK ((op_id IS NULL) = (payload IS NULL) AND (op_id IS NULL) = (sent_generation IS NULL))
) STRICT, WITHOUT ROWID""",
    # New jobs are marked by whoever adds them: a trigger for each row took a third of the time.
    "CREATE TRIGGER outbox_job AFTER UPDATE OF state, file_id, account, error_code, twin_of ON jobs"
    f" WHEN NEW.state IN ({TOLD}) OR OLD.state IN ({_ENDED}) BEGIN {_mark('file', 'NEW')}; END",
    f"CREATE TRIGGER outbox_job_gone AFTER DELETE ON jobs BEGIN {_mark('file', 'OLD')}; END",
    f"CREATE TRIGGER outbox_copy_new AFTER INSERT ON copies BEGIN {_mark('copy', 'NEW')}; END",
    # Without `verified_at`: that a file is still there need not be told at once. It goes along.
    "CREATE TRIGGER outbox_copy AFTER UPDATE OF state, usable, expires_at, remote_name, purpose,"
    f" sha256, size, origin, account ON copies BEGIN {_mark('copy', 'NEW')}; END",
    f"CREATE TRIGGER outbox_copy_gone AFTER DELETE ON copies BEGIN {_mark('copy', 'OLD')}; END",
)
