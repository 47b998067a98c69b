"""Running one verb: opening the service, translating errors and signals to exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import typer

from exai_desktop.cli.doors import doors
from exai_desktop.cli.output import Exit, Output, exit_for
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.service import UploadService

Verb = Callable[[UploadService, Output], Awaitable[Exit]]


def run_verb(
    ctx: typer.Context, verb: Verb, *, as_json: bool, sandbox: bool, again: bool = False
) -> None:
    """Run a verb against the profile's service and leave with its exit code.

    `again`: when the process that carried it out is closed meanwhile, the verb is begun anew on
    an engine of our own.
    """
    output = Output(as_json=as_json)
    open_service = doors(ctx).open_service

    async def with_service() -> Exit:
        while True:
            try:
                return await once()
            except AppError as error:
                if not again or error.code is not ErrorCode.OWNER_GONE:
                    raise

    async def once() -> Exit:
        async with open_service(sandbox) as service:
            for line in (await service.facts()).get("problems", "").splitlines():
                output.notice(line)
            return await verb(service, output)

    raise typer.Exit(int(_run(with_service(), output)))


def _run(work: Coroutine[Any, Any, Exit], output: Output) -> int:
    try:
        return asyncio.run(_until_signalled(work))
    except AppError as error:
        output.error(error)
        return exit_for(error.code)
    except (asyncio.CancelledError, KeyboardInterrupt):
        output.errors.print("Interrupted. Unfinished files stay in the queue.")
        return 130


async def _until_signalled(work: Coroutine[Any, Any, Exit]) -> Exit:
    """Like Ctrl+C, a request to end lets the engine settle its jobs first."""
    task = asyncio.ensure_future(work)
    if sys.platform != "win32":
        with contextlib.suppress(ValueError):  # not in the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
