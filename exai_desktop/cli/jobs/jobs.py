"""Verbs about the jobs in the queue: list, show, retry, cancel."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from exai_desktop.cli.copy_rows import copy_line, copy_objects
from exai_desktop.cli.jobs.listing import MOST_ROWS, Listing, Wanted, most_rows
from exai_desktop.cli.jobs.upload import Accept, accepted
from exai_desktop.cli.output import Exit, Output, look_line, look_object
from exai_desktop.cli.rows import job_object
from exai_desktop.cli.session import run_verb
from exai_desktop.core.copies.queries import COPY_WORDS
from exai_desktop.core.errors.former_names import RETRY_WORDS, explain
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.files.files import scan_text
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobDetail, JobQuery, JobState
from exai_desktop.core.jobs.receipt_forms import group_object
from exai_desktop.core.jobs.words import STATE_WORDS
from exai_desktop.core.service import UploadService

Ids = Annotated[list[int], typer.Argument(help="Job numbers from `list`.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="Use the profile of the sandbox.")]


def list_jobs(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    state: Annotated[
        list[JobState] | None, typer.Option(help="Only these states.", show_default=False)
    ] = None,
    search: Annotated[str, typer.Option(help="In name, path, file ID or hash.")] = "",
    gone: Annotated[
        bool, typer.Option("--gone", help="Only uploaded files whose ID no longer works.")
    ] = False,
    by_line: Annotated[
        bool, typer.Option("--line", help="In the order of sending: what is being sent, then next.")
    ] = False,
    by_reason: Annotated[
        bool,
        typer.Option("--by-reason", help="What was not sent, as groups: how many files, and why."),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            metavar="NUMBER",
            help=f"At most so many; {MOST_ROWS} if nothing is said, with --json all.",
            show_default=False,
        ),
    ] = None,
    all_rows: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """List the files in the queue with their state, newest first."""
    if by_reason:
        if state or search or gone or by_line or limit or all_rows:
            raise typer.BadParameter("it has no other options but --json", param_hint="--by-reason")
        run_verb(ctx, _list_reasons, as_json=as_json, sandbox=sandbox, again=True)
    most = most_rows(limit, all_rows=all_rows, as_json=as_json)
    wanted = Wanted(tuple(state or ()), search, gone, most, as_json, sandbox, by_line)
    listing: Listing | None = None

    async def verb(service: UploadService, output: Output) -> Exit:
        nonlocal listing
        listing = listing or Listing(wanted, output.write)
        while (query := listing.next_query) is not None:
            page = await service.queue.page(JobQuery(**query))
            listing.take(page.rows, page.total)
        listing.tell()
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


async def _list_reasons(service: UploadService, output: Output) -> Exit:
    groups = await service.receipts.reasons()
    for group in groups:
        if output.as_json:
            output.json(group_object(group))
        else:
            output.group(group)
    if not groups and not output.as_json:
        output.line("Every file in the queue was sent, or still is on its way.")
    return Exit.OK


def show(
    ctx: typer.Context,
    job_id: Annotated[int, typer.Argument(help="Job number from `list`.", show_default=False)],
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Show everything about one file, with its attempts and history."""

    async def verb(service: UploadService, output: Output) -> Exit:
        detail = await service.queue.job(job_id)
        file = None if detail.copy is None else await service.files.file(detail.copy.id)
        looks = file.looks if file else ()
        sha256 = detail.view.sha256
        if as_json:
            copies = await copy_objects(service, [sha256])
            more = {"looks": [look_object(x) for x in looks], "storage": copies.get(sha256 or "")}
            output.json(_detail_object(detail) | more)
        else:
            _print_detail(detail, output)
            for line in await copy_line(service, sha256, 13):
                output.line(line)
            for look in looks:
                output.line(f"  {look_line(look)} at the provider")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


