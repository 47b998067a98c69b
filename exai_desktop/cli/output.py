"""What the command line prints: lines for people, or one JSON object per line for scripts."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, Final

from exai_desktop.cli.rows import error_object, job_object, json_line, soft_streams
from exai_desktop.core.copies.queries import SIGHT_WORDS, CopyCheck
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.words import STATE_WORDS, is_skipped, state_word

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from exai_desktop.core.jobs.reasons import ReasonGroup

S = JobState
# Pieces of text, each with its style.
Styled = list[tuple[str, str]]

_WIDEST: Final = 2_000

# Of bell, backspace, vertical tab, form feed and carriage return a terminal would make something.
_UNPRINTED: Final = dict.fromkeys((7, 8, 11, 12, 13))
# By these rich draws colours also where there is no terminal.
_COLOURS_ASKED: Final = ("FORCE_COLOR", "TTY_COMPATIBLE")

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


class _Stream:
    """Standard output or standard error.

    Whoever reads our output may have seen enough: that stops no upload. Any other failure to
    write is kept, to be told at the end.
    """

    failure: OSError | None = None

    def __init__(self, *, is_error: bool) -> None:
        self._is_error = is_error

    @cached_property
    def console(self) -> Console:
        from rich.console import Console  # late: it takes longer to load than most verbs to run

        class Ours(Console):
            def on_broken_pipe(self) -> None:
                stream.forget()

        stream = self
        return Ours(stderr=self._is_error, highlight=False, soft_wrap=True)

    def print(self, text: str | Styled) -> None:
        """One paragraph, with its styles where they can be seen."""
        pieces = [(text, "")] if isinstance(text, str) else text
        with self.may_fail():
            if self._is_plain():
                whole = "".join(piece for piece, _ in pieces)
                self._file.write(f"{whole.translate(_UNPRINTED)}\n")
                self._file.flush()
            else:
                from rich.text import Text  # late, as above

                self.console.print(Text.assemble(*pieces))

    @contextmanager
    def may_fail(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self.forget()
        except OSError as error:
            self.failure = error
            self.forget()

    def forget(self) -> None:
        """What is written from now on goes nowhere, also by the interpreter at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)

    @property
    def _file(self) -> IO[str]:
        return sys.stderr if self._is_error else sys.stdout

    def _is_plain(self) -> bool:
        return not (self._file.isatty() or any(name in os.environ for name in _COLOURS_ASKED))


class Output:
    """`as_json`: nothing but JSON lines on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        soft_streams()
        self._lines = _Stream(is_error=False)
        self.errors = _Stream(is_error=True)
        self._told: set[str] = set()

    def json(self, value: dict[str, Any]) -> None:
        """One line, harmless for a terminal; see `rows.json_line`."""
        self.write(json_line(value))

    def line(self, text: str | Styled) -> None:
        self._lines.print(text)

    @property
    def failure(self) -> OSError | None:
        """Why standard output could not be written; None also when its reader has gone."""
        return self._lines.failure

    def write(self, text: str) -> None:
        """As it is; a text that is no JSON line is the caller's to make harmless."""
        with self._lines.may_fail():
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
        line: Styled = [(f"{mark} ", style), (job.name, "")]
        if job.file_id and job.error is None and job.state in (S.DONE, S.DUPLICATE):
            line.append((f"  {plain_text(job.file_id)}", "bold"))
            where = f"  {job.account}, {job.purpose}"
            line.append((where + (", already uploaded" if job.state is S.DUPLICATE else ""), ""))
        elif job.error is not None:
            line.append((f"  {state_word(job)}: {job.error.title} ({job.error.code})", style))
            if job.error.detail not in ("", job.name):
                line.append((f"\n    {plain_text(job.error.detail)}", ""))
            for more in () if is_skipped(job) else _next_steps(job.error, job.id):
                line.append((f"\n    {more}", "dim"))
        else:
            line.append((f"  {state_word(job)}", style))
        self.line(line)

    def group(self, group: ReasonGroup) -> None:
        """Files that were not sent for one reason: how many, why, and what to do."""
        word = "Skipped" if group.is_skipped else STATE_WORDS[group.state]
        why = f": {group.title} ({group.code})" if group.code else ""
        example = f", for example {plain_text(group.example, 60)}" if group.example else ""
        self.line(f"{group.files:>8,}  {word}{why}{example}")
        if group.hint and not group.is_skipped:
            self.line([(f"          {group.hint}", "dim")])

    def error(self, error: AppError) -> None:
        """An error that ends the verb; it goes to standard error, with `--json` to both."""
        view = ErrorView.of(error)
        if self.as_json:
            self.json({"error": error_object(view)})
        self._explain(view)

    def notice(self, line: str) -> None:
        """What is wrong with the profile, as `facts` has it: the code comes first."""
        self._told.add(line.partition(":")[0])
        self.errors.print([(plain_text(line), "yellow")])

    def problem(self, view: ErrorView) -> None:
        """Something beyond one file: once, and on standard error alone."""
        if view.code not in self._told:
            self._told.add(view.code)
            self._explain(view)

    def _explain(self, view: ErrorView) -> None:
        text: Styled = [(f"{view.title} ({view.code})", "red")]
        if view.detail:
            text.append((f": {plain_text(view.detail)}", ""))
        for line in _next_steps(view):
            text.append((f"\n  {line}", "dim"))
        self.errors.print(text)

    def table(self, table: Table) -> None:
        """As wide as the terminal; where there is none, nothing is cut off."""
        from rich.measure import Measurement  # late, as above

        console = self._lines.console
        if not console.is_terminal:
            options = console.options.update(max_width=_WIDEST)
            console.width = Measurement.get(console, options, table).maximum
        with self._lines.may_fail():
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
    ErrorCode.UNKNOWN_BATCH: Exit.USAGE,
    ErrorCode.INVALID_PURPOSE: Exit.USAGE,
    ErrorCode.INVALID_ACCOUNT: Exit.USAGE,
    ErrorCode.INVALID_KEY_FORMAT: Exit.USAGE,
    ErrorCode.PROJECT_ADDRESS: Exit.USAGE,
    ErrorCode.PROJECT_KEY_INVALID: Exit.USAGE,
    ErrorCode.SECRET_KEY_GIVEN: Exit.USAGE,
    ErrorCode.INVALID_SETTING: Exit.USAGE,
    ErrorCode.SETTINGS_NOT_READ: Exit.USAGE,
    ErrorCode.UNUSABLE_SETTING: Exit.USAGE,
    ErrorCode.ACCOUNT_EXISTS: Exit.USAGE,
    ErrorCode.WATCH_FOLDER_UNUSABLE: Exit.USAGE,
    ErrorCode.WATCHED_TWICE: Exit.USAGE,
    ErrorCode.WATCHED_NESTED: Exit.USAGE,
    ErrorCode.WATCH_TOO_WIDE: Exit.USAGE,
    ErrorCode.IGNORE_PATTERN_INVALID: Exit.USAGE,
    ErrorCode.UNKNOWN_WATCH: Exit.USAGE,
}


def exit_for(code: ErrorCode) -> Exit:
    """The exit code of a verb that ended with this error."""
    return _BY_CODE.get(code, Exit.SOME_FAILED)
