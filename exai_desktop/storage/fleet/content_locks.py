"""`core.jobs.claims.ContentClaims` by files: kernel locks and notes, in 1,024 stripes an account.

The lock goes with the process, however it ends; the notes stay. A stripe is shared by unrelated
contents, which with a handful of uploads at once hardly ever meet.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import ValidationError

from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.core.machine import WriteFile

log = logging.getLogger(__name__)

STRIPES: Final = 1_024
# The newest of a stripe: 100,000 contents in all, some 300 bytes each.
_KEPT: Final = 100


class ContentLocks:
    """`folder` is shared by all profiles of this user on this machine."""

    def __init__(self, folder: Path, owner: str, write_file: WriteFile) -> None:
        self._folder = folder
        self._write_file = write_file
        self.owner = owner

    def hold(self, key: ClaimKey) -> FileHold | None:
        text = "\0".join((key.base_url, key.key_fingerprint, key.purpose, key.sha256))
        digest = hashlib.sha256(text.encode()).hexdigest()
        # Each account has its own stripes: a slow upload must not delay those of another account.
        account = hashlib.sha256("\0".join((key.base_url, key.key_fingerprint)).encode())
        stripe = f"{account.hexdigest()[:12]}-{int(digest[:8], 16) % STRIPES:04d}"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The lock file stays for ever: deleting one lets two programs hold "the" lock.
        lock = FileLock(
            self._folder / f"{stripe}.lock",
            mode=0o600,
            thread_local=False,
            blocking=False,
            fallback_to_soft=False,
            preserve_lock_file=True,
        )
        try:
            lock.acquire()
        except Timeout:
            return None
        try:
            notes = self._folder / f"{stripe}.json"
            return FileHold(lock, notes, digest, self.owner, self._write_file)
        except BaseException:
            lock.release()
            raise


class FileHold:
    def __init__(
        self, lock: FileLock, notes: Path, key: str, owner: str, write_file: WriteFile
    ) -> None:
        self._lock = lock
        self._path = notes
        self._key = key
        self._owner = owner
        self._write_file = write_file
        self._notes = _read(notes)

    @property
    def earlier(self) -> Claim | None:
        found = self._notes.get(self._key)
        return None if found is None or found.owner == self._owner else found

    @property
    def is_ours(self) -> bool:
        """A kernel lock does not run out."""
        return True

    def note(self, claim: Claim | None) -> None:
        known = self._notes.pop(self._key, None)
        if claim is None and known is None:
            return
        if claim is not None:
            self._notes[self._key] = claim
        for oldest in list(self._notes)[:-_KEPT]:
            del self._notes[oldest]
        text = json.dumps({key: noted.model_dump() for key, noted in self._notes.items()})
        self._write_file(self._path, text.encode())

    def release(self) -> None:
        self._lock.release()


def _read(path: Path) -> dict[str, Claim]:
    """The stripe's notes, the oldest first; one that cannot be read counts as empty."""
    try:
        raw = json.loads(path.read_bytes())
        return {str(key): Claim.model_validate(value) for key, value in raw.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, RecursionError, ValidationError) as error:
        log.warning("notes on contents cannot be read: %s", type(error).__name__)
        return {}
