"""Watched folders, and what was found in them.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "watched_folders_schema"

STATEMENTS: Final = (
    """
CREATE TABLE watched_folders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL UNIQUE,
    -- Text, as those of a job: unsigned, and wide on some systems.
    inode TEXT NOT NULL,
    file_system TEXT NOT NULL,
    account TEXT,
    purpose TEXT,
    with_subfolders INTEGER NOT NULL CHECK (with_subfolders IN (0, 1)),
    ignore TEXT NOT NULL,
    settle_s REAL NOT NULL,
    added_at REAL NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    listed INTEGER NOT NULL CHECK (listed IN (0, 1)),
    last_path BLOB,
    last_at REAL
) STRICT""",
    # `memory` is what was remembered of the file; without a job it was there before.
    """
CREATE TABLE watched_files (
    folder INTEGER NOT NULL REFERENCES watched_folders (id) ON DELETE CASCADE,
    path BLOB NOT NULL,
    memory TEXT NOT NULL,
    job_id INTEGER,
    PRIMARY KEY (folder, path)
) STRICT, WITHOUT ROWID""",
    "ALTER TABLE jobs ADD COLUMN watched INTEGER",
    "CREATE INDEX jobs_watched ON jobs (watched, state) WHERE watched IS NOT NULL",
)
