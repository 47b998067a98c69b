"""The verbs `audit list` and `stats`: what happened in words, and sums of each day."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer

from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.audit.activity import (
    ActivityKind,
    ActivityQuery,
    DaySum,
    activity_words,
    kind_of,
    moment_of,
)
from exai_desktop.core.audit.audit import AuditRow
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService

_DAY: Final = ["%Y-%m-%d"]
_PAGE: Final = 500
_BAR: Final = 30


def list_activity(
    ctx: typer.Context,
    kind: Annotated[
        list[ActivityKind] | None, typer.Option(help="Only these.", show_default=False)
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Only this account.", show_default=False)
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="Only this day of local time.", show_default=False),
    ] = None,
    steps: Annotated[
        bool, typer.Option("--steps", help="Also the steps in the middle of an upload.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Show in words what happened: who, when, what. Newest first."""
    begin = None if day is None else day.astimezone().timestamp()
    end = None if day is None else (day + timedelta(days=1)).astimezone().timestamp()
    query = ActivityQuery(tuple(kind or ()), account, begin, end, None, steps)

    async def verb(service: UploadService, output: Output) -> Exit:
        shown = 0
        before: int | None = None
        while shown < limit:
            most = min(_PAGE, limit - shown)
            rows = await service.audit.activity(
                ActivityQuery(query.kinds, account, begin, end, before, steps, most)
            )
            for row in rows:
                output.json(_object(row)) if as_json else output.line(_line(row))
            shown += len(rows)
            if len(rows) < most:
                break
            before = rows[-1].seq
        if not shown and not as_json:
            output.line("Nothing of this kind has happened.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


def _words(row: AuditRow) -> str:
    return activity_words(row, ErrorView.of_code(row.error_code).title if row.error_code else "")


def _object(row: AuditRow) -> dict[str, Any]:
    return {
        "row": row.seq,
        "at": row.at,
        "actor": row.actor,
        "kind": kind_of(row).value,
        "action": row.action,
        "words": _words(row),
        "account": row.account,
        "outcome": row.outcome,
        "error": row.error_code,
    }


def _line(row: AuditRow) -> str:
    when = time.strftime("%a %Y-%m-%d %H:%M:%S", time.localtime(moment_of(row)))
    return f"{when}  {plain_text(row.actor)}  {plain_text(_words(row), 500)}"


def stats(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="So many days.")] = 14,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Show the uploads, failures and bytes of each day."""

    async def verb(service: UploadService, output: Output) -> Exit:
        sums = await service.audit.days(days)
        most = max((one.sent for one in sums), default=0)
        for one in sums:
            if as_json:
                output.json(_sum_object(one))
            else:
                output.line(_sum_line(one, most))
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


def _sum_object(one: DaySum) -> dict[str, Any]:
    return {
        "day": one.day,
        "sent": one.sent,
        "failed": one.failed,
        "success": one.success,
        "bytes": one.bytes,
    }


def _sum_line(one: DaySum, most: int) -> str:
    day = datetime.fromisoformat(one.day)
    share = "" if one.success is None else f"{100 * one.success:.0f} % sent"
    bar = "#" * round(_BAR * one.sent / most) if most else ""
    figures = f"{one.sent:>9,} sent {one.failed:>7,} not {one.bytes:>16,} bytes"
    return f"{day:%a} {one.day} {figures}  {share:<10} {bar}".rstrip()
