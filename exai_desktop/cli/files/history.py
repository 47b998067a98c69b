"""The verbs `history` and `clear`: every file that came to an end, also outside of the queue."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from exai_desktop.cli.jobs.jobs import Json, Sandbox, report
from exai_desktop.cli.jobs.listing import MOST_ROWS, most_rows
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.rows import error_object
from exai_desktop.cli.session import meanwhile, run_verb
from exai_desktop.core.copies.lights import light
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.history import (
    HISTORY_WORDS,
    HistoryKind,
    HistoryQuery,
    HistorySort,
    PastFile,
)
from exai_desktop.core.jobs.receipts import ReceiptForm
from exai_desktop.core.service import UploadService

_AT_ONCE: Final = 500
_DAYS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
_IDS: Final = tuple(form.value for form in ReceiptForm if not form.is_complete)
# These sort upwards unless the other way is asked for.
_UPWARDS: Final = frozenset({HistorySort.NAME, HistorySort.ACCOUNT, HistorySort.STATE})

app = typer.Typer(invoke_without_command=True)


def day_text(at: float) -> str:
    """With the day of the week: people remember that it was a Tuesday."""
    return time.strftime("%a %Y-%m-%d %H:%M", time.localtime(at))


def _light_text(file: PastFile) -> str:
    facts = file.id_facts
    if facts is not None:
        return light(facts, time.time()).words
    return plain_text(file.error.title) if file.error else HISTORY_WORDS[file.kind]


_COLUMNS: Final[dict[str, Callable[[PastFile], str]]] = {
    "number": lambda file: str(file.id),
    "ended": lambda file: day_text(file.ended_at),
    "added": lambda file: day_text(file.added_at),
    "state": lambda file: HISTORY_WORDS[file.kind],
    "name": lambda file: plain_text(file.name),
    "folder": lambda file: file.folder,
    "size": lambda file: f"{file.size:,}",
    "account": lambda file: plain_text(file.account or ""),
    "id": lambda file: plain_text(file.file_id or ""),
    "light": _light_text,
    "batch": lambda file: str(file.batch_id),
}
_SHOWN: Final = "number,ended,state,name,account,id,light"
_NUMBERS: Final = frozenset({"number", "size", "batch"})


def history_object(file: PastFile) -> dict[str, Any]:
    """A file with the field names scripts rely on."""
    facts = file.id_facts
    return {
        "id": file.id,
        "batch": file.batch_id,
        "kind": file.kind.value,
        "state": file.state.value,
        "path": file.path,
        "name": file.name,
        "bytes": file.size,
        "provider": file.provider,
        "account": file.account,
        "purpose": file.purpose,
        "sha256": file.sha256,
        "file_id": file.file_id,
        "file_state": file.file_state.value if file.file_state else None,
        "light": light(facts, time.time()).words if facts else None,
        "sharing": file.sharing if file.file_id else None,
        "file": file.copy_id,
        "verified_at": file.verified_at,
        "expires_at": file.expires_at,
        "error": error_object(file.error),
        "added_at": file.added_at,
        "ended_at": file.ended_at,
        "cleared_at": file.cleared_at,
    }


Kinds = Annotated[list[HistoryKind] | None, typer.Option(help="Only these.", show_default=False)]
Search = Annotated[str, typer.Option(help="In name, folder, file ID, hash, error or saved text.")]
Account = Annotated[str | None, typer.Option(help="Only this account.", show_default=False)]
Batch = Annotated[int | None, typer.Option(min=1, help="Only this batch.", show_default=False)]
Since = Annotated[
    datetime | None,
    typer.Option(formats=_DAYS, help="Ended at this local time or later.", show_default=False),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=_DAYS, help="Ended before this local time.", show_default=False),
]
Sort = Annotated[HistorySort, typer.Option(help="What to sort by.")]
Reverse = Annotated[bool, typer.Option("--reverse", help="The other way round.")]
ByBatch = Annotated[bool, typer.Option("--by-batch", help="In groups: what was added at once.")]
Columns = Annotated[str, typer.Option(metavar="NAMES", help=f"Which of {', '.join(_COLUMNS)}.")]
Limit = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="NUMBER",
        help=f"At most so many; {MOST_ROWS} if nothing is said, with --json all.",
        show_default=False,
    ),
]
AllRows = Annotated[bool, typer.Option("--all", help="All there are.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="All files for a spreadsheet.")]
Form = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="|".join(_IDS),
        help="The IDs that are valid now, ready to be used.",
        show_default=False,
    ),
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", dir_okay=False, help="Write to this file.", show_default=False),
]


@app.callback()
def history(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    kind: Kinds = None,
    search: Search = "",
    account: Account = None,
    batch: Batch = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = HistorySort.NUMBER,
    reverse: Reverse = False,
    by_batch: ByBatch = False,
    columns: Columns = _SHOWN,
    limit: Limit = None,
    all_rows: AllRows = False,
    as_csv: AsCsv = False,
    form: Form = None,
    target: Target = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """List every file that was sent, failed, was refused or cancelled, newest first."""
    if ctx.invoked_subcommand is not None:
        return
    wanted = _form(as_csv=as_csv, form=form, as_json=as_json, target=target)
    # From the directory this process was started in.
    whole = None if target is None else target.absolute()
    shown = _columns(columns)
    order = HistorySort.BATCH if by_batch else sort
    query = HistoryQuery(
        kinds=tuple(kind or ()),
        account=account,
        batch=batch,
        search=search,
        since=_moment(since),
        until=_moment(until),
        sort=order,
        descending=(order in _UPWARDS) is reverse,
    )
    most = most_rows(limit, all_rows=all_rows, as_json=as_json)

    async def verb(service: UploadService, output: Output) -> Exit:
        if wanted is not None:
            await _export(service, query, wanted, whole, output)
        elif as_json:
            async for file in _files(service, query, most):
                output.json(history_object(file))
        else:
            await _print(service, query, most, shown, output, by_batch=by_batch)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _form(
    *, as_csv: bool, form: str | None, as_json: bool, target: Path | None
) -> ReceiptForm | None:
    if [as_csv, form is not None, as_json and target is None].count(True) > 1:
        raise typer.BadParameter("give one of --json, --csv and --as")
    if form is not None and form not in _IDS:
        raise typer.BadParameter(f"one of {', '.join(_IDS)}", param_hint="--as")
    if form is not None:
        return ReceiptForm(form)
    if as_csv:
        return ReceiptForm.CSV
    if target is None:
        return None
    if not as_json:
        raise typer.BadParameter("give --json, --csv or --as as well", param_hint="--output")
    return ReceiptForm.REPORT


def _columns(given: str) -> list[str]:
    names = [name.strip() for name in given.split(",") if name.strip()]
    unknown = [name for name in names if name not in _COLUMNS]
    if unknown or not names:
        raise typer.BadParameter(f"names of {', '.join(_COLUMNS)}", param_hint="--columns")
    return names


def _moment(given: datetime | None) -> float | None:
    return None if given is None else given.astimezone().timestamp()


async def _files(
    service: UploadService, query: HistoryQuery, most: int | None
) -> AsyncIterator[PastFile]:
    """Page by page. By number a page follows a row, so a million of them take no longer each."""
    shown = 0
    is_by_number = query.sort is HistorySort.NUMBER and query.descending
    before = 2**62 if is_by_number else None
    while most is None or shown < most:
        limit = _AT_ONCE if most is None else min(_AT_ONCE, most - shown)
        offset = 0 if is_by_number else shown
        page = await service.history.page(replace(query, before=before, offset=offset, limit=limit))
        for file in page.rows:
            yield file
        shown += len(page.rows)
        if len(page.rows) < limit:
            return
        before = page.rows[-1].id if is_by_number else None


async def _export(
    service: UploadService,
    query: HistoryQuery,
    form: ReceiptForm,
    target: Path | None,
    output: Output,
) -> None:
    if target is not None:
        files = await service.history.save(query, form, str(target))
        if not output.as_json:
            output.line(f"{files:,} files written to {plain_text(str(target))}.")
        return
    after: int | None = None
    while True:
        piece = await service.history.text(query, form, after)
        output.write(piece.text)
        if piece.last is None:
            return
        after = piece.last


async def _print(
    service: UploadService,
    query: HistoryQuery,
    most: int | None,
    columns: list[str],
    output: Output,
    *,
    by_batch: bool,
) -> None:
    rows = [file async for file in _files(service, query, most)]
    groups: dict[int, list[PastFile]] = {}
    for file in rows:
        groups.setdefault(file.batch_id if by_batch else 0, []).append(file)
    for files in groups.values():
        if by_batch:
            first = files[0]
            without = sum(file.file_id is None for file in files)
            more = f", {without:,} without an ID" if without else ""
            count = f"{len(files):,} {'file' if len(files) == 1 else 'files'}"
            output.line(f"Batch {first.batch_id}, {day_text(first.batch_at)}: {count}{more}")
        output.table(_table(files, columns))
    total = (await service.history.page(replace(query, limit=1))).total
    if not rows:
        output.line("The history has no such file.")
    elif total > len(rows):
        output.line(f"{total - len(rows):,} more. All of them: --all")


def _table(files: list[PastFile], columns: list[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        title = {"id": "File ID", "light": "ID or reason"}.get(name, name.capitalize())
        table.add_column(title, justify="right" if name in _NUMBERS else "left")
    for file in files:
        table.add_row(*(Text(_COLUMNS[name](file)) for name in columns))
    return table


@app.command()
def forget(
    ctx: typer.Context,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers from `history`.", show_default=False)
    ] = None,
    before: Annotated[
        datetime | None,
        typer.Option(formats=_DAYS, help="All that ended earlier.", show_default=False),
    ] = None,
    all_files: Annotated[bool, typer.Option("--all", help="The whole history.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Delete entries of the history for good. Files at the providers and the queue stay."""
    if [bool(numbers), before is not None, all_files].count(True) != 1:
        raise typer.BadParameter("give either numbers, --before or --all")

    async def verb(service: UploadService, output: Output) -> Exit:
        if not yes and not (sys.stdin.isatty() and await meanwhile(_confirmed)):
            raise typer.BadParameter("this cannot be undone: confirm it", param_hint="--yes")
        forgotten = await service.history.forget(numbers, _moment(before))
        if as_json:
            output.json({"forgotten": forgotten})
        else:
            output.line(f"Forgotten: {forgotten:,}. The audit trail and older backups keep names.")
        return Exit.SOME_FAILED if numbers and forgotten < len(set(numbers)) else Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _confirmed() -> bool:
    try:
        return typer.confirm("Delete these entries for good?", err=True)
    except typer.Abort:
        return False


def clear(
    ctx: typer.Context,
    job_ids: Annotated[
        list[int] | None, typer.Argument(help="Numbers from `list`.", show_default=False)
    ] = None,
    all_jobs: Annotated[bool, typer.Option("--all", help="All finished files.")] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Clear finished files from the queue. The history keeps them."""
    if bool(job_ids) is all_jobs:
        raise typer.BadParameter("give either job numbers or --all")

    async def verb(service: UploadService, output: Output) -> Exit:
        if job_ids is None:
            cleared = await service.queue.remove(None)
            output.json({"cleared": cleared}) if as_json else output.line(f"Cleared: {cleared:,}")
            return Exit.OK
        done = []
        for number in dict.fromkeys(job_ids):
            done += [number] if await service.queue.remove([number]) else []
        return report(output, "cleared", done, job_ids)

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)
