"""`core.jobs.claims.ContentClaims` on this computer: locks of the kernel, and notes.

The lock of a content goes with the process, however it ends; the notes stay. All locks are bytes of
one empty file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.storage.fleet.byte_locks import ByteLocks, byte_locks
from exai_desktop.storage.fleet.content_notes import Notes, notes_of

# A content's byte; above all of them are the bytes of whoever changes an account's notes.
_BYTES: Final = 1 << 60


class ContentLocks:
    """`folder` is shared by all profiles of this user on this machine."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self.owner = owner

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        return self._notes(key).may_be_of_another(_digest(key), remote)

    def _notes(self, key: ClaimKey) -> Notes:
        account = hashlib.sha256("\0".join((key.base_url, key.key_fingerprint)).encode())
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = account.hexdigest()[:12]
        locks = byte_locks(self._folder / "locks")
        return notes_of(self._folder / f"{name}.db", locks, _BYTES + 1 + 2 * int(name, 16))

    def hold(self, key: ClaimKey) -> FileHold | None:
        digest, notes = _digest(key), self._notes(key)
        locks, at = byte_locks(self._folder / "locks"), int(digest, 16) % _BYTES
        if not locks.take(at):
            return None
        try:
            return FileHold(locks, at, notes, digest, self.owner)
        except BaseException:
            locks.give_back(at)
            raise


def _digest(key: ClaimKey) -> str:
    text = "\0".join((key.base_url, key.key_fingerprint, key.purpose, key.sha256))
    return hashlib.sha256(text.encode()).hexdigest()


class FileHold:
    def __init__(self, locks: ByteLocks, at: int, notes: Notes, content: str, owner: str) -> None:
        self._locks = locks
        self._at = at
        self._notes = notes
        self._content = content
        self._owner = owner
        self._known = notes.find(content)

    @property
    def earlier(self) -> Claim | None:
        found = self._known
        return None if found is None or found.owner == self._owner else found

    @property
    def own(self) -> Claim | None:
        found = self._known
        return found if found is not None and found.owner == self._owner else None

    @property
    def is_ours(self) -> bool:
        """A kernel lock does not run out."""
        return True

    @property
    def left(self) -> str:
        """There are no other computers."""
        return ""

    def note(self, claim: Claim | None) -> None:
        if claim is None and self._known is None:
            return
        self._notes.put(self._content, claim)
        self._known = claim

    def release(self) -> None:
        self._locks.give_back(self._at)
