"""Before the id of a stored copy is used again: is it still at the provider?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from exai_desktop.core.copies.models import Copy, CopyState, RemoteFile
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.copies.queries import CopyCheck, Sight
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.jobs.models import JobView, RoutedJob
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.scheduling.copy_moves import CopyMoves
from exai_desktop.engine.scheduling.scheduler import Scheduler

C = CopyState


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
        self._listing: dict[tuple[str, str], asyncio.Task[Sequence[RemoteFile]]] = {}

    def is_fresh(self, copy: Copy) -> bool:
        """Whether the provider's last word on this copy still counts."""
        now = self._clock.now()
        if copy.expires_at is not None and copy.expires_at <= now:
            return False
        seen_at = copy.verified_at or copy.recorded_at
        if seen_at < self._accounts.get(copy.account).key_since:
            return False  # seen with another key, perhaps of another owner
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

    async def reuse(self, job: RoutedJob, provider: FileProvider) -> bool:
        """Make the job a duplicate when its content lies at the account; else leave it as it is.

        A copy that is gone is noted as missing or expired. Raises `TransferError` when the
        provider cannot be asked: then nothing may be sent either.
        """
        copy = await self.find(job.account, job.purpose, job.sha256)
        if copy is None or not await self._is_still_there(copy, provider):
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

    async def _is_still_there(self, copy: Copy, provider: FileProvider) -> bool:
        """Ask for a present copy, unless that was done a moment ago; the answer is recorded."""
        if self.is_fresh(copy):
            return True
        now = self._clock.now()
        if copy.expires_at is not None and copy.expires_at <= now:
            await self._note(copy, C.EXPIRED)
            return False
        remote = await self._see(copy, provider)
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

    async def _see(self, copy: Copy, provider: FileProvider) -> RemoteFile | None:
        """By the list, which answers for all copies at once; an absence is confirmed by its id."""
        try:
            listed = await self._listed(copy, provider)
        except TransferError as error:
            if error.outcome is not Outcome.REJECTED:
                raise
            listed = ()
        for remote in listed:
            if remote.id == copy.remote_id:
                return remote
        return await provider.find(copy.remote_id, copy.purpose)

    async def _listed(self, copy: Copy, provider: FileProvider) -> Sequence[RemoteFile]:
        """The account's list; many who ask at once share one question."""
        key = (copy.account, copy.purpose)
        asking = self._listing.get(key)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(key, provider))
            self._listing[key] = asking
            asking.add_done_callback(lambda _: self._listing.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(self, key: tuple[str, str], provider: FileProvider) -> Sequence[RemoteFile]:
        listed = await provider.list(key[1])
        there = {remote.id: remote.bytes for remote in listed}
        seen = [
            copy.id
            for copy in await self._copies.of_account(key[0])
            if copy.state is C.PRESENT and there.get(copy.remote_id) == copy.size
        ]
        await self._copies.verified(seen, self._clock.now())
        return listed

    def stop(self) -> None:
        """The program ends: nobody waits for the lists any more."""
        for asking in self._listing.values():
            asking.cancel()
