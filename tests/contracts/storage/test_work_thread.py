"""The thread that owns the database keeps serving, whatever one of its works does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from exai_desktop.storage.sqlite.driver import (
    Connection,
    Work,
    WorkThread,
    create_private,
    open_writer,
)


async def test_a_fault_of_the_program_reaches_whoever_waits_and_ends_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "w.db"
    create_private(path)
    broken = [True]

    def carry_out(connection: Connection, group: Sequence[Work]) -> None:
        if broken.pop() if broken else False:
            connection.execute("BEGIN IMMEDIATE")
            raise LookupError("a fault of ours")
        for work in group:
            work.result = work.run(connection)

    thread = WorkThread("w", lambda: open_writer(path), carry_out, 8)
    try:
        async with asyncio.timeout(60):
            with pytest.raises(LookupError):
                await thread.submit(lambda _: 1)
            # A transaction left open would be in the way of this one.
            begun = await thread.submit(lambda c: c.execute("BEGIN IMMEDIATE").rowcount)
            assert begun == -1
    finally:
        thread.close()
