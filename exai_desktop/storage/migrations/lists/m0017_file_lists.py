"""The order of the files at the providers, so that a page of them is read and not sorted; and the
texts that jobs are searched by, apart from the wide rows of their table.

Each index has the number, the state and the account too: what is passed over on the way to a page,
or found by its name, need not be read from the table.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "file_lists_schema"

STATEMENTS: Final = (
    "CREATE INDEX jobs_text ON jobs (search_text)",
    "CREATE INDEX jobs_hash ON jobs (sha256) WHERE sha256 IS NOT NULL",
    "CREATE INDEX copies_hash ON copies (sha256)",
    "CREATE INDEX copies_by_time ON copies (recorded_at, id, state, account)",
    "CREATE INDEX copies_by_name ON copies (remote_name COLLATE NOCASE, id, state, account)",
    "CREATE INDEX copies_by_state ON copies (state, id, account)",
    "CREATE INDEX copies_by_size ON copies (size, id, state, account)",
    "CREATE INDEX copies_by_account ON copies (account, id, state)",
    # What never expires comes last when the soonest comes first.
    "CREATE INDEX copies_by_expiry ON copies (coalesce(expires_at, 9e18), id, state, account)",
)
