"""The one way to an engine, for the program, its tests and the simulation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exai_desktop.engine.assembly.assembly import Assembly
from exai_desktop.engine.assembly.parts import EngineParts


@asynccontextmanager
async def open_engine(parts: EngineParts) -> AsyncIterator[Assembly]:
    """An engine from start to stop: every task of it has ended when this is left.

    What the body raises comes out as it is, not wrapped in the task group's own error.
    """
    failure: BaseException | None = None
    assembly: Assembly | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            try:
                assembly = Assembly(parts, tasks)
                await assembly.engine.start()
                yield assembly
            except BaseException as error:  # noqa: BLE001 - raised again below, a cancel included
                failure = error
            if assembly is not None:
                await assembly.engine.stop()
    finally:
        # Behind the last task: none makes a client any more, none loses its own.
        if assembly is not None:
            await assembly.content.close()
            await assembly.accounts.close()
    if failure is not None:
        raise failure
