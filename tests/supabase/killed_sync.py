"""One round of the mirror in a process of its own, which ends itself with kill -9 on the way.

    python -m tests.supabase.killed_sync FOLDER URL EMAIL MOMENT NTH

MOMENT: `before-send`, or `after-commit`: the project has answered and nothing is recorded here,
or `before-local-commit`: within a transaction behind an answer, with all of it written. `none`:
to its end. The program knows nothing of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exai_desktop.storage import database
from exai_desktop.sync.project import Project
from tests.contracts.storage.test_outbox import ACCOUNTS

from .data_api import PASSWORD, PUBLISHABLE
from .link_rig import Rig

MOMENTS = ("before-send", "after-commit", "before-local-commit")


class _Killer:
    def __init__(self, moment: str, nth: int) -> None:
        self._moment = moment
        self._left = nth
        self.is_answered = False

    def strike(self, moment: str) -> None:
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _arm(killer: _Killer) -> None:
    apply, write_group = Project.apply, database._write_group

    async def sent(self: Any, device_id: str, operations: Any) -> Any:
        killer.strike("before-send")
        answers = await apply(self, device_id, operations)
        killer.strike("after-commit")
        killer.is_answered = True
        return answers

    def written(connection: sqlite3.Connection, group: Sequence[Any], on_full: Any) -> None:
        if killer.is_answered:
            in_transaction(connection)
        write_group(connection, group, on_full)

    def in_transaction(connection: sqlite3.Connection) -> None:
        def seen(statement: str) -> None:
            if statement.upper().startswith("COMMIT"):
                connection.set_trace_callback(None)
                killer.strike("before-local-commit")

        connection.set_trace_callback(seen)

    Project.apply = sent  # type: ignore[method-assign]
    database._write_group = written


async def _sync(folder: Path, url: str, email: str, killer: _Killer) -> None:
    _arm(killer)
    rig = Rig(folder, "killed", "killed")
    user = await rig.link.sign_in(url, PUBLISHABLE, email, PASSWORD)
    # The same device each time: it is in the record.
    target = await rig.desk.outbox.sign_in(
        user.url, user.user_id, "44444444-4444-4444-8444-444444444444", user.profile
    )
    await rig.link.sync(target, ACCOUNTS)
    await rig.close()


if __name__ == "__main__":
    place, address, who, when, number = sys.argv[1:]
    asyncio.run(_sync(Path(place), address, who, _Killer(when, int(number))))
