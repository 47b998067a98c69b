"""The verbs `watch …`: folders whose new files are sent by themselves."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from exai_desktop.cli.jobs.following import pause_of
from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output, when
from exai_desktop.cli.rows import error_object
from exai_desktop.cli.session import run_verb
from exai_desktop.core.events import JobChanged, ProblemRaised, SummaryChanged
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobState, JobView, QueueSummary
from exai_desktop.core.jobs.watched_folders import (
    SETTLE_S,
    SKIP_WORDS,
    SkippedFiles,
    WatchOptions,
    WatchState,
    WatchStatus,
    counts_text,
)
from exai_desktop.core.service import UploadService

app = typer.Typer(help="Watched folders: their new files are sent by themselves.")

_WIDEST: Final = 4_000
_SETTLED: Final = frozenset(s for s in JobState if s.is_final) | {
    JobState.HELD,
    JobState.NEEDS_REVIEW,
}

Folder = Annotated[str, typer.Argument(help="The folder.", show_default=False)]
Which = Annotated[
    str,
    typer.Argument(metavar="FOLDER|ID", help="The folder or its number.", show_default=False),
]
Account = Annotated[
    str | None, typer.Option("--account", help="Send to this account; otherwise to any.")
]
Purpose = Annotated[str | None, typer.Option("--purpose", help="What the provider uses them for.")]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="PATTERN", help="Leave these out, as in a .gitignore."),
]
Settle = Annotated[
    float | None,
    typer.Option("--settle", metavar="SECONDS", help="A file is sent when unchanged for so long."),
]


def _absolute(folder: str) -> str:
    """As the shell has given it; an empty one must not mean the folder one is in."""
    if not folder:
        raise typer.BadParameter("the name of the folder is empty", param_hint="FOLDER")
    return str(Path(folder).absolute())


def _which(given: str) -> str:
    return given if given.isdecimal() else _absolute(given)


def status_object(status: WatchStatus) -> dict[str, Any]:
    """With the field names scripts rely on."""
    folder, options = status.folder, status.folder.options
    return {
        "id": folder.id,
        "folder": folder.path,
        "state": status.state.value,
        "words": status.words,
        "error": error_object(status.error),
        "account": options.account,
        "purpose": options.purpose,
        "subfolders": options.with_subfolders,
        "ignore": list(options.ignore),
        "settle_s": options.settle_s,
        "added_at": folder.added_at,
        "last_file": folder.last_path,
        "last_at": folder.last_at,
        **asdict(status.counts),
    }


def _print(status: WatchStatus, output: Output) -> None:
    if output.as_json:
        output.json(status_object(status))
        return
    folder = status.folder
    output.line(f"{folder.id}  {plain_text(folder.path, _WIDEST)}")
    output.line(f"   {plain_text(status.words)}; {counts_text(status.counts)}")
    if folder.last_path is not None and folder.last_at is not None:
        output.line(f"   last file: {plain_text(folder.last_path)}, {when(folder.last_at)}")
    if status.error is not None:
        output.problem(status.error)
    if status.state is WatchState.REPLACED:
        output.notice(
            "   Nothing is sent. If it is the right folder:"
            f" exai-desktop watch resume {folder.id} --same-folder"
        )


@app.command()
def add(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    folder: Folder,
    account: Account = None,
    purpose: Purpose = None,
    no_subfolders: Annotated[
        bool, typer.Option("--no-subfolders", help="Only files in the folder itself.")
    ] = False,
    ignore: Ignore = None,
    settle: Settle = None,
    new_only: Annotated[
        bool, typer.Option("--new-only", help="Do not send what is in the folder already.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also if it is the home folder or the whole disk.")
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Send the files in this folder, and each new one, while the program runs."""
    path = _absolute(folder)
    options = WatchOptions(
        account,
        purpose,
        not no_subfolders,
        tuple(ignore or ()),
        SETTLE_S if settle is None else settle,
    )

    async def verb(service: UploadService, output: Output) -> Exit:
        added = await service.watched.add(path, options, only_new=new_only, is_confirmed=yes)
        _print(added, output)
        _say_if_off([added], output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


@app.command()
def edit(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    folder: Which,
    account: Account = None,
    purpose: Purpose = None,
    subfolders: Annotated[
        bool | None, typer.Option("--subfolders/--no-subfolders", show_default=False)
    ] = None,
    ignore: Ignore = None,
    settle: Settle = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Change how a folder is watched. An empty text (--account "") takes a choice back."""
    which = _which(folder)

    async def verb(service: UploadService, output: Output) -> Exit:
        known = await service.watched.one(which)
        options = known.folder.options
        if account is not None:
            options = replace(options, account=account or None)
        if purpose is not None:
            options = replace(options, purpose=purpose or None)
        if subfolders is not None:
            options = replace(options, with_subfolders=subfolders)
        if ignore is not None:
            options = replace(options, ignore=tuple(filter(None, ignore)))
        if settle is not None:
            options = replace(options, settle_s=settle)
        _print(await service.watched.edit(str(known.folder.id), options), output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


@app.command("list")
def show(ctx: typer.Context, as_json: Json = False, sandbox: Sandbox = False) -> None:
    """List the watched folders, with their state and counts."""

    async def verb(service: UploadService, output: Output) -> Exit:
        found = await service.watched.all()
        for status in found:
            _print(status, output)
        if not found and not as_json:
            output.line("No watched folders.")
        _say_if_off(found, output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _say_if_off(found: list[WatchStatus], output: Output) -> None:
    if any(status.state is WatchState.OFF for status in found):
        output.notice(
            "Nothing is being watched now: open the window, or run `exai-desktop watch run`."
        )


@app.command()
def pause(
    ctx: typer.Context, folder: Which, as_json: Json = False, sandbox: Sandbox = False
) -> None:
    """Stop watching a folder until `watch resume`. Files in the queue are still sent."""
    which = _which(folder)

    async def verb(service: UploadService, output: Output) -> Exit:
        _print(await service.watched.pause(which), output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


@app.command()
def resume(
    ctx: typer.Context,
    folder: Which,
    same_folder: Annotated[
        bool,
        typer.Option("--same-folder", help="The folder that is there now is the right one."),
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Watch a paused folder again; what came meanwhile is sent."""
    which = _which(folder)

    async def verb(service: UploadService, output: Output) -> Exit:
        found = await service.watched.resume(which, is_same=same_folder)
        _print(found, output)
        _say_if_off([found], output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


@app.command()
def remove(
    ctx: typer.Context, folder: Which, as_json: Json = False, sandbox: Sandbox = False
) -> None:
    """Do not watch this folder any more. Files in the queue are still sent."""
    which = _which(folder)

    async def verb(service: UploadService, output: Output) -> Exit:
        await service.watched.remove(which)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


@app.command()
def skipped(
    ctx: typer.Context,
    folder: Which,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many files.")] = 1_000,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """List what in the folder is not sent, and why."""
    which = _which(folder)

    async def verb(service: UploadService, output: Output) -> Exit:
        _print_skipped(await service.watched.skipped(which, limit), output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _print_skipped(found: SkippedFiles, output: Output) -> None:
    if output.as_json:
        for file in found.files:
            output.json({"path": file.path, "reason": file.reason.value, "detail": file.detail})
        output.json({"counts": {reason.value: count for reason, count in found.counts.items()}})
        return
    for file in found.files:
        detail = f" ({plain_text(file.detail)})" if file.detail else ""
        output.line(f"{plain_text(file.path, _WIDEST)}  {SKIP_WORDS[file.reason]}{detail}")
    for reason, count in found.counts.items():
        output.line(f"{count:,}  {SKIP_WORDS[reason]}")
    if not found.total:
        output.line("Nothing is skipped.")


@app.command()
def run(ctx: typer.Context, as_json: Json = False, sandbox: Sandbox = False) -> None:
    """Watch the folders without a window, until Ctrl+C. Prints each file that is sent."""

    async def verb(service: UploadService, output: Output) -> Exit:
        events = await service.events()
        try:
            if not await service.watched.begin():
                output.notice("Nothing can be watched: the profile cannot be written.")
                return Exit.SOME_FAILED
            if not as_json:
                for status in await service.watched.all():
                    _print(status, output)
            standstill = _Standstill(output)
            standstill.see(await service.queue.summary())
            async for event in events:
                if isinstance(event, SummaryChanged):
                    standstill.see(event.summary)
                elif isinstance(event, JobChanged) and _is_told(event.job):
                    output.job(event.job)
                elif isinstance(event, ProblemRaised):
                    output.problem(event.error)
        finally:
            await events.aclose()
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


class _Standstill:
    """Tells once that uploads are paused, and once that they go on."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._told = ""

    def see(self, summary: QueueSummary) -> None:
        view = pause_of(summary, time.time())
        text = "" if view is None else ": ".join(filter(None, [view.title, view.detail]))
        if text != self._told:
            self._told = text
            self._output.notice(text or "Uploads go on.")


def _is_told(job: JobView) -> bool:
    return job.watched is not None and job.state in _SETTLED
