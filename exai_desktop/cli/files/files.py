"""The verbs `files`, `search` and `import`: which files are at the providers."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from exai_desktop.cli.copy_rows import copy_line, copy_objects
from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output, look_line, look_object, when
from exai_desktop.cli.rows import error_object
from exai_desktop.cli.session import run_verb
from exai_desktop.core.copies.lights import light
from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState
from exai_desktop.core.copies.queries import (
    COPY_WORDS,
    LISTED,
    ORIGIN_WORDS,
    FileDetail,
    FileQuery,
    ImportReport,
    days_left,
    id_facts,
)
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.mirror.status import OtherFile
from exai_desktop.core.service import UploadService

_PAGE: Final = 500
_DAY_S: Final = 86_400

Account = Annotated[
    str | None, typer.Option("--account", help="Only this account.", show_default=False)
]


def file_object(copy: Copy, now: float) -> dict[str, Any]:
    """A file with the field names scripts rely on."""
    return {
        "id": copy.id,
        "file_id": copy.remote_id,
        "name": copy.remote_name,
        "state": copy.state.value,
        "origin": copy.origin.value,
        "provider": copy.provider,
        "account": copy.account,
        "purpose": copy.purpose,
        "bytes": copy.size,
        "sha256": copy.sha256 or None,
        "job": copy.job_id,
        "stored_at": copy.recorded_at,
        "verified_at": copy.verified_at,
        "expires_at": copy.expires_at,
        "days_left": days_left(copy.expires_at, now),
        "light": light(id_facts(copy), now).words,
    }


def files(
    ctx: typer.Context,
    account: Account = None,
    search: Annotated[str, typer.Option(help="In name, file ID, hash or saved text.")] = "",
    state: Annotated[
        list[CopyState] | None, typer.Option(help="Only these states.", show_default=False)
    ] = None,
    number: Annotated[
        int | None,
        typer.Option("--id", help="One file, with the checks at the provider.", show_default=False),
    ] = None,
    all_devices: Annotated[
        bool,
        typer.Option(
            "--all-devices", help="Also files of your other devices, from your Supabase project."
        ),
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """List the files at the providers as last known, newest first. `reconcile` asks again."""

    async def verb(service: UploadService, output: Output) -> Exit:
        if number is not None:
            detail = await service.files.file(number)
            _show(detail, output, await copy_objects(service, [detail.copy.sha256]))
            if not as_json:
                for line in await copy_line(service, detail.copy.sha256, 10):
                    output.line(line)
            return Exit.OK
        query = FileQuery(account=account, search=search, states=tuple(state or LISTED))
        rows = await _rows(service, query)
        now = time.time()
        if as_json:
            copies = await copy_objects(service, [row.sha256 for row in rows])
            for row in rows:
                output.json(file_object(row, now) | {"storage": copies.get(row.sha256 or "")})
        else:
            _print_table(rows, output, now)
        if all_devices:
            others = await _of_other_devices(service, search)
            if as_json:
                for other in others:
                    output.json(_other_object(other))
            else:
                _print_others(others, output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


async def _of_other_devices(service: UploadService, search: str) -> list[OtherFile]:
    found: dict[str, OtherFile] = {}
    while True:
        page = await service.mirror.other_files(search, _PAGE, len(found))
        known = len(found)
        found |= {each.uuid: each for each in page.files}
        if len(page.files) < _PAGE or len(found) == known:
            return list(found.values())


def _other_object(file: OtherFile) -> dict[str, Any]:
    return {
        "id": None,
        "file_id": file.remote_id,
        "name": file.name,
        "state": file.status,
        "provider": file.provider,
        "account": file.account,
        "purpose": file.purpose,
        "bytes": file.size,
        "sha256": file.sha256 or None,
        "device": file.device or None,
        "stored_at": file.recorded_at,
        "expires_at": file.expires_at,
    }


def _print_others(rows: list[OtherFile], output: Output) -> None:
    if not rows:
        output.line("No files of other devices are known. `sync` asks the project.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("device", "file ID", "name", "state", "account", "bytes", "stored at"):
        table.add_column(name, justify="right" if name == "bytes" else "left")
    for row in rows:
        texts = (row.device, row.remote_id, row.name, row.status, row.account)
        table.add_row(
            *(Text(plain_text(text)) for text in texts),
            f"{row.size:,}",
            when(row.recorded_at) if row.recorded_at else "",
        )
    output.line("Files of other devices:")
    output.table(table)


async def _rows(service: UploadService, query: FileQuery) -> list[Copy]:
    """All of them, by pages, so that no answer is too long for the socket."""
    rows: dict[int, Copy] = {}
    while True:
        page = await service.files.page(
            FileQuery(
                account=query.account,
                states=query.states,
                search=query.search,
                offset=len(rows),
                limit=_PAGE,
            )
        )
        known = len(rows)
        rows |= {row.id: row for row in page.rows}
        if len(page.rows) < _PAGE or len(rows) == known:
            return list(rows.values())


def _print_table(rows: list[Copy], output: Output, now: float) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (
        "No",
        "State",
        "Name",
        "Size",
        "Account",
        "Purpose",
        "Age",
        "Expires in",
        "File ID",
    ):
        right = title in ("No", "Size", "Age", "Expires in")
        table.add_column(title, justify="right" if right else "left")
    for row in rows:
        left = days_left(row.expires_at, now)
        imported = " (imported)" if row.origin is CopyOrigin.IMPORTED else ""
        table.add_row(
            str(row.id),
            COPY_WORDS[row.state] + imported,
            Text(plain_text(row.remote_name)),
            f"{row.size:,}",
            Text(row.account),
            Text(row.purpose),
            f"{max(0, int((now - row.recorded_at) // _DAY_S))} d",
            "" if left is None or row.state is CopyState.EXPIRED else f"{left} d",
            Text(plain_text(row.remote_id)),
        )
    output.table(table)


def _show(detail: FileDetail, output: Output, stored: dict[str, dict[str, Any]]) -> None:
    copy, now = detail.copy, time.time()
    if output.as_json:
        more = {"storage": stored.get(copy.sha256 or "")}
        looks = {"looks": [look_object(x) for x in detail.looks]}
        output.json(file_object(copy, now) | looks | more)
        return
    output.line(f"{copy.id}  {plain_text(copy.remote_name)}  {plain_text(copy.remote_id)}")
    facts = {
        "state": COPY_WORDS[copy.state],
        "light": light(id_facts(copy), now).words,
        "origin": ORIGIN_WORDS[copy.origin],
        "account": copy.account,
        "purpose": copy.purpose,
        "bytes": f"{copy.size:,}",
        "sha256": copy.sha256 or "unknown",
        "uploaded": when(copy.recorded_at),
        "expires": _expiry(copy, now),
    }
    for name, value in facts.items():
        output.line(f"  {name:10} {plain_text(value)}")
    for look in detail.looks:
        output.line(f"  {look_line(look)}")


def _expiry(copy: Copy, now: float) -> str:
    left = days_left(copy.expires_at, now)
    if copy.expires_at is None or left is None:
        return "never, as far as known"
    return f"{when(copy.expires_at)}, in {left} days"


def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="The text to search for.", show_default=False)],
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Find files by name, ID or hash, and by the texts you have opened with `content`."""

    async def verb(service: UploadService, output: Output) -> Exit:
        hits = await service.files.search(text)
        now = time.time()
        for hit in hits:
            copy = hit.copy
            if as_json:
                output.json(file_object(copy, now) | {"snippet": hit.snippet or None})
                continue
            where = f"{plain_text(copy.remote_name)}  {copy.account}, {COPY_WORDS[copy.state]}"
            output.line(f"{copy.id}  {where}")
            if hit.snippet:
                output.line(f"    {plain_text(hit.snippet)}")
        if not hits and not as_json:
            output.line("Nothing found.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


def import_files(
    ctx: typer.Context,
    file_ids: Annotated[
        list[str] | None, typer.Argument(help="File IDs at the provider.", show_default=False)
    ] = None,
    account: Account = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All files that were not uploaded by this app.")
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Add files to the list that were not uploaded by this app. Their content stays unknown."""
    if account is None or bool(file_ids) == everything:
        raise typer.BadParameter("give --account and either file IDs or --all")

    async def verb(service: UploadService, output: Output) -> Exit:
        report = await service.files.import_foreign(account, None if everything else file_ids)
        return print_import(report, output)

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def print_import(report: ImportReport, output: Output) -> Exit:
    """What was imported, and what was not."""
    if output.as_json:
        now = time.time()
        output.json(
            {
                "account": report.account,
                "imported": [file_object(copy, now) for copy in report.imported],
                "not_found": list(report.not_found),
                "errors": [error_object(error) for error in report.errors],
            }
        )
    else:
        output.line(f"{report.account}: {len(report.imported):,} imported")
        for copy in report.imported:
            output.line(
                f"  {copy.id}  {plain_text(copy.remote_id)}  {plain_text(copy.remote_name)}"
            )
        for file_id in report.not_found:
            output.line(
                f"  {plain_text(file_id)} is not at the provider, or is already in the list"
            )
        for error in report.errors:
            output.line(f"  {error.title} ({error.code})")
    return Exit.SOME_FAILED if report.not_found or report.errors else Exit.OK
