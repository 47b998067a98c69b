"""From queued to waiting: check, hash, choose the account, look for a twin."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from exai_desktop.core.errors.codes import STORAGE, ErrorCode, Outcome, Retry
from exai_desktop.core.errors.tree import AppError, FileError
from exai_desktop.core.events import Metrics
from exai_desktop.core.files.files import SMALL, Fingerprints, can_be_accepted, judge
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.store import JobChanges, JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import CurrentSettings, Settings
from exai_desktop.core.sniff import (
    ContentPolicy,
    Note,
    Rule,
    SecretSearch,
    Verdict,
    is_searched,
    judge_content,
    judge_secrets,
)
from exai_desktop.engine.files.file_checks import (
    ContentCheck,
    MalwareCheck,
    scan_behind,
    scan_changes,
)
from exai_desktop.engine.files.first_look import FirstLook
from exai_desktop.engine.files.open_file import FileOpener, RegularFile, hash_file
from exai_desktop.engine.scheduling.in_hand import Intent, JobsInHand, ProgressBoard
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.admission import Routes
from exai_desktop.engine.upload.failures import TryLater
from exai_desktop.engine.upload.stored_copies import Reuse
from exai_desktop.engine.waiting import Readers

S = JobState

# A file younger than this may change again within its time stamp's resolution: the fingerprint
# is used but not remembered.
FRESH_S: Final = 2.0


class _ObjectionError(FileError):
    """The content is refused by a rule of the user's; `changes` keeps what it was about."""

    def __init__(self, code: ErrorCode, detail: str, changes: JobChanges) -> None:
        super().__init__(code, detail)
        self.changes = changes


def _policy_of(settings: Settings) -> ContentPolicy:
    return ContentPolicy(
        mismatch=Rule(settings.content_mismatch),
        macros=Rule(settings.content_macros),
        encrypted=Rule(settings.content_encrypted),
        deceptive=Rule(settings.content_deceptive),
        secret=Rule(settings.content_secret),
    )


def _accepted(job: JobView, file: RegularFile) -> tuple[str, ...]:
    """Consent holds for the content it was given for; given ahead, for whatever is found."""
    has_lapsed = job.judged not in (None, str(file.id))
    return () if has_lapsed else job.accepted


def check_found(job: JobView, file: RegularFile) -> None:
    """Of a watched folder only the file that was found there is sent: at its path may now be that
    of another folder or disk. Raises WATCHED_FILE_CHANGED."""
    if job.watched is None:
        return
    found = (job.size, job.mtime_ns, job.device, job.inode)
    if found != (file.id.size, file.id.mtime_ns, file.id.device, file.id.inode):
        raise FileError(ErrorCode.WATCHED_FILE_CHANGED)


def _take(job: JobView, look: FirstLook, file: RegularFile) -> None:
    """Nothing is read of another file than the one that was found."""
    check_found(job, file)
    look.take(file)