def _detail_object(detail: JobDetail) -> dict[str, Any]:
    return job_object(detail.view) | {
        "copy": {"id": detail.copy.remote_id, "state": detail.copy.state.value}
        if detail.copy
        else None,
        "scan": asdict(detail.scan) if detail.scan else None,
        "history": [
            {"at": h.at, "from": h.old.value if h.old else None, "to": h.new.value, "note": h.note}
            for h in detail.history
        ],
        "tries": [
            {
                "number": a.number,
                "transport": a.transport,
                "started_at": a.started_at,
                "ended_at": a.ended_at,
                "outcome": a.outcome,
                "error": a.error_code,
                "detail": a.detail,
                "http_status": a.http_status,
                "request_id": a.request_id,
            }
            for a in detail.attempts
        ],
    }


def _print_detail(detail: JobDetail, output: Output) -> None:
    output.job(detail.view)
    shown = job_object(detail.view)
    for key in ("path", "state", "account", "purpose", "bytes", "sha256", "route_reason"):
        if shown[key] is not None:
            output.line(f"  {key.replace('_', ' '):13} {plain_text(str(shown[key]))}")
    # By any name: an older database may hold a former one.
    found = explain(detail.view.error.code) if detail.view.error else None
    for code in found.codes if found else ():
        info = CODES[code]
        output.line(f"  {'error':13} {info.number} {code}")
        output.line(f"  {'retried':13} {RETRY_WORDS[info.retry]}")
    if detail.copy is not None:
        output.line(f"  {'at provider':13} {COPY_WORDS[detail.copy.state]}")
    output.line(f"  {'malware':13} {plain_text(scan_text(detail.scan))}")
    for entry in detail.history:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
        note = f"  {plain_text(entry.note)}" if entry.note else ""
        output.line(f"  {at}  {STATE_WORDS[entry.new]}{note}")


def report(output: Output, verb: str, ids: list[int], wanted: list[int] | None) -> Exit:
    if output.as_json:
        output.json({verb: ids})
    else:
        output.line(f"{verb.capitalize()}: {', '.join(map(str, ids)) or 'none'}")
    left_out = sorted(set(wanted or ()) - set(ids))
    if left_out and not output.as_json:
        output.line(f"Not possible for: {', '.join(map(str, left_out))}")
    return Exit.SOME_FAILED if left_out else Exit.OK


def retry(
    ctx: typer.Context,
    job_ids: Annotated[list[int] | None, typer.Argument(show_default=False)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All failed files.")] = False,
    gone: Annotated[
        bool, typer.Option("--gone", help="All uploaded files whose ID no longer works.")
    ] = False,
    allow_fallback: Annotated[
        bool, typer.Option("--allow-fallback", help="Another provider may get the file.")
    ] = False,
    accept: Accept = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Put files back into the queue. The window or the next `upload` sends them."""
    if [bool(job_ids), failed, gone].count(True) != 1:
        raise typer.BadParameter("give either job numbers, --failed or --gone")
    codes = accepted(accept)

    async def verb(service: UploadService, output: Output) -> Exit:
        wanted = None if failed or gone else job_ids
        ids = await service.queue.retry(
            wanted, allow_fallback=allow_fallback, accepted=codes, gone=gone
        )
        return report(output, "retried", ids, wanted)

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def cancel(
    ctx: typer.Context, job_ids: Ids, as_json: Json = False, sandbox: Sandbox = False
) -> None:
    """Cancel files that are not at a provider yet."""

    async def verb(service: UploadService, output: Output) -> Exit:
        return report(output, "cancelled", await service.queue.cancel(job_ids), job_ids)

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def settle(
    ctx: typer.Context,
    job_id: Annotated[int, typer.Argument(help="Job number from `list`.", show_default=False)],
    use: Annotated[
        str | None,
        typer.Option(
            "--use", help="The file is at the provider and has this ID.", show_default=False
        ),
    ] = None,
    send_again: Annotated[
        bool, typer.Option("--send-again", help="The file is not at the provider: send it again.")
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Decide about an uncertain file: use the file at the provider, or send it again."""
    if (use is None) is not send_again:
        raise typer.BadParameter("give either --use FILE_ID or --send-again")

    async def verb(service: UploadService, output: Output) -> Exit:
        await service.queue.settle(job_id, use)
        output.job((await service.queue.job(job_id)).view)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)
