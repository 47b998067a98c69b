"""From queued to waiting: check, hash, choose the account, look for a twin."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode, Outcome, Retry
from exai_desktop.core.errors.tree import AppError, FileError
from exai_desktop.core.files.checks import can_be_accepted, judge
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import JobChanges
from exai_desktop.core.sniff import Note, Verdict, judge_content, policy_of
from exai_desktop.engine.context import Context, Intent
from exai_desktop.engine.disk_guard import STORAGE
from exai_desktop.engine.files.content_check import inspect
from exai_desktop.engine.files.guarded_process import without_idle_password
from exai_desktop.engine.files.malware import scan_behind, scan_changes
from exai_desktop.engine.files.open_file import RegularFile, hash_file
from exai_desktop.engine.upload import routes
from exai_desktop.engine.upload.failures import again_later
from exai_desktop.engine.upload.reuse import is_fresh
from exai_desktop.engine.upload.routes import choose_route
from exai_desktop.engine.waiting import uninterrupted

S = JobState

# A file younger than this may change again within its time stamp's resolution: the fingerprint
# is used but not remembered.
FRESH_S: Final = 2.0


class _ObjectionError(FileError):
    """The content is refused by a rule of the user's; `changes` keeps what it was about."""

    def __init__(self, code: ErrorCode, detail: str, changes: JobChanges) -> None:
        super().__init__(code, detail)
        self.changes = changes


async def prepare(ctx: Context, job_id: int) -> None:
    """Carry one queued job to waiting, duplicate, refused or back to the queue."""
    try:
        job = await ctx.jobs.get(job_id)
        if job is None or job.state is not S.QUEUED:
            return
        job = await ctx.scheduler.move(job, S.CHECKING)
        await routes.look_up(ctx, job)
        async with ctx.opened(job) as file:
            job = await _check(ctx, job, file)
            sha256 = await _fingerprint(ctx, job, file)
        await _route(ctx, job, sha256)
    except AppError as error:
        await _stop(ctx, job_id, error)
    except asyncio.CancelledError:
        await _interrupted(ctx, job_id)
        raise
    finally:
        ctx.board.end(job_id)


async def _check(ctx: Context, job: JobView, file: RegularFile) -> JobView:
    """Judge the open file: by name and size, by content, and whether anybody takes it."""
    judge(job.name, file.id.size, ctx.settings.max_file_bytes)
    refusal = _nobody_takes(ctx, replace(job, size=file.id.size))
    if refusal is not None and refusal.code is ErrorCode.FILE_TOO_LARGE:
        raise refusal
    # To its end even when cancelled: the descriptor must not be closed under the reader.
    verdict = await uninterrupted(ctx.read(inspect, file, job.path))
    # First the content: "a program" or "an archive" says more than "not this ending".
    verdict = await without_idle_password(verdict, file, ctx.guarded_turn)
    _judge_content(ctx, job, file, verdict)
    if refusal is not None:
        raise refusal
    scan = await ctx.malware.check(file)
    changes = scan_changes(scan) | JobChanges(
        size=file.id.size,
        mtime_ns=file.id.mtime_ns,
        device=file.id.device,
        inode=file.id.inode,
    )
    restricted = verdict.finding(Note.RESTRICTED)
    note = restricted.detail if restricted else ""
    return await ctx.scheduler.move(job, S.HASHING, note=note, **changes)


def _judge_content(ctx: Context, job: JobView, file: RegularFile, verdict: Verdict) -> None:
    """Consent holds for the content it was given for; given ahead, for whatever is found."""
    policy, identity = policy_of(ctx.settings), str(file.id)
    has_lapsed = job.judged not in (None, identity)
    accepted = () if has_lapsed else job.accepted
    try:
        judge_content(verdict, job.path, policy, accepted)
    except FileError as error:
        if not can_be_accepted(error.code):
            raise
        is_question = policy.is_question(error.code)
        detail = error.detail
        if has_lapsed and error.code.value in job.accepted:
            detail += "; the file has changed since it was accepted"
        raise _ObjectionError(
            error.code,
            detail,
            JobChanges(
                judged=identity if is_question else None,
                accepted=accepted if is_question else (),
            ),
        ) from error


