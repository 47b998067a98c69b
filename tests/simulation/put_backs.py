"""Histories in which somebody puts an older database, or the whole older profile, back.

What notices that is the program's own: the statements that look for the last run and for the
newest row of the audit trail, the count of starts in the keyring, and the notes of contents.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from exai_desktop.core.audit.audit import AuditAnchor
from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.storage.record import recovery_log
from exai_desktop.storage.user_profile.integrity import newest_record
from exai_desktop.storage.user_profile.put_back import note_run_in, put_back_in

from . import actions as do
from .faults import BrokenPromiseError
from .network import Fate
from .process import Surroundings
from .world import World

STEPS = 40
LOST_SHARE = 0.1
_LOST = (Fate.LOST_STORED, Fate.LOST_LATE, Fate.LOST_NEVER)
_WAITS = (0.0, 0.004, 0.06, 0.3, 0.7, 2.0, 15.0, 61.0, 125.0, 400.0)


class Kind(StrEnum):
    DATABASE = "the database"
    # The keyring goes on counting.
    PROFILE = "the profile"
    # The vault lies in the profile and is put back with it: nothing counts.
    WITH_VAULT = "the profile with its vault"
    # By the program itself: the profile is a new one then.
    BACKUP = "a backup"


@dataclass(frozen=True)
class Keep:
    """Somebody copies the profile."""


@dataclass(frozen=True)
class PutBack:
    """One of the copies, counted from the newest, takes the place of the present one."""

    copy: int
    cleanly: bool


Step = do.Add | do.Wait | do.Restart | do.Lists | do.Stranger | Keep | PutBack


def history(chance: Random) -> list[Step]:
    """Forty steps; in each there is at least one copy that is put back."""
    makers = (
        (_add, 12),
        (lambda c: do.Wait(c.choice(_WAITS)), 12),
        (lambda c: do.Restart(c.random() < 0.5), 3),
        (lambda _: Keep(), 5),
        (lambda c: PutBack(c.randrange(6), c.random() < 0.5), 4),
        (lambda c: do.Lists(c.choice(("kimi", "glm")), c.choice(("fail", "lag", "well"))), 2),
    )
    kinds = [make for make, weight in makers for _ in range(weight)]
    middle: list[Step] = [chance.choice(kinds)(chance) for _ in range(STEPS)]
    return [_add(chance), Keep(), *middle, PutBack(chance.randrange(6), False)]


def _add(chance: Random) -> do.Add:
    files = tuple(
        (
            chance.randrange(len(do.FOLDERS)),
            chance.randrange(len(do.NAMES)),
            chance.randrange(len(do.CONTENTS)),
        )
        for _ in range(chance.randint(1, 4))
    )
    return do.Add(files, chance.choice((None, None, "kimi", "glm")), chance.random() < 0.5)


# -- what outlives a process


class MemoryClaims:
    """Meets `ContentClaims`: what `ContentLocks` does, without a disk."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.notes: dict[ClaimKey, Claim] = {}
        self._held: set[ClaimKey] = set()

    def hold(self, key: ClaimKey) -> MemoryHold | None:
        if key in self._held:
            return None
        self._held.add(key)
        return MemoryHold(self, key)

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        account = (key.base_url, key.key_fingerprint)
        return any(
            claim.may_be(remote)
            for other, claim in self.notes.items()
            if other != key and (other.base_url, other.key_fingerprint) == account
        )

    def release(self, key: ClaimKey) -> None:
        self._held.discard(key)

    def end_process(self) -> None:
        """Locks of the kernel go with it."""
        self._held.clear()


@dataclass
class MemoryHold:
    claims: MemoryClaims
    key: ClaimKey
    is_ours: bool = True
    left: str = ""

    @property
    def earlier(self) -> Claim | None:
        found = self.claims.notes.get(self.key)
        return found if found is not None and found.owner != self.claims.owner else None

    @property
    def own(self) -> Claim | None:
        found = self.claims.notes.get(self.key)
        return found if found is not None and found.owner == self.claims.owner else None

    def note(self, claim: Claim | None) -> None:
        self.claims.notes.pop(self.key, None)
        if claim is not None:
            self.claims.notes[self.key] = claim

    def release(self) -> None:
        self.claims.release(self.key)


@dataclass
class ProfileNotes:
    """What lies beside the database, in the profile."""

    run: str = ""
    lacking: str = ""
    opened: int = 0
    opened_at: float = 0.0


@dataclass(frozen=True)
class KeptCopy:
    database: bytes
    notes: ProfileNotes
    anchor: AuditAnchor | None


@dataclass
class Figures:
    """What happened; for the report."""

    put_back: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    told: int = 0
    uploads: int = 0
    questions: int = 0


