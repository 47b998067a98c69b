"""From dropped paths to rows in the queue: a batch, walked in a reader thread."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from functools import partial
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.core.events import BatchScanned, EventBus
from exai_desktop.core.jobs.models import AddOptions, JobView, NewJob
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.planning import Planner, UploadPlan
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.quota import Usage
from exai_desktop.core.routing.routing import Wish, candidates
from exai_desktop.engine.context import Context
from exai_desktop.engine.files.open_file import AllowedPlaces
from exai_desktop.engine.files.scanner import Scanner
from exai_desktop.engine.upload.admission import pace_s
from exai_desktop.engine.waiting import uninterrupted

log = logging.getLogger(__name__)

# Chunks found but not yet on disk: enough to keep both sides busy, not more memory.
AHEAD: Final = 4


def check_options(ctx: Context, options: AddOptions) -> None:
    """Refuse a drop that cannot work for any file. Raises NO_ACCOUNT, UNKNOWN_ACCOUNT,
    INVALID_PURPOSE."""
    wish = Wish(options.account, options.purpose, options.allow_fallback)
    first, *others = candidates(wish, ctx.accounts.all())
    if options.purpose is None:
        return
    refusals: list[AppError] = []
    for account in [first] if options.account else [first, *others]:
        try:
            _check_purpose(ctx.accounts.table, account, options.purpose)
        except AppError as error:
            refusals.append(error)
        else:
            return
    raise refusals[0]


def _check_purpose(table: ProviderTable, account: Account, purpose: str) -> None:
    info = table.of(account)
    if info is None:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"unknown provider {account.provider}")
    info.purpose(account.region, purpose)


async def _add_whole(ctx: Context, batch_id: int, chunk: list[NewJob]) -> list[JobView]:
    """Only the write itself is not broken off: waiting for a full disk must be."""
    return await uninterrupted(ctx.jobs.add_jobs(batch_id, chunk, ctx.clock.now()))


async def walk_into_queue(
    ctx: Context,
    bus: EventBus,
    batch_id: int,
    paths: Sequence[str],
    places: AllowedPlaces | None,
) -> None:
    """Put every file below `paths` into the queue, chunk by chunk as they are found.

    `places`: what comes in unattended must lie there; None: a person has chosen the paths.
    """
    found: queue.Queue[list[NewJob] | None] = queue.Queue(AHEAD)
    arrived = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    stopped = threading.Event()

    def walk() -> None:
        try:
            scanner = Scanner(ctx.settings.max_file_bytes, stopped.is_set, places)
            for chunk in scanner.walk(paths):
                found.put(chunk)
                loop.call_soon_threadsafe(arrived.release)
        finally:
            found.put(None)
            loop.call_soon_threadsafe(arrived.release)

    # A thread of its own: walking waits for the database and must not keep a reader from reading.
    walker = threading.Thread(target=walk, name="walker", daemon=True)
    walker.start()
    total = refused = 0
    try:
        while True:
            await arrived.acquire()
            chunk = found.get_nowait()
            if chunk is None:
                break
            add = partial(_add_whole, ctx, batch_id, chunk)
            views = await ctx.guard.insist(add)
            ctx.scheduler.admit(batch_id, views)
            total += len(views)
            refused += sum(v.state is JobState.REFUSED for v in views)
    finally:
        stopped.set()
        ctx.scheduler.batch_scanned(batch_id)
        bus.publish(BatchScanned(batch_id, total, refused))


# Files between two breaths of the loop: some milliseconds.
AT_ONCE: Final = 200


async def plan(ctx: Context, paths: Sequence[str], options: AddOptions) -> UploadPlan:
    """Raises NO_ACCOUNT, UNKNOWN_ACCOUNT, INVALID_PURPOSE as an upload would."""
    check_options(ctx, options)
    found = await _walked(ctx, paths)
    accounts = ctx.accounts.all()
    used: dict[tuple[str, str], Usage] = {}
    for account in accounts:
        info = ctx.accounts.table.of(account)
        for purpose in info.purposes_in(account.region) if info else ():
            key = (account.name, purpose.name)
            used[key] = await ctx.jobs.room_used(*key)
    planner = Planner(
        accounts,
        ctx.accounts.table,
        Wish(
            options.account,
            options.purpose,
            options.allow_fallback or ctx.settings.allow_fallback,
        ),
        used,
        ctx.accounts.limits,
        ctx.breakers.paused([account.name for account in accounts]),
        ctx.settings.rules,
    )
    for number, job in enumerate(found):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)  # uploads go on meanwhile
        planner.add(job)
    return planner.plan(partial(pace_s, ctx), await ctx.jobs.line_speed())


async def _walked(ctx: Context, paths: Sequence[str]) -> list[NewJob]:
    stopped = threading.Event()
    scanner = Scanner(ctx.settings.max_file_bytes, stopped.is_set)

    def walk() -> list[NewJob]:
        return [job for chunk in scanner.walk(paths) for job in chunk]

    try:
        return await asyncio.to_thread(walk)
    finally:
        stopped.set()
