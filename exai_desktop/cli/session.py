"""Running one verb: opening the service, translating errors and signals to exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final

import typer

from exai_desktop.cli.doors import PASSPHRASE_FILE, doors
from exai_desktop.cli.output import Exit, Output, exit_for
from exai_desktop.core.accounts.secret_store import StoreState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.service import UploadService

Verb = Callable[[UploadService, Output], Awaitable[Exit]]
_PASSPHRASE: Final = "exai-desktop passphrase"  # noqa: S105 - a name


def run_verb(
    ctx: typer.Context, verb: Verb, *, as_json: bool, sandbox: bool, again: bool = False
) -> None:
    """Run a verb against the profile's service and leave with its exit code.

    `again`: when the process that carried it out is closed meanwhile, the verb is begun anew on
    an engine of our own.
    """
    output = Output(as_json=as_json)
    open_service = doors(ctx).open_service
    with errors_told(output):
        passphrase = None if sandbox else passphrase_of(ctx)

    async def with_service() -> Exit:
        while True:
            try:
                return await once()
            except AppError as error:
                if not again or error.code is not ErrorCode.OWNER_GONE:
                    raise

    async def once() -> Exit:
        async with open_service(sandbox, passphrase) as service:
            if passphrase:
                await _unlock(service, passphrase)
            for line in (await service.facts()).get("problems", "").splitlines():
                output.notice(line)
            return await verb(service, output)

    raise typer.Exit(int(_run(with_service(), output)))


async def _unlock(service: UploadService, passphrase: str) -> None:
    """Another process may hold the profile, with its vault still locked."""
    status = await service.keys.status()
    if status.has_vault and status.state is StoreState.LOCKED:
        await service.keys.unlock(passphrase)


@contextlib.contextmanager
def errors_told(output: Output) -> Iterator[None]:
    """For what a verb does before, or without, the service: errors end it as they always do."""
    try:
        yield
    except AppError as error:
        output.error(error)
        raise typer.Exit(int(exit_for(error.code))) from error


def passphrase_of(ctx: typer.Context) -> str | None:
    """What opens the vault; the user is asked at a terminal only, and before anything runs."""

    def ask() -> str:
        return hidden("Passphrase of the vault (Enter: go on without keys): ")

    if _PASSPHRASE not in ctx.meta:
        file = ctx.meta.get(PASSPHRASE_FILE)
        found = doors(ctx).secrets.passphrase(file, ask if can_ask() else None)
        ctx.meta[_PASSPHRASE] = found
    known: str | None = ctx.meta[_PASSPHRASE]
    return known


def can_ask() -> bool:
    """Whether somebody sits at a terminal."""
    return sys.stderr.isatty()


def hidden(question: str) -> str:
    """An answer that is not shown while it is typed."""
    try:
        return getpass.getpass(question)
    except (EOFError, KeyboardInterrupt) as error:
        raise typer.Abort from error


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
