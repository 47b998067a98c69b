"""The limit over all devices: what the project has counted, which of our files it has counted, and
the room that jobs have asked for.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "quotas_schema"

STATEMENTS: Final = (
    """
CREATE TABLE mirror_quotas (
    target INTEGER PRIMARY KEY REFERENCES mirror_targets (id) ON DELETE CASCADE,
    limit_bytes INTEGER NOT NULL,
    file_bytes INTEGER NOT NULL,
    used_bytes INTEGER NOT NULL,
    reserved_bytes INTEGER NOT NULL,
    counted_at REAL NOT NULL
) STRICT""",
    # What the project has counted for this copy, as of the last contact. Told anew, it is open
    # until the next one.
    "ALTER TABLE mirror_ids ADD COLUMN counted_bytes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE mirror_ids ADD COLUMN is_counted INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX mirror_ids_uncounted ON mirror_ids (target, local_id)"
    " WHERE kind = 'copy' AND is_counted = 0",
    # It outlives its job: the project gives the room back only when it is told.
    """
CREATE TABLE quota_reservations (
    id TEXT PRIMARY KEY,
    target INTEGER NOT NULL REFERENCES mirror_targets (id) ON DELETE CASCADE,
    job_id INTEGER NOT NULL,
    size INTEGER NOT NULL,
    is_granted INTEGER NOT NULL DEFAULT 0 CHECK (is_granted IN (0, 1)),
    UNIQUE (target, job_id)
) STRICT, WITHOUT ROWID""",
)
