"""The provider's word on a file: is a new one stored, is an old one still there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyState, RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.copies.queries import CopyCheck, Sight
from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, TransferError
from exai_desktop.core.jobs.jobs import JobState, JobView, RoutedJob, routed
from exai_desktop.core.jobs.store import IdTakenError, JobStore, StaleJobError
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts, expiry_of
from exai_desktop.engine.scheduling.copy_moves import CopyMoves
from exai_desktop.engine.scheduling.scheduler import Scheduler

C = CopyState

S = JobState

# First look after a moment, then ever more rarely: small files are ready at once.
FIRST_POLL_S: Final = 0.2
SLOWEST_POLL_S: Final = 5.0

# A fresh file may be unknown to the provider's own index for a moment.
MISSES_ALLOWED: Final = 3


def of_earlier_key(accounts: Accounts, name: str, asked_at: float) -> bool:
    """Whether what was asked then was asked with an earlier key, perhaps of another owner."""
    return asked_at <= accounts.get(name).key_since


def new_copy(
    accounts: Accounts, job: RoutedJob, remote: RemoteFile, asked_at: float, *, usable: bool
) -> NewCopy:
    """`asked_at`: when the provider was asked, or the upload began, that the answer is from."""
    return NewCopy(
        provider=job.provider,
        account=job.account,
        purpose=job.purpose,
        sha256=job.sha256,
        size=job.size,
        remote_id=remote.id,
        remote_name=remote.name,
        usable=usable,
        expires_at=expiry_of(accounts, job.account, job.purpose, remote),
        seen_at=asked_at if of_earlier_key(accounts, job.account, asked_at) else None,
    )


@dataclass(frozen=True, slots=True)
class Confirmation:
    jobs: JobStore
    scheduler: Scheduler
    accounts: Accounts
    settings: CurrentSettings
    clock: Clock

    async def confirm(
        self, job: RoutedJob, remote: RemoteFile | None, began_at: float | None = None
    ) -> None:
        """Settle a job whose file id is known; `remote` None: the program was restarted since.

        `began_at`: when the upload began that `remote` is the answer to.
        """
        assert job.file_id
        note, asked_at = "", self.clock.now() if began_at is None else began_at
        if remote is None or remote.status is RemoteStatus.PENDING:
            seen = await self._watch(job, job.file_id, until_told=remote is None)
            if seen is None and remote is None:
                error = AppError(ErrorCode.REMOTE_NOT_FOUND, job.file_id)
                await self.scheduler.move(job, S.FAILED, error=error)
                return
            remote = seen or remote
        assert remote is not None
        error_code = None
        if remote.bytes != job.size:
            error_code = ErrorCode.SIZE_MISMATCH
        elif remote.status is RemoteStatus.ERROR:
            error_code = ErrorCode.PARSE_FAILED
        elif remote.status is RemoteStatus.PENDING:
            note = "the provider is still reading the file"
        if error_code is not None:
            detail = f"{remote.bytes:,} bytes at the provider, {job.size:,} here; "
            detail += remote.status_text
            error = AppError(error_code, detail.rstrip("; "))
            copy = new_copy(self.accounts, job, remote, asked_at, usable=False)
            await self._record(job, S.FAILED, copy, error=error)
            return
        copy = new_copy(self.accounts, job, remote, asked_at, usable=True)
        await self._record(job, S.DONE, copy, note=note)

    async def _record(
        self,
        job: RoutedJob,
        new: JobState,
        copy: NewCopy,
        *,
        error: AppError | None = None,
        note: str = "",
    ) -> None:
        """The end of the job with its copy; failed when its id is that of another content."""
        try:
            await self.scheduler.move(job, new, error=error, note=note, copy=copy)
        except IdTakenError as taken:
            # The record shall tell which id the provider gave.
            await self.scheduler.write_passed(job)
            error = AppError(ErrorCode.FILE_ID_TAKEN, taken.detail)
            # Without the id: whoever used it could get the other file.
            await self.scheduler.move(job, S.FAILED, error=error, note=taken.detail, file_id=None)

    async def confirm_again(self, job_id: int) -> None:
        """After a restart: whatever is still confirming."""
        job = await self.jobs.get(job_id)
        if job is not None and job.state is S.CONFIRMING:
            await self.confirm(routed(job), None)

    async def _watch(self, job: RoutedJob, file_id: str, *, until_told: bool) -> RemoteFile | None:
        """Ask until the provider has read the file or the time is over; the last answer counts.

        A failing question is asked again: the file is there, only the news is late.
        `until_told`: the time is not over before there was an answer. None only when the
        provider has no such file.
        """
        end = self.clock.monotonic() + self.settings.value.confirm_timeout_s
        wait_s, misses, last = FIRST_POLL_S, 0, None
        while True:
            await self.clock.sleep(wait_s)
            try:
                provider = await self.accounts.provider(job.account)
                last = await provider.find(file_id, job.purpose)
            except AppError as error:
                if error.code is ErrorCode.UNKNOWN_ACCOUNT:
                    raise
            else:
                misses = misses + 1 if last is None else 0
                if misses >= MISSES_ALLOWED:
                    return None
                if last is not None and last.status is not RemoteStatus.PENDING:
                    return last
            wait_s = min(wait_s * 2, SLOWEST_POLL_S)
            is_told = last is not None or not until_told
            if is_told and self.clock.monotonic() + wait_s > end:
                return last


class Reuse:
    """Lists that are being fetched now are shared by all who wait for one."""

    def __init__(
        self,
        moves: CopyMoves,
        accounts: Accounts,
        scheduler: Scheduler,
        settings: CurrentSettings,
        clock: Clock,
    ) -> None:
        self._copies = moves.copies
        self._moves = moves
        self._accounts = accounts
        self._scheduler = scheduler
        self._settings = settings
        self._clock = clock
        self._listing: dict[tuple[str, str, int], asyncio.Task[Sequence[RemoteFile]]] = {}

    def is_fresh(self, copy: Copy) -> bool:
        """Whether the provider's last word on this copy still counts."""
        now = self._clock.now()
        if copy.expires_at is not None and copy.expires_at <= now:
            return False
        seen_at = copy.verified_at or copy.recorded_at
        if of_earlier_key(self._accounts, copy.account, seen_at):
            return False
        age = now - seen_at
        # A clock set back makes no old news fresh.
        return 0 <= age < self._settings.value.verify_after_s

    async def find(self, account: str, purpose: str, sha256: str) -> Copy | None:
        """The usable copy of this content at the account, under whichever of its names."""
        for namesake in self._accounts.namesakes(account):
            copy = await self._copies.find_present(namesake.name, purpose, sha256)
            if copy is not None:
                return copy
        return None

    async def reuse(self, job: RoutedJob) -> bool:
        """Make the job a duplicate when its content lies at the account; else leave it as it is.

        A copy that is gone is noted as missing or expired. Raises `TransferError` when the
        provider cannot be asked: then nothing may be sent either.
        """
        copy = await self.find(job.account, job.purpose, job.sha256)
        if copy is None or not await self._is_still_there(copy, job.account):
            return False
        await self.become_duplicate(job, copy)
        return True

    async def become_duplicate(self, job: JobView, copy: Copy) -> None:
        note = "the same content is already at the provider"
        await self._scheduler.move(
            job,
            JobState.DUPLICATE,
            note=note,
            account=copy.account,
            file_id=copy.remote_id,
            twin_of=copy.job_id,
        )

    async def _is_still_there(self, copy: Copy, account: str) -> bool:
        """Ask for a present copy, unless that was done a moment ago; the answer is recorded."""
        if self.is_fresh(copy):
            return True
        now = self._clock.now()
        if copy.expires_at is not None and copy.expires_at <= now:
            await self._note(copy, C.EXPIRED)
            return False
        # As it is now: the one that the job began with may be of an earlier key.
        provider = await self._accounts.provider(account)
        remote = await self._see(copy, account, provider)
        if await self._accounts.provider(account) is not provider:
            return False  # the key was replaced meanwhile: the answer holds for the earlier one
        if remote is None or remote.bytes != copy.size:
            size = remote.bytes if remote else None
            sight = Sight.OTHER_SIZE if remote else Sight.NOT_SEEN
            await self._copies.looked([CopyCheck(copy.id, self._clock.now(), sight, size)])
            await self._note(copy, C.MISSING)
            return False
        await self._copies.verified([copy.id], self._clock.now())
        return True

    async def _note(self, copy: Copy, state: CopyState) -> None:
        with contextlib.suppress(StaleJobError):  # somebody else has found out meanwhile
            await self._moves.move(copy, state)

    async def _see(self, copy: Copy, account: str, provider: FileProvider) -> RemoteFile | None:
        """By the list, which answers for all copies at once; an absence is confirmed by its id."""
        try:
            listed = await self._listed(copy, account, provider)
        except TransferError as error:
            if error.outcome is not Outcome.REJECTED:
                raise
            listed = ()
        for remote in listed:
            if remote.id == copy.remote_id:
                return remote
        return await provider.find(copy.remote_id, copy.purpose)

    async def _listed(
        self, copy: Copy, account: str, provider: FileProvider
    ) -> Sequence[RemoteFile]:
        """The account's list; many who ask at once share one question."""
        # What an earlier key lists says nothing to those who use the new one.
        key = (copy.account, copy.purpose, id(provider))
        asking = self._listing.get(key)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(copy, account, provider))
            self._listing[key] = asking
            asking.add_done_callback(lambda _: self._listing.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(
        self, wanted: Copy, account: str, provider: FileProvider
    ) -> Sequence[RemoteFile]:
        listed = await provider.list(wanted.purpose)
        there = {remote.id: remote.bytes for remote in listed}
        seen = [
            copy.id
            for copy in await self._copies.of_account(wanted.account)
            if copy.state is C.PRESENT and there.get(copy.remote_id) == copy.size
        ]
        if await self._accounts.provider(account) is provider:
            await self._copies.verified(seen, self._clock.now())
        return listed

    def stop(self) -> None:
        """The program ends: nobody waits for the lists any more."""
        for asking in self._listing.values():
            asking.cancel()
