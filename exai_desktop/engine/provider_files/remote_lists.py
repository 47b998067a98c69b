"""What lies at a provider, held against the record: ours, missing, expired, of others."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState, RemoteFile, RemoteListing
from exai_desktop.core.copies.queries import CopyCheck, ImportReport, Sight
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.registry import Accounts, expiry_of
from exai_desktop.engine.provider_files.texts import Texts
from exai_desktop.engine.scheduling.copy_moves import CopyMoves

C = CopyState

# In these the record says that the provider has the file, or may have it.
_BELIEVED = frozenset({C.PRESENT, C.DELETING, C.FOREIGN})
# Of the others the record knows all there is to know.
_CHECKED = frozenset({C.PRESENT, C.DELETING, C.MISSING, C.FOREIGN})


def _is_foreign(copy: Copy) -> bool:
    """Also while it is missed: nobody has imported it."""
    return copy.origin is CopyOrigin.FOUND and copy.state in (C.FOREIGN, C.MISSING)


def _is_damaged(copy: Copy, there: Mapping[str, RemoteFile]) -> bool:
    remote = there.get(copy.remote_id)
    return copy.state is C.PRESENT and remote is not None and remote.bytes != copy.size


@dataclass(frozen=True, slots=True)
class RemoteLists:
    """Compares the record with the lists of an account."""

    moves: CopyMoves
    accounts: Accounts
    recovery: RecoveryLog | None
    texts: Texts
    clock: Clock

    @property
    def copies(self) -> CopyStore:
        return self.moves.copies

    async def compare(self, account: Account) -> list[RemoteListing]:
        """One listing a purpose. What is found is recorded; nothing is deleted or sent."""
        info = self.accounts.table.of(account)
        purposes = [p.name for p in info.purposes_in(account.region)] if info else []
        return [await self._compare_one(account, purpose) for purpose in purposes]

    async def check(self, copy: Copy) -> None:
        """Ask for this one file. What is found is recorded."""
        if copy.state not in _CHECKED:
            return
        provider = await self.accounts.provider(copy.account)
        remote = await provider.find(copy.remote_id, copy.purpose)
        if await self.accounts.provider(copy.account) is not provider:
            # The answer to an earlier key, perhaps to another owner.
            await self.check(copy)
        elif remote is None:
            await self._note_gone([copy] if copy.state in _BELIEVED else [])
        elif copy.state is C.MISSING:
            await self._note_back([copy], {copy.remote_id: remote}, self.clock.now())
        elif copy.state is C.PRESENT and remote.bytes == copy.size:
            await self.copies.verified([copy.id], self.clock.now())
        else:
            is_whole = remote.bytes == copy.size
            sight = Sight.SEEN if is_whole else Sight.OTHER_SIZE
            await self._look([copy], sight, {copy.remote_id: remote})

    async def import_foreign(
        self, account: Account, remote_ids: Sequence[str] | None
    ) -> ImportReport:
        """Take these foreign files (None: all) into the record, as the provider lists them now.

        What is imported has no hash: it never stands for a file on this computer.
        """
        listings = await self.compare(account)
        there = {remote.id: remote for listing in listings for remote in listing.foreign}
        wanted = list(there) if remote_ids is None else [i for i in remote_ids if i in there]
        # By the provider's rules: it says of few files itself when they end.
        expiries = {
            i: expiry_of(self.accounts, account.name, there[i].purpose, there[i]) for i in wanted
        }
        imported = await self.copies.adopt(account.name, expiries, self.clock.now())
        came = {copy.remote_id for copy in imported}
        return ImportReport(
            account.name,
            tuple(imported),
            tuple(i for i in dict.fromkeys(remote_ids or ()) if i not in came),
            tuple(listing.error for listing in listings if listing.error is not None),
        )

    async def _compare_one(self, account: Account, purpose: str) -> RemoteListing:
        # Read before the list: what is recorded meanwhile is not taken for missing.
        before = [c for c in await self.copies.of_account(account.name) if c.purpose == purpose]
        try:
            provider = await self.accounts.provider(account.name)
            listed = await provider.list(purpose)
            there = {remote.id: remote for remote in listed}
            gone = [c for c in before if c.state in _BELIEVED and c.remote_id not in there]
            # A list may lag behind: an absence is confirmed by the file's own id.
            lost = [c for c in gone if await provider.find(c.remote_id, purpose) is None]
            if await self.accounts.provider(account.name) is not provider:
                # The list of an earlier key, perhaps of another owner.
                return await self._compare_one(self.accounts.get(account.name), purpose)
        except AppError as error:
            return RemoteListing(account.name, purpose, error=ErrorView.of(error))
        # Not later: what an earlier key has listed must not seem to be seen with a later one.
        seen_at = self.clock.now()
        missing, expired = await self._note_gone(lost)
        await self._note_back(before, there, seen_at)
        damaged = [c for c in before if _is_damaged(c, there)]
        await self._look(damaged, Sight.OTHER_SIZE, there)
        ours = {c.remote_id for c in before if not _is_foreign(c)}
        for namesake in self.accounts.namesakes(account.name):
            others = await self.copies.of_account(namesake.name)
            ours |= {c.remote_id for c in others if not _is_foreign(c)}
        fine = [
            c.id
            for c in before
            if c.state is C.PRESENT and c.remote_id in there and not _is_damaged(c, there)
        ]
        await self.copies.verified(fine, seen_at)
        foreign = [
            replace(remote, expires_at=expiry_of(self.accounts, account.name, purpose, remote))
            for remote in listed
            if remote.id not in ours
        ]
        await self._record_foreign(account, foreign)
        await self._look(
            [c for c in before if c.state is C.FOREIGN and c.remote_id in there],
            Sight.SEEN,
            there,
        )
        return RemoteListing(
            account.name,
            purpose,
            len(fine),
            missing,
            expired,
            tuple(c.remote_id for c in damaged),
            tuple(foreign),
        )

    async def _look(
        self, copies: Sequence[Copy], sight: Sight, there: Mapping[str, RemoteFile]
    ) -> None:
        now = self.clock.now()
        sizes = {copy.id: there[copy.remote_id].bytes for copy in copies if copy.remote_id in there}
        await self.copies.looked(
            [CopyCheck(copy.id, now, sight, sizes.get(copy.id)) for copy in copies]
        )

    async def _note_back(
        self, before: Sequence[Copy], there: Mapping[str, RemoteFile], seen_at: float
    ) -> None:
        """What was missed and is listed again, whole."""
        back = [
            copy
            for copy in before
            if copy.state is C.MISSING
            and copy.remote_id in there
            and there[copy.remote_id].bytes == copy.size
        ]
        for copy in back:
            with contextlib.suppress(StaleJobError):  # somebody else has found out meanwhile
                new = C.FOREIGN if _is_foreign(copy) else C.PRESENT
                await self.moves.move(copy, new, seen_at)
        await self._look(back, Sight.SEEN, there)

    async def _note_gone(self, lost: Sequence[Copy]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        now = self.clock.now()
        missing: list[str] = []
        expired: list[str] = []
        await self._look(lost, Sight.NOT_SEEN, {})
        for copy in lost:
            new = C.MISSING
            if copy.state is C.DELETING:
                new = C.DELETED
            elif copy.state is C.PRESENT and copy.expires_at is not None and copy.expires_at <= now:
                new = C.EXPIRED
            if new is not C.MISSING:  # what is missed may come back, and its text is ours
                await self.texts.forget_text(copy)
            with contextlib.suppress(StaleJobError):  # somebody else has found out meanwhile
                await self.moves.move(copy, new)
            if copy.state is C.PRESENT:
                (expired if new is C.EXPIRED else missing).append(copy.remote_id)
        return tuple(missing), tuple(expired)

    async def _record_foreign(self, account: Account, files: Sequence[RemoteFile]) -> None:
        """They take room at the account. A file of ours whose answer is still awaited looks foreign
        too: it becomes ours when the answer comes."""
        if self.recovery is not None and files:
            await self.recovery.record_foreign(account.provider, account.name, files)
