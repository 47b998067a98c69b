"""The verbs `audit verify|accept|export|check|public-key`."""

from __future__ import annotations

import csv
import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any, Final, Protocol

import typer

from exai_desktop.cli.activity import list_activity
from exai_desktop.cli.doors import doors
from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import can_ask, run_verb
from exai_desktop.core.audit.audit import START, AuditRow, digest_after, sealed_text
from exai_desktop.core.audit.check import AuditReport, AuditState
from exai_desktop.core.audit.signing import (
    AuditSignature,
    ExportCheck,
    ExportReport,
    first_line,
    last_line,
    line_of_row,
    public_key_in,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.files.names import safe_cell
from exai_desktop.core.service import UploadService

app = typer.Typer(
    help="The audit trail: which files were sent, deleted and refused.", no_args_is_help=True
)
app.command("list")(list_activity)

_PAGE: Final = 1_000
_FIRST: Final = -(2**63)


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


@app.command()
def verify(ctx: typer.Context, as_json: Json = False, sandbox: Sandbox = False) -> None:
    """Check that no row was changed, removed or moved. Exit code 1 if one was, or to be feared."""

    async def verb(service: UploadService, output: Output) -> Exit:
        report = await service.audit.verify()
        if as_json:
            output.json(asdict(report))
        else:
            _print_report(report, output)
        return Exit.OK if report.ok else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _print_report(report: AuditReport, output: Output) -> None:
    output.line(report.words)
    if report.broken_at is not None:
        output.line(f"The {report.rows:,} rows before it are unchanged.")
    elif report.state is AuditState.UNCONFIRMED:
        output.line(f"The {report.rows:,} rows match each other.")
    output.line(f"The chain is protected by {report.protected_by}.")
    if 0 < report.by_file < report.rows:
        output.line(f"{report.by_file:,} rows are protected by a file, not by the keyring.")
    if report.without_keys:
        output.line(
            f"Rows up to {report.without_keys:,} are as you accepted them: their key is not here."
        )
    output.line(report.anchor_words)


@app.command()
def accept(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Accept that rows are missing at the end, for example after an older database was put back.

    The trail gets a row that says so. Changed rows cannot be accepted.
    """

    async def verb(service: UploadService, output: Output) -> Exit:
        report = await service.audit.verify()
        if not report.ok and not yes:
            _print_report(report, output)
            if not can_ask() or not typer.confirm("Do you know why, and accept it?"):
                output.line("Nothing was accepted. Without a question: --yes")
                return Exit.SOME_FAILED
        report = await service.audit.accept()
        if as_json:
            output.json(asdict(report))
        else:
            _print_report(report, output)
        return Exit.OK if report.ok else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command("public-key")
def public_key(ctx: typer.Context, as_json: Json = False) -> None:
    """Print the key for checking signed exports. It is no secret: others check with it."""

    async def verb(service: UploadService, output: Output) -> Exit:
        found = await service.audit.public_key()
        if as_json:
            output.json({"public_key": found})
        else:
            output.line(found)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A signed export.")],
    public_keys: Annotated[
        list[str],
        typer.Option(
            "--public-key",
            metavar="KEY|FILE",
            help="What `audit public-key` has printed, or a file with it. May be given repeatedly.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Check a signed export, on any computer: no profile and no secret is needed.

    Exit code 1 if a row was changed, removed, added or moved, and if a signature does not fit.
    """
    output = Output(as_json=as_json)
    keys = {_public_key(given) for given in public_keys}
    check = ExportCheck(keys, doors(ctx).signature_fits)
    try:
        # What is no UTF-8 was changed: it must be found as such, not end the check.
        with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            report = check.report(lines)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from error
    if as_json:
        output.json(asdict(report))
    else:
        output.line(_export_words(report))
    raise typer.Exit(int(Exit.OK if report.ok else Exit.SOME_FAILED))


def _public_key(given: str) -> str:
    found = public_key_in(given)
    if found is None:
        try:
            found = public_key_in(Path(given).read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError) as error:
            why = f"it is neither 64 hex digits nor a file that can be read: {given}"
            raise typer.BadParameter(why, param_hint="--public-key") from error
    if found is None:
        why = f"the file has no line with 64 hex digits: {given}"
        raise typer.BadParameter(why, param_hint="--public-key")
    return found


def _export_words(report: ExportReport) -> str:
    if report.ok:
        days = "1 day has" if report.days == 1 else f"{report.days:,} days have"
        return (
            f"The export is intact: {report.rows:,} rows, signed at {report.at};"
            f" {days} a signature of their own."
        )
    places = (("line", report.line), ("row", report.row), ("day", report.day))
    where = ", ".join(f"{name} {value}" for name, value in places if value is not None)
    return f"The export is not intact ({where}): {report.problem}."


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            dir_okay=False, help="Write to this file, not to the terminal.", show_default=False
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="One row per line; CSV if nothing is said."),
    ] = None,
    output_file: Annotated[
        Path | None, typer.Option("--output", dir_okay=False, help="The same as FILE.")
    ] = None,
    signed: Annotated[
        bool,
        typer.Option("--signed", help="All rows with a signature, for `audit check`."),
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Only rows since this local time.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    sandbox: Sandbox = False,
) -> None:
    """Export the audit trail for a spreadsheet or another program, oldest row first."""
    begin = None if since is None else since.astimezone().timestamp()
    wanted = Format.JSON if as_json else form or Format.CSV
    target = file or output_file
    if file is not None and output_file is not None:
        raise typer.BadParameter("give the file once", param_hint="--output")
    if signed and (since is not None or form is Format.CSV):
        raise typer.BadParameter("it has all rows, as JSON", param_hint="--signed")

    async def verb(service: UploadService, output: Output) -> Exit:
        # Before the file is touched: what is not intact is not signed.
        end = await service.audit.signed_end() if signed else None
        try:
            with _opened(target) as stream:
                if end is None:
                    count = await _write(rows_since(service, begin), _WRITERS[wanted](stream))
                else:
                    count = await _write_signed(rows_since(service, begin), end, stream)
        except BrokenPipeError:
            # Whoever read has seen enough. Nothing more may be written when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.SOME_FAILED
        except OSError as error:
            why = f"{target}: {error.strerror}"
            raise typer.BadParameter(why, param_hint="--output") from error
        if target is not None and not as_json:
            output.line(f"{count:,} rows written to {target}.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


async def rows_since(service: UploadService, since: float | None) -> AsyncIterator[AuditRow]:
    """All rows, fetched in pages."""
    after = _FIRST
    while rows := await service.audit.rows(after, _PAGE, since):
        for row in rows:
            yield row
        after = rows[-1].seq


def _opened(target: Path | None) -> AbstractContextManager[IO[str]]:
    """UTF-8 whatever the terminal speaks; what is no text in it comes as an escape.

    A file can be read by its user only: names of files and accounts are in it.
    """
    place: Path | int = sys.stdout.fileno() if target is None else target

    def private(path: str, flags: int) -> int:
        descriptor = os.open(path, flags, 0o600)
        # A file that was there keeps its mode otherwise. Not a device; Windows has no such modes.
        if sys.platform != "win32" and stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
        return descriptor

    return open(
        place,
        "w",
        encoding="utf-8",
        errors="backslashreplace",
        newline="",
        closefd=target is not None,
        opener=None if target is None else private,
    )


class _Writer(Protocol):
    def __init__(self, stream: IO[str]) -> None: ...

    def write(self, row: AuditRow) -> None: ...


class _CsvWriter:
    def __init__(self, stream: IO[str]) -> None:
        self._names = [field.name for field in fields(AuditRow)]
        self._csv = csv.writer(stream)
        self._csv.writerow(self._names)

    def write(self, row: AuditRow) -> None:
        self._csv.writerow([_cell(getattr(row, name)) for name in self._names])


def _cell(value: Any) -> Any:
    return safe_cell(value) if isinstance(value, str) else value


class _JsonWriter:
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, row: AuditRow) -> None:
        self._stream.write(json.dumps(asdict(row)) + "\n")


_WRITERS: Final[dict[Format, type[_Writer]]] = {
    Format.CSV: _CsvWriter,
    Format.JSON: _JsonWriter,
}


async def _write(rows: AsyncIterator[AuditRow], writer: _Writer) -> int:
    count = 0
    async for row in rows:
        writer.write(row)
        count += 1
    return count


async def _write_signed(rows: AsyncIterator[AuditRow], end: AuditSignature, stream: IO[str]) -> int:
    def write(line: dict[str, Any]) -> None:
        stream.write(json.dumps(line) + "\n")

    write(first_line(end.public_key))
    digest, count = START, 0
    async for row in rows:
        # What was added since is not signed.
        if row.seq > end.seq:
            break
        digest = digest_after(digest, sealed_text(row), row.mac)
        write(line_of_row(row, digest))
        count += 1
    if digest != end.digest:
        raise EngineError(ErrorCode.AUDIT_NOT_INTACT, "rows were changed while they were exported")
    write(last_line(end))
    return count
