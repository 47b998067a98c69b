"""News of changes in the folders of a tree, as far as the system tells: a hint, never the truth.

What the library has gathered is fetched now and then. Its own way of waiting looks twenty times a
second whether there is anything, which a program in the background must not do.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # most runs watch nothing
    from watchfiles._rust_notify import RustNotify

log = logging.getLogger(__name__)

# So many changes at once are not told one by one.
MOST: Final = 2_000
_LIMITS: Final = {
    errno.ENOSPC: "the system's limit of watched folders is reached",
    errno.EMFILE: "the system's limit of watchers is reached",
    errno.ENFILE: "the system's limit of watchers is reached",
}
_NUMBER: Final = re.compile(r"os error (\d+)")
_SHORTEST_MS: Final = 1


class NoEventsError(Exception):
    """The system tells of no changes here; the text says why."""


class FolderEvents:
    """Of these folders, given by whole paths, and not of folders in them."""

    def __init__(self, folders: Sequence[str]) -> None:
        """Blocks. Raises `NoEventsError`."""
        self._notify = _notify(folders)

    def take(self) -> set[str] | None:
        """Paths that have changed since the last call. None: it is not known which. Blocks for
        some milliseconds."""
        try:
            found = self._notify.watch(_SHORTEST_MS, _SHORTEST_MS, _SHORTEST_MS, None)
        except RuntimeError as error:
            log.info("events of a watched folder were lost: %s", error)
            return None
        if isinstance(found, str):
            return set()
        return {path for _, path in found} if len(found) <= MOST else None

    def close(self) -> None:
        self._notify.close()


def _notify(folders: Sequence[str]) -> RustNotify:
    try:
        from watchfiles._rust_notify import RustNotify  # late, as above
    except ImportError as error:
        raise NoEventsError("the library that hears of changes is not installed") from error
    try:
        for folder in folders:
            folder.encode()
        return RustNotify(
            watch_paths=list(folders),
            debug=False,
            force_polling=False,
            poll_delay_ms=30_000,
            recursive=False,
            # True would also pass over the limit without a word.
            ignore_permission_denied=False,
        )
    except UnicodeEncodeError as error:
        raise NoEventsError("the name of a folder is not UTF-8") from error
    except (OSError, RuntimeError) as error:
        raise NoEventsError(_why(error)) from error


def _why(error: Exception) -> str:
    """For people. The library has the system's number in its text only."""
    told = _NUMBER.search(str(error))
    number = int(told[1]) if told else getattr(error, "errno", None)
    if number is None and "limit" in str(error):
        number = errno.ENOSPC
    if number in _LIMITS:
        return _LIMITS[number]
    reason = os.strerror(number) if number else type(error).__name__
    return f"the system announces no changes here ({reason})"
