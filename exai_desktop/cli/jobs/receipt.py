"""The verb `receipt`: what became of a drop, and its IDs for a spreadsheet or a script."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from exai_desktop.cli.jobs.jobs import Sandbox
from exai_desktop.cli.output import Exit, Output, when
from exai_desktop.cli.session import run_verb
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.receipts import BatchInfo, Receipt, ReceiptForm, ReceiptScope
from exai_desktop.core.service import UploadService

_NEWEST: Final = "last"
_LIST: Final = "list"
# So many batches are listed: older ones are found by number.
_LISTED: Final = 20
# No number of a batch has so many.
_DIGITS: Final = 20
_AS_JSON: Final = frozenset({ReceiptForm.JSON, ReceiptForm.REPORT})
_IDS: Final = tuple(form.value for form in ReceiptForm if not form.is_complete)


def receipt(
    ctx: typer.Context,
    batch: Annotated[
        str | None,
        typer.Argument(
            metavar="[BATCH]",
            help="Number of the batch, `last`, or `list`.",
            show_default=_NEWEST,
        ),
    ] = None,
    jobs: Annotated[
        list[int] | None,
        typer.Option("--job", help="These files instead of a batch.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="All sums and files as one JSON object.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="All files for a spreadsheet.")] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="|".join(_IDS),
            help="The IDs that are valid now, ready to be used.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="Write to this file, which only you can read.",
            show_default=False,
        ),
    ] = None,
    sandbox: Sandbox = False,
) -> None:
    """Show what became of the files added at once: sent, where, not sent and why. With all IDs."""
    wanted = _form(as_json=as_json, as_csv=as_csv, form=form)
    scope = _scope(batch, jobs)
    if target is not None and wanted is None:
        raise typer.BadParameter("give --json, --csv or --as as well", param_hint="--output")

    async def verb(service: UploadService, output: Output) -> Exit:
        if batch == _LIST:
            _print_batches(await service.receipts.batches(_LISTED), output)
        elif wanted is None:
            _print(await service.receipts.receipt(scope), output)
        elif target is None:
            await _write(service, scope, wanted, output)
        else:
            # From the directory this process was started in.
            files = await service.receipts.save(scope, wanted, str(target.absolute()))
            if not as_json:
                output.line(f"{files:,} files written to {plain_text(str(target))}.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _form(*, as_json: bool, as_csv: bool, form: str | None) -> ReceiptForm | None:
    if [as_json, as_csv, form is not None].count(True) > 1:
        raise typer.BadParameter("give one of --json, --csv and --as")
    if form is not None and form not in _IDS:
        raise typer.BadParameter(f"one of {', '.join(_IDS)}", param_hint="--as")
    if form is not None:
        return ReceiptForm(form)
    if as_csv:
        return ReceiptForm.CSV
    return ReceiptForm.REPORT if as_json else None


def _scope(batch: str | None, jobs: list[int] | None) -> ReceiptScope:
    if jobs and batch is not None:
        raise typer.BadParameter("give a batch or files, not both", param_hint="--job")
    if jobs:
        return ReceiptScope(ids=tuple(jobs))
    if batch in (None, _NEWEST, _LIST):
        return ReceiptScope()
    # The length first: Python refuses to read a number of thousands of digits.
    is_number = batch.isascii() and batch.isdigit() and len(batch) < _DIGITS
    if not (is_number and int(batch) < 2**63):
        raise typer.BadParameter("a number from `receipt list`, or `last`", param_hint="BATCH")
    return ReceiptScope(batch=int(batch))


async def _write(
    service: UploadService, scope: ReceiptScope, form: ReceiptForm, output: Output
) -> None:
    if scope == ReceiptScope():
        # A newer batch may begin while the pieces are fetched.
        scope = ReceiptScope(batch=(await service.receipts.receipt(scope)).batch)
    after: int | None = 0
    while after is not None:
        piece = await service.receipts.text(scope, form, after)
        output.write(_printable(piece.text, form, is_last=piece.last is None))
        after = piece.last


def _printable(text: str, form: ReceiptForm, *, is_last: bool) -> str:
    """JSON stands on one line, as everywhere; no value in it has a line's end."""
    if form not in _AS_JSON:
        return text
    text = text.replace("\n", "") + ("\n" if is_last else "")
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)
    return text


def _print_batches(batches: list[BatchInfo], output: Output) -> None:
    if output.as_json:
        for one in batches:
            output.json({"batch": one.id, "created_at": one.created_at, "files": one.files})
        return
    if not batches:
        output.line("Nothing was added yet.")
    for one in batches:
        output.line(f"{one.id:>6}  {when(one.created_at)}  {_files(one.files)}")


def _files(count: int) -> str:
    return f"{count:,} {'file' if count == 1 else 'files'}"


def _print(receipt: Receipt, output: Output) -> None:
    title = "Receipt" if receipt.batch is None else f"Receipt of batch {receipt.batch}"
    ended = "not finished yet" if receipt.ended_at is None else when(receipt.ended_at)
    output.line(f"{title}: {when(receipt.began_at)} to {ended}")
    output.line(f"  {receipt.with_id:,} of {_files(receipt.files)} have an ID")
    if receipt.reused:
        output.line(f"  {receipt.reused:,} of them were there already and were not sent again")
    if receipt.sharing:
        output.line(f"  {receipt.sharing:,} of them share their ID with other files of the list")
    for place in receipt.places:
        where = f"{plain_text(place.account)} ({plain_text(place.company)})"
        output.line(f"  {where}: {_files(place.files)}, {place.bytes:,} bytes sent")
    if receipt.open:
        output.line(f"  {receipt.open:,} still in progress")
    missing = sum(group.files for group in receipt.missing)
    if missing:
        output.line(f"{_files(missing)} without an ID:")
    for group in receipt.missing:
        output.group(group)
