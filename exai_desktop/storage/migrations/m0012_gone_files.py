"""A job says what became of its file at the provider: all that share an id lose it together.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "gone_files_schema"

GONE: Final = "'deleting', 'deleted', 'missing', 'expired'"
_STORED: Final = "state IN ('done', 'duplicate')"

STATEMENTS: Final = (
    # NULL: it is there, as far as known.
    f"ALTER TABLE jobs ADD COLUMN file_state TEXT CHECK (file_state IN ({GONE}))",
    "CREATE INDEX jobs_file ON jobs (file_id) WHERE file_id IS NOT NULL",
    "CREATE INDEX jobs_gone ON jobs (file_state) WHERE file_state IS NOT NULL",
    # By a trigger, because a copy is moved in many places and no job may be left out.
    f"""
CREATE TRIGGER copies_moved AFTER UPDATE OF state ON copies WHEN OLD.state <> NEW.state BEGIN
    UPDATE jobs SET file_state = CASE WHEN NEW.state IN ({GONE}) THEN NEW.state END
    WHERE file_id = NEW.remote_id AND account = NEW.account AND sha256 = NEW.sha256 AND {_STORED};
END""",  # noqa: S608 - constants
    f"""
UPDATE jobs SET file_state = (
    SELECT copies.state FROM copies
    WHERE copies.account = jobs.account AND copies.remote_id = jobs.file_id
        AND copies.sha256 = jobs.sha256 AND copies.state IN ({GONE}))
WHERE {_STORED} AND file_id IS NOT NULL""",  # noqa: S608 - constants
)
