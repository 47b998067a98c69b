"""What `upload` is told to send: arguments, a list of paths, or standard input."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import typer

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, not_written
from exai_desktop.core.jobs.jobs import JobState, JobView

STDIN: Final = "-"
_BLOCK: Final = 1024 * 1024
# What standard input gave, and was not uploaded, can be sent again by `retry` for this long.
_KEPT_S: Final = 24 * 3600.0
_NEEDED_NO_MORE: Final = frozenset({JobState.DONE, JobState.DUPLICATE, JobState.CANCELLED})


def absolute(path: str) -> str:
    """Only the folder one is in is added, as the engine may run elsewhere. The shell has replaced
    `~`, variables and patterns: what is left of them is part of a name. An empty one (an unset
    variable) stays empty: it must not mean the folder one is in.
    """
    return str(Path(path).absolute()) if path else ""


def listed(source: str, *, by_nul: bool) -> list[str]:
    """The paths in a file, or from standard input: one a line, or each ended by a NUL.

    A path may be of any bytes. Raises BadParameter for a file that cannot be read.
    """
    try:
        content = _stdin().read() if source == STDIN else Path(source).read_bytes()
    except OSError as error:
        why = f"{source} cannot be read: {error.strerror}"
        raise typer.BadParameter(why, param_hint="--files-from") from error
    parts = content.split(b"\0") if by_nul else content.splitlines()
    return [os.fsdecode(part) for part in parts if part]


def check_name(name: str | None) -> str:
    """The name that standard input gets. Raises BadParameter."""
    if not name:
        why = "standard input has no name; give it one, for example --name notes.txt"
        raise typer.BadParameter(why, param_hint="--name")
    if name in (".", "..") or os.sep in name or "/" in name or "\0" in name:
        raise typer.BadParameter("a file name without folders", param_hint="--name")
    return name


def kept(folder: Path, name: str, most_bytes: int) -> Path:
    """Standard input as a file of this name: it can be sent again after a crash. Blocks.

    Raises FILE_TOO_LARGE beyond `most_bytes`, and what a disk says that cannot take it.
    """
    own = folder / secrets.token_hex(8)
    try:
        own.mkdir(mode=0o700, parents=True)
        descriptor = os.open(own / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while block := _stdin().read(_BLOCK):
                file.write(block)
                if file.tell() > most_bytes:
                    raise AppError(
                        ErrorCode.FILE_TOO_LARGE, f"standard input: more than {most_bytes:,} bytes"
                    )
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        shutil.rmtree(own, ignore_errors=True)
        if isinstance(error, OSError):
            raise not_written(error, "the copy of standard input") from error
        raise
    return own / name


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return sys.stdin.buffer


def forget_kept(folder: Path, jobs: Sequence[JobView]) -> None:
    """Delete the copies of standard input that nobody needs any more; `jobs` are the newest."""
    states = {str(Path(job.path).parent): job.state for job in reversed(jobs)}
    for own in folder.iterdir():
        if _is_done_with(states.get(str(own)), _age_s(own)):
            shutil.rmtree(own, ignore_errors=True)


def _is_done_with(state: JobState | None, age_s: float) -> bool:
    """`state` is None for what was never added, or is older than the newest in the queue."""
    if state in _NEEDED_NO_MORE:
        return True
    return age_s > _KEPT_S and (state is None or state.is_final)


def _age_s(path: Path) -> float:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime
    return 0.0


def all_of(paths: Sequence[str], files_from: str | None, *, by_nul: bool) -> list[str]:
    """Arguments first. Raises BadParameter when nothing is named, or standard input twice."""
    if files_from == STDIN and STDIN in paths:
        raise typer.BadParameter("standard input can be read once", param_hint="--files-from")
    if by_nul and files_from is None:
        raise typer.BadParameter("it belongs to --files-from", param_hint="-0")
    if files_from is not None:
        return [*paths, *listed(files_from, by_nul=by_nul)]
    if not paths:
        raise typer.BadParameter("name files or folders", param_hint="PATHS")
    return list(paths)
