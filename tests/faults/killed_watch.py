"""`watch run`, which ends itself with kill -9 while what was found becomes jobs.

    python -m tests.faults.killed_watch MOMENT watch run --json

MOMENT: `before`, within the transaction with all of it written, or `after`, behind its commit with
nobody told yet. The program knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any, Final

from exai_desktop.__main__ import main
from exai_desktop.storage import database
from exai_desktop.storage.record import jobs, watched_folders

MOMENTS: Final = ("before", "after")


def arm(moment: str) -> None:
    """Lay the trap."""
    write_group = database._write_group
    is_added = False

    def added(*given: Any) -> Any:
        nonlocal is_added
        is_added = True
        return jobs.add_jobs(*given)

    def written(connection: sqlite3.Connection, group: Sequence[Any], on_full: Any) -> None:
        if moment == "before":
            connection.set_trace_callback(seen)
        write_group(connection, group, on_full)
        if is_added:
            _die()

    def seen(statement: str) -> None:
        if is_added and statement.upper().startswith("COMMIT"):
            _die()

    setattr(watched_folders, "add_jobs", added)  # noqa: B010 - a name that it imports
    database._write_group = written


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    wanted = sys.argv.pop(1)
    assert wanted in MOMENTS, "a test must never kill nobody"
    arm(wanted)
    main()
