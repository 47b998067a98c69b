"""The first schema, as it was released: never changed, only followed by further steps.

A path is kept as the bytes the file system has; `name` and `search_text` are its readable forms.
mtime, device and inode are text: inodes are unsigned, 128 bits wide on some systems, and a clock
set wrong makes a time that 64 bits do not hold. They are compared, never calculated with.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "first_schema"

JOB_STATES: Final = (
    "'queued', 'checking', 'hashing', 'waiting', 'sending', 'confirming', 'done', 'refused',"
    " 'duplicate', 'held', 'uncertain', 'needs_review', 'failed', 'cancelled'"
)
COPY_STATES: Final = "'present', 'deleting', 'deleted', 'missing', 'expired', 'foreign'"
# Queries repeat this text word for word: else SQLite does not see that the index serves them.
IN_FLIGHT: Final = "state IN ('sending', 'confirming', 'uncertain', 'needs_review')"
PRESENT: Final = "state = 'present' AND usable = 1"

# A sparse file may claim 8 EiB; two of them must not make the sum overflow.
_IN: Final = """
UPDATE job_sums SET jobs = jobs + 1, bytes = bytes + min(NEW.size, 1125899906842624)
WHERE state = NEW.state"""
_OUT: Final = """
UPDATE job_sums SET jobs = jobs - 1, bytes = bytes - min(OLD.size, 1125899906842624)
WHERE state = OLD.state"""

STATEMENTS: Final = (
    """
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at REAL NOT NULL,
    origin TEXT NOT NULL,
    wanted_account TEXT,
    wanted_purpose TEXT,
    allow_fallback INTEGER NOT NULL CHECK (allow_fallback IN (0, 1))
) STRICT""",
    # AUTOINCREMENT: the number of a forgotten job never comes back for another one.
    f"""
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id INTEGER NOT NULL REFERENCES batches (id),
    path BLOB NOT NULL,
    name TEXT NOT NULL,
    search_text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ({JOB_STATES})),
    size INTEGER NOT NULL CHECK (size >= 0),
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    wanted_account TEXT,
    wanted_purpose TEXT,
    allow_fallback INTEGER NOT NULL CHECK (allow_fallback IN (0, 1)),
    provider TEXT,
    account TEXT,
    purpose TEXT,
    mtime_ns TEXT,
    device TEXT,
    inode TEXT,
    sha256 TEXT,
    sent_name TEXT,
    route_reason TEXT,
    transport TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL,
    wait_reason TEXT,
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    file_id TEXT,
    twin_of INTEGER,
    error_code TEXT,
    error_detail TEXT,
    error_retry_after REAL,
    finished_at REAL,
    -- The unique index below takes NULLs for different: without all three it would not hold.
    CHECK (NOT ({IN_FLIGHT})
        OR (account IS NOT NULL AND purpose IS NOT NULL AND sha256 IS NOT NULL))
) STRICT""",
    "CREATE INDEX jobs_state ON jobs (state)",
    "CREATE INDEX jobs_batch ON jobs (batch_id)",
    "CREATE INDEX jobs_account ON jobs (account)",
    "CREATE INDEX jobs_updated ON jobs (updated_at)",
    f"CREATE UNIQUE INDEX jobs_in_flight ON jobs (account, purpose, sha256) WHERE {IN_FLIGHT}",
    """
CREATE TABLE attempts (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    transport TEXT NOT NULL,
    sent_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL,
    outcome TEXT,
    error_code TEXT,
    detail TEXT,
    http_status INTEGER,
    request_id TEXT,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID""",
    f"""
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    at REAL NOT NULL,
    old TEXT CHECK (old IN ({JOB_STATES})),
    new TEXT NOT NULL CHECK (new IN ({JOB_STATES})),
    note TEXT NOT NULL
) STRICT""",
    "CREATE INDEX history_job ON history (job_id)",
    f"""
CREATE TABLE copies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    purpose TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    remote_id TEXT NOT NULL,
    remote_name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ({COPY_STATES})),
    usable INTEGER NOT NULL CHECK (usable IN (0, 1)),
    recorded_at REAL NOT NULL,
    job_id INTEGER REFERENCES jobs (id) ON DELETE SET NULL,
    verified_at REAL,
    expires_at REAL,
    UNIQUE (account, remote_id)
) STRICT""",
    f"CREATE UNIQUE INDEX copies_present ON copies (account, purpose, sha256) WHERE {PRESENT}",
    "CREATE INDEX copies_job ON copies (job_id)",
    "CREATE INDEX copies_state ON copies (state, account, size)",
    """
CREATE TABLE fingerprints (
    path BLOB PRIMARY KEY,
    identity TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    taken_at REAL NOT NULL
) STRICT, WITHOUT ROWID""",
    # Counted as the rows change: counting 100,000 of them takes longer than the window can wait.
    f"""
CREATE TABLE job_sums (
    state TEXT PRIMARY KEY CHECK (state IN ({JOB_STATES})),
    jobs INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID""",
    f"INSERT INTO job_sums (state) VALUES ({JOB_STATES.replace(', ', '), (')})",  # noqa: S608 - ours
    f"CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN {_IN}; END",
    f"CREATE TRIGGER jobs_removed AFTER DELETE ON jobs BEGIN {_OUT}; END",
    "CREATE TRIGGER jobs_changed AFTER UPDATE OF state, size ON jobs"
    " WHEN OLD.state <> NEW.state OR OLD.size <> NEW.size"
    f" BEGIN {_OUT}; {_IN}; END",
)
