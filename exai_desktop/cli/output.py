"""What the command line prints: lines for people, or one JSON object per line for scripts."""

from __future__ import annotations

import io
import json
import sys
import time
from enum import IntEnum
from typing import Any, Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.copies.queries import SIGHT_WORDS, CopyCheck
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.words import state_word

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
# It was stored, and the provider has it no more.
_GONE_MARK: Final = ("!", "red")


def error_object(view: ErrorView | None) -> dict[str, Any] | None:
    if view is None:
        return None
    return {
        "code": view.code,
        "title": view.title,
        "hint": view.hint,
        "detail": view.detail,
        "retry_after": view.retry_after,
    }


def _file_state(job: JobView) -> str | None:
    """Of a stored job: `present` as far as known, or what became of its file."""
    if job.state not in (S.DONE, S.DUPLICATE):
        return None
    return (job.file_state or CopyState.PRESENT).value


def job_object(job: JobView) -> dict[str, Any]:
    """A job with the field names scripts rely on."""
    found: dict[str, Any] = {
        "id": job.id,
        "path": job.path,
        "state": job.state.value,
        "provider": job.provider,
        "account": job.account,
        "file_id": job.file_id,
        "purpose": job.purpose,
        "bytes": job.size,
        "sha256": job.sha256,
        "route_reason": job.route_reason,
        "transport": job.transport,
        "attempts": job.attempts,
        "error": error_object(job.error),
        "file_state": _file_state(job),
    }
    if job.state is S.DUPLICATE:
        found["twin_of"] = job.twin_of
    return found


def look_object(look: CopyCheck) -> dict[str, Any]:
    return {"at": look.at, "sight": look.sight.value, "bytes": look.bytes}


def look_line(look: CopyCheck) -> str:
    size = "" if look.bytes is None else f", {look.bytes:,} bytes"
    return f"{when(look.at)}  {SIGHT_WORDS[look.sight]}{size}"


def when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _harmless(text: str) -> str:
    """JSON with controls and invisible characters as escapes: the value stays exact."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _next_steps(error: ErrorView, job_id: int | None = None) -> list[str]:
    """The hint, and the commands that carry it out."""
    return [*([error.hint] if error.hint else []), *error.commands(job_id)]


class Output:
    """`as_json`: nothing but JSON lines on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            # A terminal or file of an older encoding shows "?" rather than ending the upload.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        self._console = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)
        self._told: set[str] = set()

    def json(self, value: dict[str, Any]) -> None:
        """Readable, except for what a terminal would act on or cannot show: that is escaped."""
        text = _harmless(json.dumps(value, ensure_ascii=False))
        try:
            text.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            text = json.dumps(value)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def line(self, text: str | Text) -> None:
        self._console.print(text if isinstance(text, Text) else Text(text))

    def job(self, job: JobView) -> None:
        """The outcome of one file."""
        if self.as_json:
            self.json(job_object(job))
            return
        mark, style = _MARKS.get(job.state, ("…", "yellow"))
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
            if job.error.detail:
                line.append(f"\n    {plain_text(job.error.detail)}")
            for more in _next_steps(job.error, job.id):
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
        sys.stdout.write("\n".join(plain_text(line, len(line)) for line in text.splitlines()))
        sys.stdout.write("\n")


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
