"""The order of long lists, so that a page of them is read and not sorted.

Each index ends in the number of the job. New jobs are added to the sums by whoever adds them, some
hundred at once: a trigger for each row took half of the time.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "lists_schema"

STATEMENTS: Final = (
    # Rows of the table are wide: passing over 900,000 of them takes ten times as long.
    "CREATE INDEX jobs_number ON jobs (id, state)",
    "CREATE INDEX jobs_name ON jobs (name COLLATE NOCASE)",
    "CREATE INDEX jobs_size ON jobs (size)",
    "DROP TRIGGER jobs_added",
)