@dataclass(frozen=True, slots=True)
class FileChecks:
    """Judges an open file: by name and size, by content, for malware, and who takes it.

    The search for keys and passwords reads all of a text: it goes along with the hashing.
    """

    scheduler: Scheduler
    routes: Routes
    content: ContentCheck
    malware: MalwareCheck
    settings: CurrentSettings

    def first_look(self, job: JobView) -> FirstLook:
        """For the trip to a reader that opens the file."""
        policy = _policy_of(self.settings.value)

        def search_for(verdict: Verdict, file: RegularFile) -> SecretSearch | None:
            is_wanted = is_searched(verdict, policy, _accepted(job, file))
            return SecretSearch() if is_wanted else None

        return FirstLook(job.path, search_for)

    async def check(
        self, job: JobView, file: RegularFile, look: FirstLook
    ) -> tuple[JobView, SecretSearch | None]:
        """The job, ready for hashing, and the search that must see the content, if any."""
        check_found(job, file)
        judge(job.name, file.id.size, self.settings.value.max_file_bytes)
        refusal = await self._nobody_takes(replace(job, size=file.id.size))
        if refusal is not None and refusal.code is ErrorCode.FILE_TOO_LARGE:
            raise refusal
        # First the content: "a program" or "an archive" says more than "not this ending".
        verdict = await self.content.judge(file, job.path, look.verdict)
        self._judge_content(job, file, verdict)
        if refusal is not None:
            raise refusal
        scan = await self.malware.check(file)
        changes = scan_changes(scan) | JobChanges(
            size=file.id.size,
            mtime_ns=file.id.mtime_ns,
            device=file.id.device,
            inode=file.id.inode,
        )
        restricted = verdict.finding(Note.RESTRICTED)
        note = restricted.detail if restricted else ""
        policy, accepted = _policy_of(self.settings.value), _accepted(job, file)
        search = None
        if is_searched(verdict, policy, accepted):
            search = look.search or SecretSearch()
        return await self.scheduler.pass_through(job, S.HASHING, note=note, **changes), search

    def _judge_content(self, job: JobView, file: RegularFile, verdict: Verdict) -> None:
        try:
            judge_content(verdict, job.path, _policy_of(self.settings.value), _accepted(job, file))
        except FileError as error:
            if not can_be_accepted(error.code):
                raise
            raise self._objection(job, file, error) from error

    def judge_secrets(self, job: JobView, file: RegularFile, search: SecretSearch | None) -> None:
        """What the search has found in the hashed content. Raises SECRET_INSIDE."""
        told = search.told() if search else None
        if told is None:
            return
        try:
            judge_secrets(told, _policy_of(self.settings.value), _accepted(job, file))
        except FileError as error:
            raise self._objection(job, file, error) from error

    def _objection(self, job: JobView, file: RegularFile, error: FileError) -> _ObjectionError:
        is_question = _policy_of(self.settings.value).is_question(error.code)
        detail, accepted = error.detail, _accepted(job, file)
        if error.code.value in job.accepted and not accepted:
            detail += "; the file has changed since it was accepted"
        return _ObjectionError(
            error.code,
            detail,
            JobChanges(
                judged=str(file.id) if is_question else None,
                accepted=accepted if is_question else (),
            ),
        )

    async def _nobody_takes(self, job: JobView) -> AppError | None:
        """Why no account takes it: then it is not worth reading and hashing."""
        try:
            await self.routes.choose(job)
        except AppError as error:
            return error
        return None


@dataclass(frozen=True, slots=True)
class Hashing:
    """The fingerprint of a file's content, remembered while the file stays the same."""

    fingerprints: Fingerprints
    readers: Readers
    board: ProgressBoard
    clock: Clock

    async def fingerprint(
        self, job: JobView, file: RegularFile, look: FirstLook, search: SecretSearch | None
    ) -> str:
        """A remembered one is of no use to a search: it must see the bytes. Neither is it to a
        small file: it is read sooner than the record."""
        if look.sha256 is not None and look.search is search:
            return look.sha256
        is_remembered = file.id.size > SMALL
        if is_remembered and search is None:
            known = await self.fingerprints.get(job.path, file.id)
            if known is not None:
                return known
        loop = asyncio.get_running_loop()
        stopped = threading.Event()
        self.board.begin(job.id, file.id.size)

        def on_bytes(done: int) -> None:
            loop.call_soon_threadsafe(self.board.advance, job.id, "hashing", done)

        reading = self.readers.read(hash_file, file, on_bytes, stopped.is_set, search)
        hashing = asyncio.ensure_future(reading)
        try:
            sha256 = await asyncio.shield(hashing)
        except asyncio.CancelledError:
            # The thread still reads from the descriptor: it must not be closed under it.
            stopped.set()
            await asyncio.wait({hashing})
            hashing.exception()
            raise
        now = self.clock.now()
        if is_remembered and now - file.id.mtime_ns / 1e9 > FRESH_S:
            await self.fingerprints.put(job.path, file.id, sha256, now)
        return sha256


