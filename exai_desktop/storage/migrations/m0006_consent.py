"""What the user has accepted of a file's content, and who handed it over.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "consent_schema"

_ACCEPTED: Final = "ADD COLUMN accepted TEXT NOT NULL DEFAULT '[]'"

STATEMENTS: Final = (
    # Codes, as a list in JSON.
    f"ALTER TABLE batches {_ACCEPTED}",
    f"ALTER TABLE jobs {_ACCEPTED}",
    # Which content the question was about that the user may answer.
    "ALTER TABLE jobs ADD COLUMN judged TEXT",
    "ALTER TABLE jobs ADD COLUMN unattended INTEGER NOT NULL DEFAULT 0"
    " CHECK (unattended IN (0, 1))",
)
