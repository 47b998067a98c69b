"""`core.jobs.claims.ContentClaims` on this computer: locks of the kernel, and notes.

The lock of a content goes with the process, however it ends; the notes stay. All locks are bytes of
one empty file, and the notes of an account are one small database.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.storage.fleet.byte_locks import ByteLocks, byte_locks
from exai_desktop.storage.sqlite.driver import (
    Connection,
    Error,
    as_engine_error,
    is_damage,
    open_notes,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

# The newest of an account, some 400 bytes each.
KEPT: Final = 100_000
# A content's byte; above all of them is the byte of whoever replaces damaged notes.
_BYTES: Final = 1 << 60
_REPLACING: Final = _BYTES + 1
_PATIENCE_S: Final = 10.0

_TABLE: Final = """CREATE TABLE IF NOT EXISTS notes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL UNIQUE, claim TEXT NOT NULL)"""


_OTHERS: Final = (
    "SELECT claim FROM notes WHERE content <> ? AND (instr(claim, ?) > 0 OR instr(claim, ?) > 0)"
)


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
        path = self._folder / f"{account.hexdigest()[:12]}.db"
        return Notes(path, byte_locks(self._folder / "locks"))

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


class Notes:
    """What programs have noted of one account's contents; a note is on disk when it is made.

    What cannot be read counts as empty. Raises OSError and `EngineError`.
    """

    def __init__(self, path: Path, locks: ByteLocks) -> None:
        self._path = path
        self._locks = locks

    def find(self, content: str) -> Claim | None:
        def look(connection: Connection) -> Claim | None:
            found = connection.execute("SELECT claim FROM notes WHERE content = ?", (content,))
            row = found.fetchone()
            return None if row is None else Claim.model_validate_json(row[0])

        try:
            return self._with(look)
        except ValidationError:
            log.warning("a note on a content cannot be read")
            return None

    def may_be_of_another(self, content: str, remote: RemoteFile) -> bool:
        """Reads the notes that name this file, and those without an id."""
        names = [f'"remote_id":{json.dumps(name, ensure_ascii=False)}' for name in (remote.id, "")]

        def look(connection: Connection) -> list[str]:
            found = connection.execute(_OTHERS, (content, *names))
            return [row[0] for row in found]

        for text in self._with(look):
            with suppress(ValidationError):
                if Claim.model_validate_json(text).may_be(remote):
                    return True
        return False

    def put(self, content: str, claim: Claim | None) -> None:
        """None takes the note away. The oldest beyond `KEPT` go."""

        def change(connection: Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM notes WHERE content = ?", (content,))
            if claim is not None:
                number = connection.execute(
                    "INSERT INTO notes (content, claim) VALUES (?, ?)",
                    (content, claim.model_dump_json()),
                ).lastrowid
                connection.execute("DELETE FROM notes WHERE number <= ?", ((number or 0) - KEPT,))
            connection.execute("COMMIT")

        self._with(change)

    def _with(self, call: Callable[[Connection], T]) -> T:
        try:
            return self._once(call)
        except Error as error:
            if not is_damage(error, self._path):
                raise as_engine_error(error) from error
        log.warning("notes on contents are damaged: they begin anew")
        self._replace()
        try:
            return self._once(call)
        except Error as error:
            raise as_engine_error(error) from error

    def _once(self, call: Callable[[Connection], T]) -> T:
        with closing(open_notes(self._path)) as connection:
            connection.execute(_TABLE)
            return call(connection)

    def _replace(self) -> None:
        """Once, also when two programs find the damage at the same moment."""
        until = time.monotonic() + _PATIENCE_S
        while not self._locks.take(_REPLACING):
            if time.monotonic() > until:
                raise TimeoutError("the notes on contents are being replaced")
            time.sleep(0.005)
        try:
            if not self._is_sound():
                for side in ("-journal", ""):
                    self._path.with_name(self._path.name + side).unlink(missing_ok=True)
        finally:
            self._locks.give_back(_REPLACING)

    def _is_sound(self) -> bool:
        try:
            checked = self._once(lambda c: c.execute("PRAGMA quick_check").fetchone()[0])
        except Error as error:
            return not is_damage(error, self._path)
        return bool(checked == "ok")


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

    def note(self, claim: Claim | None) -> None:
        if claim is None and self._known is None:
            return
        self._notes.put(self._content, claim)
        self._known = claim

    def release(self) -> None:
        self._locks.give_back(self._at)