@dataclass(frozen=True, slots=True)
class Routing:
    """The end of the preparation: the job gets its account, or is a duplicate there."""

    scheduler: Scheduler
    routes: Routes
    reuse: Reuse
    metrics: Metrics

    async def route(self, job: JobView, sha256: str) -> None:
        name = sent_name(job.path)
        route = await self.routes.choose(job)
        account, purpose = route.account, route.purpose.name
        copy = await self.reuse.find(account.name, purpose, sha256)
        if copy is not None and not self.reuse.is_fresh(copy):
            copy = None  # asked about in the account's own lane, before anything is sent
        self.metrics.checked_for_twin(is_duplicate=copy is not None)
        self.metrics.selected(account.provider, is_fallback=route.is_fallback)
        await self.scheduler.move(
            job,
            S.DUPLICATE if copy else S.WAITING,
            note=route.reason,
            provider=account.provider,
            account=copy.account if copy else account.name,
            purpose=purpose,
            sha256=sha256,
            sent_name=name,
            route_reason=route.reason,
            file_id=copy.remote_id if copy else None,
            twin_of=copy.job_id if copy else None,
        )


@dataclass(frozen=True, slots=True)
class Preparation:
    """The stage of the lane `prepare`."""

    jobs: JobStore
    scheduler: Scheduler
    in_hand: JobsInHand
    opener: FileOpener
    checks: FileChecks
    hashing: Hashing
    routing: Routing
    later: TryLater

    async def prepare(self, job_id: int) -> None:
        """Carry one queued job to waiting, duplicate, refused or back to the queue."""
        try:
            job = await self.jobs.get(job_id)
            if job is None or job.state is not S.QUEUED:
                return
            job = await self.scheduler.pass_through(job, S.CHECKING)
            look = self.checks.first_look(job)
            async with self.opener.opened(job, partial(_take, job, look)) as file:
                job, search = await self.checks.check(job, file, look)
                sha256 = await self.hashing.fingerprint(job, file, look, search)
                self.checks.judge_secrets(job, file, search)
            await self.routing.route(job, sha256)
        except AppError as error:
            await self._stop(job_id, error)
        except asyncio.CancelledError:
            await self._interrupted(job_id)
            raise
        finally:
            self.scheduler.forget_passed(job_id, S.QUEUED)
            self.hashing.board.end(job_id)

    async def _stop(self, job_id: int, error: AppError) -> None:
        """Write down why a job does not go on: refused, held for the user, or later again."""
        if error.code in STORAGE:
            raise error
        on_disk = await self.jobs.get(job_id)
        job = on_disk and self.scheduler.now(on_disk)
        if job is None or job.state not in (S.CHECKING, S.HASHING):
            return
        if error.code is ErrorCode.CANCELLED:
            return
        if error.retry is Retry.LATER:
            await self.later.from_the_start(job, error)
            return
        is_refusal = error.outcome in (Outcome.REJECTED, Outcome.LOCAL)
        end = S.REFUSED if is_refusal else S.FAILED
        if error.code is ErrorCode.NOT_SCANNED:
            end = S.HELD  # nothing is wrong with the file: it goes on when it can be scanned
        scan = scan_behind(error)
        note = scan.detail if scan else ""
        changes = error.changes if isinstance(error, _ObjectionError) else scan_changes(scan)
        await self.scheduler.move(job, end, note=note, error=error, **changes)

    async def _interrupted(self, job_id: int) -> None:
        """Settle a job whose task was cancelled; nothing of it has left the machine."""
        intent = self.in_hand.intent(job_id)
        job = await self.jobs.get(job_id)
        if job is None or job.state not in (S.QUEUED, S.CHECKING, S.HASHING):
            return
        if intent is Intent.CANCEL:
            await self.scheduler.move(job, S.CANCELLED, error=AppError(ErrorCode.CANCELLED))
        elif intent is Intent.HOLD:
            await self.scheduler.move(job, S.HELD, note="paused by the user")
        elif job.state is not S.QUEUED:
            await self.scheduler.move(job, S.QUEUED, note="the program was closed")
