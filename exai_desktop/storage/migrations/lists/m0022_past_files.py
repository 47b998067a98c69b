"""What has left the queue stays in the history, in a table of its own: lists of the queue never
pass over it.

`ended_at` is the `updated_at` of the job. Each index has the state and the account, too, so that
what is passed over on the way to a page need not be read from the table.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

from exai_desktop.storage.migrations.m0012_gone_files import GONE

NAME: Final = "past_files_schema"

STATEMENTS: Final = (
    f"""
CREATE TABLE past_files (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL,
    path BLOB NOT NULL,
    name TEXT NOT NULL,
    search_text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'duplicate', 'refused', 'failed', 'cancelled')),
    size INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    cleared_at REAL NOT NULL,
    provider TEXT,
    account TEXT,
    purpose TEXT,
    sha256 TEXT,
    file_id TEXT,
    file_state TEXT CHECK (file_state IN ({GONE})),
    error_code TEXT,
    error_detail TEXT,
    error_retry_after REAL,
    attempts INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX past_number ON past_files (id, state, account)",
    "CREATE INDEX past_ended ON past_files (updated_at, id, state, account)",
    "CREATE INDEX past_name ON past_files (name COLLATE NOCASE, id, state, account)",
    "CREATE INDEX past_size ON past_files (size, id, state, account)",
    "CREATE INDEX past_account ON past_files (account, id, state)",
    "CREATE INDEX past_state ON past_files (state, id, account)",
    "CREATE INDEX past_batch ON past_files (batch_id, id, state, account)",
    "CREATE INDEX past_text ON past_files (search_text)",
    "CREATE INDEX past_file ON past_files (file_id) WHERE file_id IS NOT NULL",
    "CREATE INDEX past_hash ON past_files (sha256) WHERE sha256 IS NOT NULL",
    "CREATE INDEX past_gone ON past_files (file_state) WHERE file_state IS NOT NULL",
    "CREATE INDEX past_reason ON past_files (state, error_code) WHERE error_code IS NOT NULL",
    # Counted as the rows change, as those of jobs are.
    """
CREATE TABLE past_sums (
    state TEXT PRIMARY KEY,
    files INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID""",
    "INSERT INTO past_sums (state)"
    " VALUES ('done'), ('duplicate'), ('refused'), ('failed'), ('cancelled')",
    "CREATE TRIGGER past_added AFTER INSERT ON past_files BEGIN"
    " UPDATE past_sums SET files = files + 1 WHERE state = NEW.state; END",
    "CREATE TRIGGER past_forgotten AFTER DELETE ON past_files BEGIN"
    " UPDATE past_sums SET files = files - 1 WHERE state = OLD.state; END",
    # As for jobs: all that share an id lose it together, wherever they are listed.
    f"""
CREATE TRIGGER past_copies_moved AFTER UPDATE OF state ON copies WHEN OLD.state <> NEW.state BEGIN
    UPDATE past_files SET file_state = CASE WHEN NEW.state IN ({GONE}) THEN NEW.state END
    WHERE file_id = NEW.remote_id AND account = NEW.account AND sha256 = NEW.sha256
        AND state IN ('done', 'duplicate');
END""",  # noqa: S608 - constants
)
