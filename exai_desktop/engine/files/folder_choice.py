"""Whether a folder may be watched, and beside which others. Everything here blocks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.files.path_policy import secret_folder_of
from exai_desktop.core.jobs.watched_folders import FolderMark, WatchedFolder
from exai_desktop.engine.files.folder_mark import mark_of
from exai_desktop.engine.files.folder_places import FolderPlace, without_parents


def _unusable(why: str) -> EngineError:
    return EngineError(ErrorCode.WATCH_FOLDER_UNUSABLE, why)


def chosen_folder(folder: str, own: Sequence[str]) -> tuple[str, FolderMark]:
    """The real path of a folder and what it is told by; a link is followed once, now.

    `own`: folders of this program. Raises WATCH_FOLDER_UNUSABLE.
    """
    if not PurePath(folder).is_absolute() or "\0" in folder:
        raise _unusable(f"{folder!r} is not the full path of a folder")
    path = os.path.realpath(without_parents(folder))
    try:
        with os.scandir(path) as entries:
            next(entries, None)
    except OSError as error:
        raise _unusable(f"{path}: {error.strerror}") from error
    secret = secret_folder_of(path)
    if secret is not None:
        raise _unusable(f"{secret} contains keys or passwords")
    if any(_is_within(path, each) for each in own):
        raise _unusable(f"{path} belongs to this program")
    mark = mark_of(path)
    if mark is None:
        raise _unusable(f"{path}: this file system does not tell one folder from another")
    return path, mark


def _is_within(inner: str, outer: str) -> bool:
    """The file system knows, whatever the names."""
    place = FolderPlace.look(outer)
    pure = PurePath(inner)
    return any(place.is_same(FolderPlace.look(each)) for each in (pure, *pure.parents))


def check_apart(path: str, others: Iterable[WatchedFolder]) -> None:
    """Raises WATCHED_TWICE and WATCHED_NESTED."""
    for other in others:
        if FolderPlace.look(path).is_same(FolderPlace.look(other.path)):
            raise EngineError(ErrorCode.WATCHED_TWICE, f"{other.path} (number {other.id})")
        if _is_within(path, other.path) or _is_within(other.path, path):
            raise EngineError(
                ErrorCode.WATCHED_NESTED, f"{path} and {other.path} (number {other.id})"
            )


def check_width(path: str) -> None:
    """Raises WATCH_TOO_WIDE for the user's home and what is around it."""
    home = os.path.realpath(Path.home())
    if len(PurePath(path).parts) < 2 or _is_within(home, path):
        raise EngineError(ErrorCode.WATCH_TOO_WIDE, path)
