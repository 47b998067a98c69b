"""What in a watched folder is not to be sent: patterns with the syntax of a .gitignore.

As git does it: the last pattern that fits decides, and nothing below an ignored folder comes back.
What cannot be understood may have kept files from being sent, so it is an error.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.jobs.watched_folders import IGNORE_FILE

if TYPE_CHECKING:  # most runs watch nothing
    from pathspec import GitIgnoreSpec

_MARK: Final = "ps_d"
MOST_BYTES: Final = 1024 * 1024
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


class IgnoreRules:
    """Made anew for each look: the ignore file may have changed. `lines` were checked.

    The library translates the patterns. It judges a path with all folders above it at once, and so
    takes `!*/` behind `*` for nothing; here each folder is judged on the way to what is in it.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        patterns = _spec(lines).patterns if lines else ()
        self._patterns = [
            (each.regex, bool(each.include)) for each in patterns if each.regex is not None
        ]
        self._patterns.reverse()

    def ignores(self, path: str, *, is_folder: bool = False) -> bool:
        """`path` is relative to the watched folder; the folders above it are not ignored."""
        text = path.replace(os.sep, "/") + ("/" if is_folder else "")
        for regex, is_ignored in self._patterns:
            if any(_is_meant(match, text) for match in regex.finditer(text)):
                return is_ignored
        return False


def _is_meant(match: re.Match[str], text: str) -> bool:
    """Whether a pattern fits the path itself, and not only a folder above it. The library marks
    the end of a folder by a group; patterns without it fit all that is below something."""
    if _MARK not in match.re.groupindex:
        return match.end() < len(text) or not match.re.pattern.endswith("/")
    return match[_MARK] is None or match.end(_MARK) == len(text)


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # late, as above

    return GitIgnoreSpec.from_lines(lines)


def check_patterns(patterns: Sequence[str]) -> None:
    """Raises IGNORE_PATTERN_INVALID; also for one that git would pass over without a word."""
    for pattern in patterns:
        is_text = bool(pattern.strip()) and not pattern.startswith("#")
        try:
            spec = _spec([pattern])
        except ValueError as error:
            raise FileError(ErrorCode.IGNORE_PATTERN_INVALID, repr(pattern)) from error
        is_one = [each.include for each in spec.patterns] != [None]
        if "\n" in pattern or "\0" in pattern or (is_text and not is_one):
            raise FileError(ErrorCode.IGNORE_PATTERN_INVALID, repr(pattern))


def rules_in(folder: str, patterns: Sequence[str]) -> IgnoreRules:
    """The ignore file of the folder, if there is one, and behind it these patterns. Blocks.

    Raises IGNORE_FILE_UNUSABLE.
    """
    lines = _lines_of(folder)
    for number, line in enumerate(lines, 1):
        try:
            check_patterns([line])
        except FileError as error:
            raise FileError(
                ErrorCode.IGNORE_FILE_UNUSABLE, f"line {number}: {error.detail}"
            ) from error
    return IgnoreRules([*lines, *patterns])


def _lines_of(folder: str) -> list[str]:
    path = Path(folder, IGNORE_FILE)
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FileError(ErrorCode.IGNORE_FILE_UNUSABLE, error.strerror or "") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
        os.close(handle)
        raise FileError(ErrorCode.IGNORE_FILE_UNUSABLE, "it is no file of at most 1 MiB")
    with os.fdopen(handle, "rb") as file:
        try:
            text = file.read(MOST_BYTES).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(
                ErrorCode.IGNORE_FILE_UNUSABLE, "it cannot be read as UTF-8 text"
            ) from error
    return text.splitlines()
