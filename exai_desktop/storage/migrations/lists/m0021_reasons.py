"""Files that were not sent are counted by reason, ten times a second in a window that is open.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "reasons_schema"

STATEMENTS: Final = (
    # A list that leaves groups out passes over their rows, and the rows of the table are wide.
    "DROP INDEX jobs_number",
    "CREATE INDEX jobs_number ON jobs (id, state, error_code)",
    # Most jobs have no error: the index costs them nothing.
    "CREATE INDEX jobs_reason ON jobs (state, error_code) WHERE error_code IS NOT NULL",
)
