"""Running one verb: opening the service, translating errors and signals to exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import typer

from exai_desktop.cli.doors import PASSPHRASE_FILE, doors
from exai_desktop.cli.output import Exit, Output, exit_for
from exai_desktop.core.accounts.secret_store import StoreState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.service import UploadService

# A verb says by these how it ends: they are no faults.
_ENDS: Final = (typer.Exit, typer.Abort, typer.BadParameter)
log = logging.getLogger(__name__)
T = TypeVar("T")
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
            return await _logged(verb(service, output))

    code = _run(with_service(), output)
    if output.failure is not None:
        why = output.failure.strerror
        output.errors.print(f"The output could not be written: {why}. The work itself was done.")
        code = code or Exit.SOME_FAILED
    raise typer.Exit(int(code))


async def _logged(work: Awaitable[Exit]) -> Exit:
    """What nobody expected is in the log with its traceback; the log ends with the service."""
    try:
        return await work
    except (AppError, *_ENDS):
        raise
    except Exception:
        log.exception("the verb ended with an unexpected error")
        raise


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


async def meanwhile(ask: Callable[[], T]) -> T:
    """Asked in a thread of its own: uploads go on meanwhile, and Ctrl+C does not wait for it."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answer.set_exception(error)

    threading.Thread(target=run, name="question", daemon=True).start()
    return await asyncio.wrap_future(answer)


def _run(work: Coroutine[Any, Any, Exit], output: Output) -> int:
    try:
        return asyncio.run(_until_signalled(work))
    except AppError as error:
        output.error(error)
        return exit_for(error.code)
    except _ENDS:
        raise
    except Exception as error:  # noqa: BLE001 - the one place where what nobody expected ends
        return _unexpected(error, output)
    except (asyncio.CancelledError, KeyboardInterrupt):
        output.errors.print("Interrupted. Unfinished files stay in the queue.")
        return 130


def _unexpected(error: Exception, output: Output) -> int:
    """In words; the traceback is in the log."""
    text = redact(f"{type(error).__name__}: {error}")
    output.error(
        AppError(ErrorCode.UNEXPECTED_ERROR, f"{text}; `exai-desktop doctor` names the log")
    )
    return Exit.SOME_FAILED


async def _until_signalled(work: Coroutine[Any, Any, Exit]) -> Exit:
    """Like Ctrl+C, a request to end lets the engine settle its jobs first."""
    task = asyncio.ensure_future(work)
    if sys.platform != "win32":
        numbers = {signal.SIGTERM, signal.SIGHUP}
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            numbers.remove(signal.SIGHUP)  # nohup: it shall live on without its terminal
        with contextlib.suppress(ValueError):  # not in the main thread
            for number in numbers:
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
