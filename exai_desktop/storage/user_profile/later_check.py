"""The check of a large database while it is in use, so that no start waits for it.

Only after a clean end, and when the file is the one that was closed then: whatever else makes
damage likely is judged before anybody works with the database. What is found here is noted, and
the next start replaces the database as it replaces any damaged one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.sqlite.driver import Connection, Error, is_damage, open_reader
from exai_desktop.storage.user_profile.integrity import DamageError, check_open
from exai_desktop.storage.user_profile.last_run import LastRun, LastRunFile

log = logging.getLogger(__name__)


class LaterCheck:
    """`run` in a thread of its own; `stop` ends it, from any other one."""

    def __init__(
        self, path: Path, last_run_file: LastRunFile, now: Callable[[], float], *, thorough: bool
    ) -> None:
        self._path = path
        self._last_run_file = last_run_file
        self._now = now
        self._thorough = thorough
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._is_stopped = False

    def run(self) -> None:
        """Blocks, for seconds. Raises DATABASE_ERROR when the database is damaged."""
        try:
            with closing(open_reader(self._path)) as connection:
                if not self._begin(connection):
                    return
                try:
                    check_open(connection, thorough=self._thorough)
                finally:
                    self._begin(None)
        except DamageError as damage:
            self._found(str(damage), damage)
        except Error as error:
            if not self._is_stopped:
                if not is_damage(error, self._path):
                    log.warning("the database could not be checked: %s", error)
                    return
                self._found(str(error), error)
        else:
            if self._thorough:
                last_run = self._last_run_file.load() or LastRun()
                self._last_run_file.save(replace(last_run, checked_at=self._now()))

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._connection is not None:
                self._connection.interrupt()

    def _begin(self, connection: Connection | None) -> bool:
        with self._lock:
            self._connection = connection
            return not self._is_stopped

    def _found(self, why: str, cause: Exception) -> None:
        log.error("the database is damaged: %s", why)
        last_run = self._last_run_file.load() or LastRun()
        self._last_run_file.save(replace(last_run, damaged=True), to_disk=True)
        raise EngineError(
            ErrorCode.DATABASE_ERROR,
            f"the database is damaged ({why}); the queue is paused. Close the program and start it"
            " again: then the database is restored",
        ) from cause
