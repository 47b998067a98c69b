"""The log: JSON lines in the profile, written by a thread of its own, secrets taken out."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from exai_desktop.config.paths import Places
from exai_desktop.core.errors.redact import redact

_FILES: Final = 5
_FILE_BYTES: Final = 2 * 1024 * 1024
# They write every address at INFO, signed ones too, and every header at DEBUG.
_VERBOSE_LOGGERS: Final = ("httpx", "httpcore")

_running: list[tuple[QueueHandler, QueueListener, int]] = []


def log_file(places: Places) -> Path:
    """The newest log file; older ones have `.1` to `.4` behind."""
    return places.logs / "exai-desktop.log"


def log_nothing() -> None:
    """For a profile that is only read: without a handler Python would write to the terminal."""
    logging.getLogger().addHandler(logging.NullHandler())


def start_logging(places: Places, level: str) -> None:
    """Send everything from `level` ("debug", "info", "warning") on to the log file.

    Logging only puts the record in a queue: a slow disk delays no caller.
    """
    stop_logging()
    file = _PrivateFile(
        log_file(places), maxBytes=_FILE_BYTES, backupCount=_FILES - 1, encoding="utf-8"
    )
    file.setFormatter(RedactedJson())
    queue: SimpleQueue[Any] = SimpleQueue()
    handler = QueueHandler(queue)
    listener = QueueListener(queue, file)
    root = logging.getLogger()
    _running.append((handler, listener, root.level))
    listener.start()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def stop_logging() -> None:
    """Write what is queued and close the file. Harmless when nothing runs."""
    while _running:
        handler, listener, level = _running.pop()
        root = logging.getLogger()
        root.removeHandler(handler)
        root.setLevel(level)
        listener.stop()
        for target in listener.handlers:
            target.close()


class RedactedJson(logging.Formatter):
    """One object a line. Redaction sees the finished text, the traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "text": redact(super().format(record)),
        }
        return json.dumps(entry, ensure_ascii=False)


class _PrivateFile(RotatingFileHandler):
    """Readable for its owner alone, also the file that follows a full one."""

    def _open(self) -> TextIOWrapper:
        # A name that is not UTF-8 must not keep its line out of the log.
        file = open(  # noqa: SIM115 - the handler closes it; an opener sets the mode
            self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=_private
        )
        assert isinstance(file, TextIOWrapper)
        return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
