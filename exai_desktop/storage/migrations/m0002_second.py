"""The second schema: the audit trail. Released: never changed, only followed by further steps.

No reference leads out of it, so it outlives what it tells of. The triggers guard against slips
and against `INSERT OR REPLACE`, which deletes without a word; the chain guards against the rest.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "second_schema"

START: Final = "0" * 64

_FORBID: Final = "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"

STATEMENTS: Final = (
    """
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    job_id INTEGER,
    path_text TEXT,
    account TEXT,
    provider TEXT,
    purpose TEXT,
    remote_id TEXT,
    sha256 TEXT,
    bytes INTEGER,
    outcome TEXT NOT NULL,
    error_code TEXT,
    detail TEXT NOT NULL,
    key_id TEXT NOT NULL,
    previous TEXT NOT NULL,
    mac TEXT NOT NULL
) STRICT""",
    f"""
CREATE TRIGGER audit_in_order BEFORE INSERT ON audit
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
        OR NEW.previous IS NOT coalesce((SELECT mac FROM audit WHERE seq = NEW.seq - 1), '{START}')
    {_FORBID}""",  # noqa: S608 - our own texts
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_FORBID}",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {_FORBID}",
)
