"""The verb `health`: how the providers answered."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from exai_desktop.cli.accounts.accounts import breaker_text, unreachable_text
from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output, when
from exai_desktop.cli.rows import error_object
from exai_desktop.cli.session import run_verb
from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.accounts.health import HealthSample, Phase
from exai_desktop.core.service import UploadService


def health(
    ctx: typer.Context,
    account: Annotated[
        str | None, typer.Argument(help="One account; without it all accounts.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="Number of requests to list.")] = 10,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Show how each provider answered recently, without a new request."""

    async def verb(service: UploadService, output: Output) -> Exit:
        history = await service.accounts.health(account, limit) if limit or account else []
        found = [s for s in await service.accounts.all() if account in (None, s.account.name)]
        for status in found:
            _print_status(status, output)
        for sample in history:
            _print_sample(sample, output)
        return Exit.OK if all(map(_is_well, found)) else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _is_well(status: AccountStatus) -> bool:
    is_used = status.problem is None and status.breaker.phase is Phase.CLOSED
    return is_used and status.health.unreachable_since is None


def _print_status(status: AccountStatus, output: Output) -> None:
    name, found = status.account.name, status.health
    if output.as_json:
        problem = error_object(status.problem)
        breaker = asdict(status.breaker)
        output.json({"account": name, "breaker": breaker, "problem": problem} | asdict(found))
        return
    if status.problem is not None:
        word = f"{status.problem.title} ({status.problem.code})"
    elif status.breaker.phase is not Phase.CLOSED:
        word = breaker_text(status.breaker)
    elif found.unreachable_since is not None:
        word = unreachable_text(found)
    else:
        word = "works" if found.answers else "not used recently"
    output.line(f"{name}: {word}")
    if found.answers:
        speed = f", median {found.median_ms:,} ms" if found.median_ms is not None else ""
        last = f", last {found.last_code}" if found.last_code else ""
        output.line(
            f"  15 minutes: {found.answers:,} requests, {found.faults:,} failed{last}{speed}"
        )


def _print_sample(sample: HealthSample, output: Output) -> None:
    if output.as_json:
        output.json({"sample": asdict(sample)})
        return
    code = f" {sample.code}" if sample.code else ""
    output.line(
        f"  {when(sample.at)}  {sample.account}  {sample.check}  {sample.outcome}{code}"
        f"  {sample.took_ms:,} ms"
    )
