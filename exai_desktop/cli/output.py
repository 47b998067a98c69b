"""What the command line prints: lines for people, or one JSON object per line for scripts."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from exai_desktop.cli.rows import error_object, job_object, json_line, soft_streams
from exai_desktop.core.copies.queries import SIGHT_WORDS, CopyCheck
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.words import is_skipped, state_word

S = JobState

_WIDEST: Final = 2_000

_MARKS: Final[dict[JobState, tuple[str, str]]] = {
    S.DONE: ("✓", "green"),
    S.DUPLICATE: ("=", "green"),
    S.REFUSED: ("✗", "red"),
    S.FAILED: ("✗", "red"),
    S.CANCELLED: ("-", "yellow"),
    S.HELD: ("!", "yellow"),
    S.NEEDS_REVIEW: ("?", "yellow"),
}
_WAITING_MARK: Final = ("…", "yellow")
_SKIPPED_MARK: Final = ("-", "dim")
# It was stored, and the provider has it no more.
_GONE_MARK: Final = ("!", "red")


def look_object(look: CopyCheck) -> dict[str, Any]:
    return {"at": look.at, "sight": look.sight.value, "bytes": look.bytes}


def look_line(look: CopyCheck) -> str:
    size = "" if look.bytes is None else f", {look.bytes:,} bytes"
    return f"{when(look.at)}  {SIGHT_WORDS[look.sight]}{size}"


def when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _next_steps(error: ErrorView, job_id: int | None = None) -> list[str]:
    """The hint, and the commands that carry it out."""
    return [*([error.hint] if error.hint else []), *error.commands(job_id)]


class _Console(Console):
    """Whoever reads our output may have seen enough: that stops no upload.

    Any other failure to write is kept, to be told at the end.
    """

    failure: OSError | None = None

    def on_broken_pipe(self) -> None:
        self._forget_stream()

    def print(self, *objects: Any, **how: Any) -> None:
        with self.may_fail():
            super().print(*objects, **how)

    @contextmanager
    def may_fail(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._forget_stream()
        except OSError as error:
            self.failure = error
            self._forget_stream()

    def _forget_stream(self) -> None:
        """What is written from now on goes nowhere, also by the interpreter at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


class Output:
    """`as_json`: nothing but JSON lines on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        soft_streams()
        self._console = _Console(highlight=False, soft_wrap=True)
        self.errors = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._told: set[str] = set()

    def json(self, value: dict[str, Any]) -> None:
        """One line, harmless for a terminal; see `rows.json_line`."""
        self.write(json_line(value))

    def line(self, text: str | Text) -> None:
        self._console.print(text if isinstance(text, Text) else Text(text))

    @property
    def failure(self) -> OSError | None:
        """Why standard output could not be written; None also when its reader has gone."""
        return self._console.failure

    def write(self, text: str) -> None:
        """As it is; a text that is no JSON line is the caller's to make harmless."""
        with self._console.may_fail():
            sys.stdout.write(text)
            sys.stdout.flush()

    def job(self, job: JobView) -> None:
        """The outcome of one file."""
        if self.as_json:
            self.json(job_object(job))
            return
        mark, style = _SKIPPED_MARK if is_skipped(job) else _MARKS.get(job.state, _WAITING_MARK)
        if job.file_state is not None:
            mark, style = _GONE_MARK
        line = Text()
        line.append(f"{mark} ", style=style)
        line.append(job.name)
        if job.file_id and job.error is None and job.state in (S.DONE, S.DUPLICATE):
            line.append(f"  {plain_text(job.file_id)}", style="bold")
            where = f"  {job.account}, {job.purpose}"
            line.append(where + (", already uploaded" if job.state is S.DUPLICATE else ""))
        elif job.error is not None:
            line.append(f"  {state_word(job)}: {job.error.title} ({job.error.code})", style=style)
            if job.error.detail not in ("", job.name):
                line.append(f"\n    {plain_text(job.error.detail)}")
            for more in () if is_skipped(job) else _next_steps(job.error, job.id):
                line.append(f"\n    {more}", style="dim")
        else:
            line.append(f"  {state_word(job)}", style=style)
        self.line(line)

    def error(self, error: AppError) -> None:
        """An error that ends the verb; it goes to standard error, with `--json` to both."""
        view = ErrorView.of(error)
        if self.as_json:
            self.json({"error": error_object(view)})
        self._explain(view)

    def notice(self, line: str) -> None:
        """What is wrong with the profile, as `facts` has it: the code comes first."""
        self._told.add(line.partition(":")[0])
        self.errors.print(Text(plain_text(line), style="yellow"))

    def problem(self, view: ErrorView) -> None:
        """Something beyond one file: once, and on standard error alone."""
        if view.code not in self._told:
            self._told.add(view.code)
            self._explain(view)

    def _explain(self, view: ErrorView) -> None:
        text = Text()
        text.append(f"{view.title} ({view.code})", style="red")
        if view.detail:
            text.append(f": {plain_text(view.detail)}")
        for line in _next_steps(view):
            text.append(f"\n  {line}", style="dim")
        self.errors.print(text)

    def table(self, table: Table) -> None:
        """As wide as the terminal; where there is none, nothing is cut off."""
        console = self._console
        if not console.is_terminal:
            options = console.options.update(max_width=_WIDEST)
            console.width = Measurement.get(console, options, table).maximum
        console.print(table)

    def text(self, text: str) -> None:
        """A document's text as it is, without what a terminal would carry out."""
        lines = [plain_text(line, len(line)) for line in text.splitlines()]
        self.write("\n".join([*lines, ""]))


class Exit(IntEnum):
    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    NO_ACCOUNT = 3
    ANOTHER_INSTANCE = 4


_BY_CODE = {
    ErrorCode.NO_ACCOUNT: Exit.NO_ACCOUNT,
    ErrorCode.ANOTHER_INSTANCE: Exit.ANOTHER_INSTANCE,
    ErrorCode.PROFILE_IN_USE: Exit.ANOTHER_INSTANCE,
    ErrorCode.UNKNOWN_ACCOUNT: Exit.USAGE,
    ErrorCode.UNKNOWN_JOB: Exit.USAGE,
    ErrorCode.INVALID_PURPOSE: Exit.USAGE,
    ErrorCode.INVALID_ACCOUNT: Exit.USAGE,
    ErrorCode.INVALID_KEY_FORMAT: Exit.USAGE,
    ErrorCode.INVALID_SETTING: Exit.USAGE,
    ErrorCode.UNUSABLE_SETTING: Exit.USAGE,
    ErrorCode.ACCOUNT_EXISTS: Exit.USAGE,
}


def exit_for(code: ErrorCode) -> Exit:
    """The exit code of a verb that ended with this error."""
    return _BY_CODE.get(code, Exit.SOME_FAILED)
