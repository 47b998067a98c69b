"""What can be done with a file at the provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.core.audit.ports import AuditStore
from exai_desktop.core.copies.models import Copy, CopyState, check_copy
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.copies.queries import CopyCheck, Sight
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.codes import NO_CONNECTION, ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, TransferError
from exai_desktop.core.jobs.store import JobStore, StaleJobError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.provider_files.texts import Texts
from exai_desktop.engine.scheduling.copy_moves import CopyMoves

C = CopyState

_GONE: Final = frozenset({C.DELETED, C.MISSING, C.EXPIRED})


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """What can be done with one file at a provider."""

    jobs: JobStore
    moves: CopyMoves
    accounts: Accounts
    texts: Texts
    audit: AuditStore
    clock: Clock

    @property
    def copies(self) -> CopyStore:
        return self.moves.copies

    async def copy_of_job(self, job_id: int) -> Copy:
        if await self.jobs.get(job_id) is None:
            raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
        copy = await self.copies.of_job(job_id)
        if copy is None:
            raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"job {job_id} has no file at the provider")
        return copy

    async def delete(self, copy: Copy) -> Copy:
        """Intent on disk, the call, the result on disk, and a look whether it is gone.

        Jobs that point to the file lose it too.
        """
        if copy.state is C.FOREIGN:
            # Nobody here has sent it or taken it over: perhaps it is somebody else's work.
            reason = f"{copy.remote_id} was not uploaded by this app; import it first"
            raise EngineError(ErrorCode.WRONG_STATE, reason)
        if copy.state in _GONE:
            raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"{copy.remote_id} is already {copy.state}")
        if copy.state is not C.DELETING:
            check_copy(copy.state, C.DELETING)
            copy = await self._move(copy, C.DELETING)
        try:
            provider = await self.accounts.provider(copy.account)
            await provider.delete(copy.remote_id)
        except AppError as error:
            # Without an answer it may be gone: it stays `deleting`, is not reused, and can be asked
            # for again.
            is_there = not isinstance(error, TransferError) or error.is_answer
            if (is_there or error.code in NO_CONNECTION) and copy.state is C.DELETING:
                await self._move(copy, C.PRESENT)
            raise
        if copy.state is C.DELETING:
            await self.texts.forget_text(copy)
            copy = await self._move(copy, C.DELETED)
            await self._prove(copy, provider)
        return copy

    async def _move(self, copy: Copy, new: CopyState) -> Copy:
        """The copy as it is then; it may have been asked for twice, and the other was quicker."""
        try:
            return await self.moves.move(copy, new)
        except StaleJobError:
            return await self.copies.by_remote_id(copy.account, copy.remote_id) or copy

    async def _prove(self, copy: Copy, provider: FileProvider) -> None:
        """Ask once whether the file is gone, and write down the answer: the provider said so."""
        outcome, error_code = "gone", None
        try:
            remote = await provider.find(copy.remote_id, copy.purpose)
        except TransferError as error:
            # It is deleted all the same; only nobody has seen it gone.
            outcome, error_code = "not asked", error.code
        else:
            now = self.clock.now()
            if remote is None:
                look = CopyCheck(copy.id, now, Sight.NOT_SEEN)
            else:
                # A list may lag behind; the next `reconcile` looks again.
                outcome, look = "still listed", CopyCheck(copy.id, now, Sight.SEEN, remote.bytes)
            await self.copies.looked([look])
        await self.audit.note(
            AuditEntry(
                self.clock.now(),
                "copy.deletion_seen",
                outcome,
                job_id=copy.job_id,
                account=copy.account,
                provider=copy.provider,
                purpose=copy.purpose,
                remote_id=copy.remote_id,
                bytes=copy.size,
                error_code=error_code,
            )
        )