class PutBackWorld(World):
    """`kind`: what somebody puts back in this history."""

    kind = Kind.DATABASE
    figures: Figures

    def prepare(self, kind: Kind, chance: Random, figures: Figures) -> None:
        """Before it lives."""
        self.kind, self.figures = kind, figures
        self._claims = MemoryClaims("this profile")
        self.around.claims = self._claims
        self._notes = ProfileNotes()
        self._count = 0
        self._copies: list[KeptCopy] = []
        self._added: list[tuple[str, AddOptions]] = []

        def fate() -> Fate:
            figures.uploads += 1
            return chance.choice(_LOST) if chance.random() < LOST_SHARE else Fate.STORED

        for provider in self.around.providers.values():
            provider.fate_by_chance = fate

    async def _start(self) -> None:
        self._claims.end_process()
        self._open()
        await super()._start()

    def _open(self) -> None:
        """As `config.profile_identity` and `storage.user_profile.opening` do."""
        around, notes, now = self.around, self._notes, self.around.clock.now()
        connection = around.disk.connection
        if self.kind is not Kind.WITH_VAULT and self._count > notes.opened:
            # The user is asked, and says that this one lives on.
            self._tell(ErrorCode.PROFILE_COPIED)
            cause = ErrorCode.PROFILE_COPIED.value
            recovery_log.begin_in(connection, now, notes.opened_at, cause)
        notes.opened = max(notes.opened, self._count) + 1
        self._count, notes.opened_at = notes.opened, now
        anchor = around.anchor.kept
        seen = None if anchor is None or notes.lacking == anchor.mac else anchor
        found = put_back_in(connection, notes.run, seen, now)
        if found is not None:
            self._tell(ErrorCode.DATABASE_PUT_BACK)
            notes.lacking = anchor.mac if anchor is not None else ""
            cause = ErrorCode.DATABASE_PUT_BACK.value
            recovery_log.begin_in(connection, now, found.newest, cause)
        run = secrets.token_hex(16)
        note_run_in(connection, run)
        notes.run = run

    def _tell(self, code: ErrorCode) -> None:
        self.around.note(f"told {code}")
        self.figures.told += 1

    async def _do(self, action: object) -> None:
        match action:
            case Keep():
                self._keep()
            case PutBack():
                await self._put_back(action)
            case _:
                await super()._do(action)

    def _add(self, action: do.Add) -> None:
        options = AddOptions(account=action.account, allow_fallback=action.allow_fallback)
        for folder, name, _ in action.files:
            self._added.append((f"/user/{do.FOLDERS[folder]}/{do.NAMES[name]}", options))
        super()._add(action)

    def _keep(self) -> None:
        around, notes = self.around, self._notes
        self._copies.append(
            KeptCopy(
                around.disk.connection.serialize(),
                ProfileNotes(notes.run, notes.lacking, notes.opened, notes.opened_at),
                around.anchor.kept,
            )
        )

    async def _put_back(self, action: PutBack) -> None:
        around, copy = self.around, self._copies[-1 - action.copy % len(self._copies)]
        if action.cleanly and self.process.is_up:
            await self._end_commands()
            await self.process.stop()
            await self._no_task_is_left()
        else:
            await self.process.crash()
        self._commands.clear()
        around.disk.exchange(copy.database)
        if self.kind is Kind.BACKUP:
            self._restore()
        elif self.kind is not Kind.DATABASE:
            kept = copy.notes
            self._notes = ProfileNotes(kept.run, kept.lacking, kept.opened, kept.opened_at)
        if self.kind is Kind.WITH_VAULT:
            around.anchor.kept = copy.anchor
        self.figures.put_back[self.kind] += 1
        rows = around.disk.connection.execute("SELECT id FROM jobs")
        self._accepted, self._removed = {row[0] for row in rows}, set()
        await self._start()
        self._add_again()

    def _restore(self) -> None:
        """As `bootstrap.backups` does, and what the next start makes of it."""
        around, now = self.around, self.around.clock.now()
        connection = around.disk.connection
        self._claims.owner = f"profile {self.figures.put_back[Kind.BACKUP]}"
        self._notes, self._count, around.anchor.kept = ProfileNotes(), 0, None
        self._tell(ErrorCode.DATABASE_PUT_BACK)
        cause = ErrorCode.DATABASE_PUT_BACK.value
        recovery_log.begin_in(connection, now, newest_record(connection, now), cause)

    def _add_again(self) -> None:
        """As the message says: all that was added, for nobody knows since when."""
        for path, options in dict(self._added).items():
            if self.process.is_up:
                self._call(self.process.add([path], options, self._accepted.update))

    def _settle(self, job: int) -> None:
        self.figures.questions += 1
        super()._settle(job)

    async def _end(self) -> None:
        for _ in range(60):
            if self.process.is_up:
                break
            await asyncio.sleep(1)
        self._add_again()
        await super()._end()
        lost = {path for path, _ in self._added} - _settled_paths(self.around)
        if lost:
            raise BrokenPromiseError(f"P1: {sorted(lost)} were added, and are not stored")


def _settled_paths(around: Surroundings) -> set[str]:
    """Stored as they are now, or refused: no account may have such a file."""
    rows = around.disk.connection.execute(
        "SELECT path, sha256, state FROM jobs WHERE state IN ('done', 'duplicate', 'refused')"
    )
    found = {(row["path"].decode(), row["sha256"], row["state"]) for row in rows}
    return {
        path
        for path, sha256, state in found
        if state == "refused" or around.files.hash_of(path) == sha256
    }
