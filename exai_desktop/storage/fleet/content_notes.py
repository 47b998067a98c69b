"""What programs have noted of one account's contents: a small database, and a log of the newest.

A note goes to the log, which is quick. When the log has grown, its notes go to the database.
Files and connection stay open from one use to the next: opening costs more than a note does.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.claims import Claim
from exai_desktop.storage.fleet.byte_locks import ByteLocks
from exai_desktop.storage.fleet.note_log import NoteLog
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
# So many are read again by each program that starts, and are in its memory.
MOST_IN_LOG: Final = 500
_PATIENCE_S: Final = 10.0

_TABLE: Final = """CREATE TABLE IF NOT EXISTS notes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL UNIQUE, claim TEXT NOT NULL)"""
_OTHERS: Final = (
    "SELECT content, claim FROM notes"
    " WHERE content <> ? AND (instr(claim, ?) > 0 OR instr(claim, ?) > 0)"
)


class Notes:
    """A note is on disk when it is made; what cannot be read counts as empty.

    `change_byte` is the first of two bytes of `locks`: of whoever changes the notes, and of whoever
    replaces a damaged database. Any thread may call. Raises OSError and `EngineError`.
    """

    def __init__(self, path: Path, locks: ByteLocks, change_byte: int) -> None:
        self._path = path
        self._locks = locks
        self._changing, self._replacing = change_byte, change_byte + 1
        self._guard = threading.RLock()
        self._log = NoteLog(path.with_suffix(".log"))
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None

    def find(self, content: str) -> Claim | None:
        def look(connection: Connection) -> str | None:
            found = connection.execute("SELECT claim FROM notes WHERE content = ?", (content,))
            row = found.fetchone()
            return None if row is None else row[0]

        with self._guard:
            # First the log: what leaves it is in the database before.
            newest = self._log.newest()
            text = newest[content] if content in newest else self._with(look)
        try:
            return None if text is None else Claim.model_validate_json(text)
        except ValidationError:
            log.warning("a note on a content cannot be read")
            return None

    def may_be_of_another(self, content: str, remote: RemoteFile) -> bool:
        """Reads the notes that name this file, and those without an id."""
        names = [f'"remote_id":{json.dumps(name, ensure_ascii=False)}' for name in (remote.id, "")]

        def look(connection: Connection) -> dict[str, str | None]:
            return {row[0]: row[1] for row in connection.execute(_OTHERS, (content, *names))}

        with self._guard:
            newest = dict(self._log.newest())
            texts = self._with(look) | newest
        texts.pop(content, None)
        for text in filter(None, texts.values()):
            with suppress(ValidationError):
                if Claim.model_validate_json(text).may_be(remote):
                    return True
        return False

    def put(self, content: str, claim: Claim | None) -> None:
        """None takes the note away. The oldest beyond `KEPT` go."""
        text = None if claim is None else claim.model_dump_json()
        with self._guard, self._alone(self._changing):
            self._log.add(content, text)
            newest = self._log.newest()
            if len(newest) >= MOST_IN_LOG:
                self._with(lambda connection: _keep(connection, newest))
                self._log.empty()

    def close(self) -> None:
        with self._guard:
            self._log.close()
            self._disconnect()

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
        """After an error the file is opened anew."""
        try:
            return call(self._connected())
        except BaseException:
            self._disconnect()
            raise

    def _connected(self) -> Connection:
        """Another program may have replaced a damaged file since the last use."""
        if self._connection is None or self._found() != self._file:
            self._disconnect()
            self._connection = open_notes(self._path)
            self._connection.execute(_TABLE)
            self._file = self._found()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection, self._file = self._connection, None, None
        if connection is not None:
            connection.close()

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def _alone(self, byte: int) -> Iterator[None]:
        """No other program does the same meanwhile."""
        until = time.monotonic() + _PATIENCE_S
        while not self._locks.take(byte):
            if time.monotonic() > until:
                raise TimeoutError("another program changes the notes on contents")
            time.sleep(0.002)
        try:
            yield
        finally:
            self._locks.give_back(byte)

    def _replace(self) -> None:
        """Once, also when two programs find the damage at the same moment."""
        with self._alone(self._replacing):
            if not self._is_sound():
                self._disconnect()
                for side in ("-journal", ""):
                    self._path.with_name(self._path.name + side).unlink(missing_ok=True)

    def _is_sound(self) -> bool:
        try:
            checked = self._once(lambda c: c.execute("PRAGMA quick_check").fetchone()[0])
        except Error as error:
            return not is_damage(error, self._path)
        return bool(checked == "ok")


def _keep(connection: Connection, newest: dict[str, str | None]) -> None:
    """What was in the log, in the order in which it was noted; the oldest of all go."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("DELETE FROM notes WHERE content = ?", [(name,) for name in newest])
    connection.executemany(
        "INSERT INTO notes (content, claim) VALUES (?, ?)",
        [(name, text) for name, text in newest.items() if text is not None],
    )
    [last] = connection.execute("SELECT max(number) FROM notes").fetchone()
    connection.execute("DELETE FROM notes WHERE number <= ?", ((last or 0) - KEPT,))
    connection.execute("COMMIT")


# Few people have more accounts; those used longest ago are closed.
_MOST_OPEN: Final = 8
_open: Final[dict[Path, Notes]] = {}
_open_guard: Final = threading.Lock()


def notes_of(path: Path, locks: ByteLocks, change_byte: int) -> Notes:
    """The only object for this file."""
    with _open_guard:
        notes = _open.pop(path, None) or Notes(path, locks, change_byte)
        _open[path] = notes
        for oldest in list(_open)[:-_MOST_OPEN]:
            _open.pop(oldest).close()
        return notes
