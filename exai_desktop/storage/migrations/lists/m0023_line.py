"""The order in which files are sent, as the user has changed it.

The index holds one number for each job: first what is being sent, then the line, then what is
stopped, then what is finished, the newest of it first.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "line_schema"

# The same text is the order of a list: SQLite uses the index for nothing else.
LINE_KEY: Final = (
    "CASE WHEN state IN ('queued', 'checking', 'hashing', 'waiting')"
    " THEN coalesce(place, id * 16777216)"
    " WHEN state IN ('sending', 'confirming')"
    " THEN coalesce(place, id * 16777216) - 1152921504606846976"
    " WHEN state IN ('held', 'uncertain', 'needs_review')"
    " THEN coalesce(place, id * 16777216) + 1152921504606846976"
    " ELSE 3458764513820540928 - id END"
)

STATEMENTS: Final = (
    "ALTER TABLE jobs ADD COLUMN place INTEGER",
    f"CREATE INDEX jobs_line ON jobs ({LINE_KEY})",
)
