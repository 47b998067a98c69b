"""Files that were not sent are counted by reason, ten times a second in a window that is open.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "reasons_schema"

STATEMENTS: Final = (
    # Most jobs have no error: the index costs them nothing.
    "CREATE INDEX jobs_reason ON jobs (state, error_code) WHERE error_code IS NOT NULL",
)
