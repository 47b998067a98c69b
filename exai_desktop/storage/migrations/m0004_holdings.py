"""What lies at each account, counted as the rows change; and when an attempt's last block left.

Released: never changed, only followed by further steps. There is no reservation to forget: a job
that is on its way counts by its own row, a file at the provider by its copy's.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "holdings_schema"

# A copy being deleted, or of a stranger, takes room like any other.
_TAKES_ROOM: Final = "state IN ('present', 'deleting', 'foreign')"

_SHIFT: Final = """
    INSERT INTO holdings (account, purpose, files, bytes)
        VALUES ({row}.account, {row}.purpose, {sign}1, {sign}{row}.size)
    ON CONFLICT (account, purpose) DO UPDATE SET
        files = files + excluded.files, bytes = bytes + excluded.bytes"""
_IN: Final = _SHIFT.format(row="NEW", sign="")
_OUT: Final = _SHIFT.format(row="OLD", sign="-")

STATEMENTS: Final = (
    """
CREATE TABLE holdings (
    account TEXT NOT NULL,
    purpose TEXT NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (account, purpose)
) STRICT, WITHOUT ROWID""",
    f"""
INSERT INTO holdings SELECT account, purpose, count(*), sum(size) FROM copies
WHERE {_TAKES_ROOM} GROUP BY account, purpose""",  # noqa: S608 - our own texts
    f"CREATE TRIGGER copies_held AFTER INSERT ON copies WHEN NEW.{_TAKES_ROOM} BEGIN {_IN}; END",
    f"CREATE TRIGGER copies_let_go AFTER DELETE ON copies WHEN OLD.{_TAKES_ROOM} BEGIN {_OUT}; END",
    # Two: a change may be one of place, purpose or size as well as of state.
    "CREATE TRIGGER copies_left AFTER UPDATE OF state, account, purpose, size ON copies"
    f" WHEN OLD.{_TAKES_ROOM} BEGIN {_OUT}; END",
    "CREATE TRIGGER copies_came AFTER UPDATE OF state, account, purpose, size ON copies"
    f" WHEN NEW.{_TAKES_ROOM} BEGIN {_IN}; END",
    "ALTER TABLE attempts ADD COLUMN left_at REAL",
    "ALTER TABLE attempts ADD COLUMN clock_offset_s REAL",
)