def _nobody_takes(ctx: Context, job: JobView) -> AppError | None:
    """Why no account takes it: then it is not worth reading and hashing."""
    try:
        choose_route(ctx, job)
    except AppError as error:
        return error
    return None


async def _fingerprint(ctx: Context, job: JobView, file: RegularFile) -> str:
    known = await ctx.fingerprints.get(job.path, file.id)
    if known is not None:
        return known
    loop = asyncio.get_running_loop()
    stopped = threading.Event()
    ctx.board.begin(job.id, file.id.size)

    def on_bytes(done: int) -> None:
        loop.call_soon_threadsafe(ctx.board.advance, job.id, "hashing", done)

    hashing = asyncio.ensure_future(ctx.read(hash_file, file, on_bytes, stopped.is_set))
    try:
        sha256 = await asyncio.shield(hashing)
    except asyncio.CancelledError:
        # The thread still reads from the descriptor: it must not be closed under it.
        stopped.set()
        await asyncio.wait({hashing})
        hashing.exception()
        raise
    now = ctx.clock.now()
    if now - file.id.mtime_ns / 1e9 > FRESH_S:
        await ctx.fingerprints.put(job.path, file.id, sha256, now)
    return sha256


async def _route(ctx: Context, job: JobView, sha256: str) -> None:
    name = sent_name(job.path)
    route = choose_route(ctx, job)
    account, purpose = route.account, route.purpose.name
    copy = await ctx.copies.find_present(account.name, purpose, sha256)
    if copy is not None and not is_fresh(ctx, copy):
        copy = None  # asked about in the account's own lane, before anything is sent
    ctx.metrics.checked_for_twin(is_duplicate=copy is not None)
    ctx.metrics.selected(account.provider, is_fallback=route.is_fallback)
    await ctx.scheduler.move(
        job,
        S.DUPLICATE if copy else S.WAITING,
        note=route.reason,
        provider=account.provider,
        account=account.name,
        purpose=purpose,
        sha256=sha256,
        sent_name=name,
        route_reason=route.reason,
        file_id=copy.remote_id if copy else None,
        twin_of=copy.job_id if copy else None,
    )


async def _stop(ctx: Context, job_id: int, error: AppError) -> None:
    """Write down why a job does not go on: refused, held for the user, or later again."""
    if error.code in STORAGE:
        raise error
    job = await ctx.jobs.get(job_id)
    if job is None or job.state not in (S.CHECKING, S.HASHING):
        return
    if error.code is ErrorCode.CANCELLED:
        return
    if error.retry is Retry.LATER:
        await again_later(ctx, job, error)
        return
    is_refusal = error.outcome in (Outcome.REJECTED, Outcome.LOCAL)
    end = S.REFUSED if is_refusal else S.FAILED
    if error.code is ErrorCode.NOT_SCANNED:
        end = S.HELD  # nothing is wrong with the file: it goes on when it can be scanned
    scan = scan_behind(error)
    note = scan.detail if scan else ""
    changes = error.changes if isinstance(error, _ObjectionError) else scan_changes(scan)
    await ctx.scheduler.move(job, end, note=note, error=error, **changes)


async def _interrupted(ctx: Context, job_id: int) -> None:
    """Settle a job whose task was cancelled; nothing of it has left the machine."""
    run = ctx.running.get(job_id)
    intent = run.intent if run else None
    job = await ctx.jobs.get(job_id)
    if job is None or job.state not in (S.QUEUED, S.CHECKING, S.HASHING):
        return
    if intent is Intent.CANCEL:
        await ctx.scheduler.move(job, S.CANCELLED, error=AppError(ErrorCode.CANCELLED))
    elif intent is Intent.HOLD:
        await ctx.scheduler.move(job, S.HELD, note="paused by the user")
    elif job.state is not S.QUEUED:
        await ctx.scheduler.move(job, S.QUEUED, note="the program stopped")
