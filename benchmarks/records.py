"""A large record, written straight into the database: to add a million files takes an hour."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

# They are in line, and none of them begins while anything is measured.
_LATER_S: Final = 1_000_000.0

_JOBS: Final = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO jobs (batch_id, path, name, search_text, state, size, created_at, updated_at,
    allow_fallback, accepted, unattended, account, provider, purpose, sha256, sent_name, file_id,
    attempts, not_before, finished_at)
SELECT :batch, CAST('/home/nobody/documents/' || :state || '/report-' || n || '.pdf' AS BLOB),
    'report-' || n || '.pdf', 'report-' || n || '.pdf /home/nobody/documents', :state,
    10000 + n % 90000, :now, :now, 0, '[]', 0,
    iif(:done, :account, NULL), iif(:done, 'kimi', NULL), iif(:done, 'file-extract', NULL),
    iif(:done, printf('%064x', n), NULL), iif(:done, 'report-' || n || '.pdf', NULL),
    iif(:done, 'file-' || n, NULL), iif(:done, 1, 0), iif(:done, NULL, :now + :later),
    iif(:done, :now, NULL)
FROM numbers"""
_HISTORY: Final = """
INSERT INTO history (job_id, at, old, new, note)
SELECT id, created_at, NULL, 'queued', '' FROM jobs WHERE batch_id = :batch ORDER BY id"""


def fill(database: Path, queued: int, finished: int, account: str = "work") -> None:
    """Into the database of a profile that nobody has open."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for state, count in (("done", finished), ("queued", queued)):
            if not count:
                continue
            batch = connection.execute(
                "INSERT INTO batches (created_at, origin, allow_fallback) VALUES (?, 'cli', 0)",
                (time.time(),),
            ).lastrowid
            values = {
                "batch": batch,
                "count": count,
                "state": state,
                "account": account,
                "done": state == "done",
                "now": time.time(),
                "later": _LATER_S,
            }
            connection.execute(_JOBS, values)
            connection.execute(_HISTORY, values)
        connection.execute("COMMIT")
