"""The order of long lists, so that a page of them is read and not sorted.

Each index ends in the number of the job. Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "lists_schema"

STATEMENTS: Final = (
    # Rows of the table are wide: passing over 900,000 of them takes ten times as long.
    "CREATE INDEX jobs_number ON jobs (id, state)",
    "CREATE INDEX jobs_name ON jobs (name COLLATE NOCASE)",
    "CREATE INDEX jobs_size ON jobs (size)",
)
