"""The verbs `doctor` (what works) and `diagnostics` (a report for somebody who helps)."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from exai_desktop.cli.accounts.accounts import breaker_text, explained
from exai_desktop.cli.doors import doors
from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.mirror import status_lines, status_object
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.rows import error_object
from exai_desktop.cli.session import errors_told, passphrase_of, run_verb
from exai_desktop.core.accounts.accounts import AccountStatus, ConnectionReport
from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.audit.check import AuditState
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService


def doctor(ctx: typer.Context, as_json: Json = False, sandbox: Sandbox = False) -> None:
    """Check the installation and the connection of every account."""

    async def verb(service: UploadService, output: Output) -> Exit:
        facts = await service.facts() | {"scanner": await service.settings.malware_scanner()}
        summary = await service.queue.summary()
        reports = [
            await service.accounts.test(status.account.name)
            for status in await service.accounts.all()
        ]
        trail = await service.audit.verify()
        mirror = await service.mirror.status(ask=True)
        # After the tests: they have made the tiers ready.
        found = await service.accounts.all()
        if as_json:
            output.json(
                {
                    "facts": facts,
                    # Without `ok`: that is said of accounts here, and people search for it.
                    "audit": {key: said for key, said in asdict(trail).items() if key != "ok"},
                    "supabase": status_object(mirror),
                    "jobs": {state.value: n for state, n in summary.counts.items() if n},
                    "accounts": [
                        asdict(report)
                        | {"error": error_object(report.error)}
                        | {"transport": asdict(status.transport) if status.transport else None}
                        | {"breaker": asdict(status.breaker)}
                        for report, status in zip(reports, found, strict=False)
                    ],
                }
            )
        else:
            for name, value in facts.items():
                output.line(f"{name:14} {plain_text(value, len(value))}")
            output.line(f"{'audit trail':14} {trail.words} {trail.anchor_words}")
            for number, line in enumerate(status_lines(mirror)):
                output.line(f"{'' if number else 'supabase':14} {line}")
            output.line(f"{'jobs':14} {summary.total} in total, {summary.open_jobs} open")
            for report, status in zip(reports, found, strict=False):
                _print_account(report, status, output)
            if not reports:
                output.line("No account yet. Add one with: exai-desktop account add")
        is_well = all(r.ok for r in reports) and trail.state is not AuditState.BROKEN
        return Exit.OK if is_well else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _print_account(report: ConnectionReport, status: AccountStatus, output: Output) -> None:
    way, error = status.transport, report.error
    word = f"ok, {report.duration_ms} ms" if report.ok else "failed"
    why = f": {error.title} ({error.code})" if error else ""
    if error is not None and error.detail:
        why += f": {plain_text(error.detail)}"
    output.line(f"{report.account:14} {report.host} {word}{why}")
    for line in explained(error) if error else ():
        output.line(f"{'':14} {line}")
    if report.balance is not None:
        output.line(f"{'':14} balance {report.balance}")
    if way is not None:
        plural = "es" if way.step_downs > 1 else ""
        counted = (
            f", {way.step_downs} switch{plural} to another transport" if way.step_downs else ""
        )
        reason = f" ({way.note})" if way.note else ""
        output.line(f"{'':14} transport {way.name}{reason}{counted}")
    if status.breaker.phase is not Phase.CLOSED:
        output.line(f"{'':14} {breaker_text(status.breaker)}")


def diagnostics(
    ctx: typer.Context,
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
    names: Annotated[
        bool,
        typer.Option("--names", help="With names of folders, accounts and servers, and the log."),
    ] = False,
    sandbox: Sandbox = False,
) -> None:
    """Show a report for somebody who helps you, without names and keys. Nothing is sent."""
    output = Output(as_json=False)
    make, opened = doors(ctx).diagnostics, doors(ctx).open_service

    # Also without a profile that opens: above all then somebody is asked for help.
    async def without(error: AppError) -> str:
        why = ErrorView.of(error)
        return await make.make(None, names=names, sandbox=sandbox, failure=why)

    async def report(passphrase: str | None) -> str:
        try:
            async with opened(sandbox, passphrase) as service:
                return await make.make(service, names=names, sandbox=sandbox)
        except AppError as error:
            return await without(error)

    try:
        work = report(None if sandbox else passphrase_of(ctx))
    except AppError as error:
        work = without(error)
    text = asyncio.run(work)
    with errors_told(output):
        if target is None:
            output.write(text)
        else:
            make.save(text, target)
            output.line(f"Written: {plain_text(str(target))}")
