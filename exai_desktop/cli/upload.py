"""The verb `upload`: add, wait, one line per file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from exai_desktop.cli.exits import Exit
from exai_desktop.cli.output import Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.error_codes import ErrorCode, Outcome
from exai_desktop.core.error_table import CODES
from exai_desktop.core.events import BatchScanned, JobChanged, JobsAdded, ProblemRaised
from exai_desktop.core.models import AddOptions, JobQuery, JobView, Origin, SortKey
from exai_desktop.core.service import Events, UploadService
from exai_desktop.core.states import JobState

S = JobState

# These do not go on by themselves.
_SETTLED: Final = frozenset(s for s in S if s.is_final) | {S.HELD, S.NEEDS_REVIEW}
_GOOD: Final = frozenset({S.DONE, S.DUPLICATE})

# A fault that a wait of seconds did not cure is reported; the file stays in the queue.
_PATIENCE_S: Final = 10.0
_PATIENCE_TRIES: Final = 3


def upload(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files and folders.", show_default=False)],
    account: Annotated[str | None, typer.Option(help="Account to use.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Purpose to store for.")] = None,
    allow_fallback: Annotated[
        bool, typer.Option("--allow-fallback", help="Another company may get what this refuses.")
    ] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Use the built-in servers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Upload files and folders, wait for them, print their file ids."""
    options = AddOptions(account, purpose, allow_fallback, Origin.CLI)
    # What the shell calls `~` or `.` is settled here; the engine may run elsewhere.
    # An empty one (an unset variable) stays empty: it must not mean the folder one is in.
    absolute = [str(Path(path).expanduser().absolute()) if path else "" for path in paths]

    async def verb(service: UploadService, output: Output) -> Exit:
        events = await service.events()
        batch_id = await service.add_paths(absolute, options)
        outcomes = await _follow(events, batch_id, output)
        await events.aclose()
        summary = [state in _GOOD for state in outcomes.values()]
        if not output.as_json:
            output.line(f"{sum(summary)} of {len(summary)} files are at a provider.")
        return Exit.OK if all(summary) else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


async def _follow(events: Events, batch_id: int, output: Output) -> dict[int, JobState]:
    """Print each file once when it is settled or stuck; returns the states printed."""
    pending: set[int] = set()
    outcomes: dict[int, JobState] = {}
    scanned = False

    def see(job: JobView) -> None:
        if job.batch_id != batch_id or job.id in outcomes:
            return
        pending.add(job.id)
        if job.state in _SETTLED or is_stuck(job, time.time()):
            pending.discard(job.id)
            outcomes[job.id] = job.state
            output.job(job)

    async for event in events:
        if isinstance(event, JobsAdded):
            for job in event.jobs:
                see(job)
        elif isinstance(event, JobChanged):
            see(event.job)
        elif isinstance(event, ProblemRaised) and event.account is None:
            output.problem(event.error)
        elif isinstance(event, BatchScanned) and event.batch_id == batch_id:
            scanned = True
        if scanned and not pending:
            break
    return outcomes


def is_stuck(job: JobView, now: float) -> bool:
    """Whether a waiting job's trouble lies outside: the network, the provider, the file."""
    if job.error is None or job.state not in (S.WAITING, S.QUEUED):
        return False
    try:
        outcome = CODES[ErrorCode(job.error.code)].outcome
    except ValueError:
        return False
    if outcome not in (Outcome.UNAVAILABLE, Outcome.UNCERTAIN, Outcome.LOCAL):
        return False
    wait_s = (job.not_before or now) - now
    return job.attempts >= _PATIENCE_TRIES or wait_s > _PATIENCE_S


async def rows_of(service: UploadService, query: JobQuery) -> list[JobView]:
    """All rows of a query, page by page."""
    rows: list[JobView] = []
    while True:
        page = await service.jobs(
            JobQuery(
                states=query.states,
                search=query.search,
                sort=SortKey.ID,
                descending=query.descending,
                offset=len(rows),
                limit=500,
            )
        )
        rows += page.rows
        if not page.rows or len(rows) >= page.total:
            return rows
