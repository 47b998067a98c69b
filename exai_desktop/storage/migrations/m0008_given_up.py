"""Uploads that were given up as never stored, and may have been stored later all the same.

Released: never changed, only followed by further steps. No reference leads out of it: it outlives
the jobs it tells of, as the file at the provider may.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "given_up_schema"

STATEMENTS: Final = (
    """
CREATE TABLE given_up (
    account TEXT NOT NULL,
    size INTEGER NOT NULL,
    sent_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (account, size, sent_name, sha256)
) STRICT, WITHOUT ROWID""",
)
