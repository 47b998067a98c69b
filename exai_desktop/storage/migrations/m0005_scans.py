"""What a malware scanner said of a job's file.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "scan_schema"

SCAN_VERDICTS: Final = "'clean', 'found', 'not_scanned'"

STATEMENTS: Final = (
    f"ALTER TABLE jobs ADD COLUMN scan_verdict TEXT CHECK (scan_verdict IN ({SCAN_VERDICTS}))",
    "ALTER TABLE jobs ADD COLUMN scan_detail TEXT",
    "ALTER TABLE jobs ADD COLUMN scan_engine TEXT",
    "ALTER TABLE jobs ADD COLUMN scan_database TEXT",
)
