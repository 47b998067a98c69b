"""The log: JSON lines in the profile, written by a thread of its own, secrets taken out."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import traceback
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from exai_desktop.config.paths import Places
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact

_FILES: Final = 5
_FILE_BYTES: Final = 2 * 1024 * 1024
# They write every address at INFO, signed ones too, and every header at DEBUG.
_VERBOSE_LOGGERS: Final = ("httpx", "httpcore")

_OWN: Final = __name__.partition(".")[0]
# Where the text without names travels on a record.
_NAMELESS: Final = "exai_nameless"
# Names of classes; what the system and the program say of errors is known word by word.
_CLASS: Final = re.compile(r"[A-Z][A-Za-z]{2,30}(?:Error|Exception|Timeout)")
_WORDS: Final = frozenset(map(str, ErrorCode)) | {os.strerror(n) for n in errno.errorcode}

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
    handler = _Handler(queue)
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
            "nameless": redact(getattr(record, _NAMELESS, "")),
        }
        return json.dumps(entry, ensure_ascii=False)


class _Handler(QueueHandler):
    def prepare(self, record: logging.LogRecord) -> Any:
        """The queue gets the finished text; what it was made of is known here only."""
        said = _nameless(record)
        prepared = super().prepare(record)
        setattr(prepared, _NAMELESS, said)
        return prepared


def _nameless(record: logging.LogRecord) -> str:
    """The line without what may be a name: numbers, codes and names of classes stay.

    Of other libraries only who spoke: their lines are finished before they come here.
    """
    parts = []
    if record.name.partition(".")[0] == _OWN:
        given = record.args if isinstance(record.args, tuple) else ()
        said = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        try:
            parts.append(said % tuple(map(_without_name, given)))
        except (TypeError, ValueError):
            parts.append(said)
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]
        parts.append(f"{type(error).__name__} at {' > '.join(own)}")
        error = error.__cause__ or error.__context__
    return "; ".join(parts)


def _without_name(value: object) -> object:
    if isinstance(value, int | float):
        return value
    if isinstance(value, BaseException):
        return getattr(value, "code", type(value).__name__)
    said = str(value) if isinstance(value, str) else ""
    return said if said in _WORDS or _CLASS.fullmatch(said) else "…"


def log_tail(places: Places, lines: int, *, whole: bool) -> list[str]:
    """The newest lines, the oldest of them first; not `whole`: without names. Blocks."""
    found: deque[str] = deque(maxlen=lines)
    newest = log_file(places)
    for file in (newest.with_name(f"{newest.name}.1"), newest):
        with suppress(OSError), file.open(encoding="utf-8", errors="replace") as opened:
            found.extend(filter(None, (_shown_line(line, whole=whole) for line in opened)))
    return list(found)


def _shown_line(line: str, *, whole: bool) -> str:
    try:
        entry = json.loads(line)
        text = entry["text" if whole else "nameless"]
        head = f"{entry['at']} {entry['level']} {entry['logger']}"
    except (ValueError, KeyError, TypeError):
        return ""  # cut by a full disk, or of an earlier version
    return f"{head}: {text}" if text else head


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
