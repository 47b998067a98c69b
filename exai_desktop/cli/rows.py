"""Jobs as the command line writes them: one JSON object, or one row of a table, for each.

`list` beside an owner has only this to load, so nothing here needs rich or the engine's values.
"""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from exai_desktop.core.copies.words import CopyState
from exai_desktop.core.files.names import plain_text, visible_json
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.words import is_skipped, state_word

if TYPE_CHECKING:
    from exai_desktop.core.errors.tree import ErrorView
    from exai_desktop.core.jobs.jobs import JobView

S = JobState


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
        "skipped": is_skipped(job),
        "file_state": _file_state(job),
    }
    if job.state is S.DUPLICATE:
        found["twin_of"] = job.twin_of
    return found


def json_line(value: dict[str, Any]) -> str:
    """Readable, except for what a terminal would act on or cannot show: that is escaped."""
    text = visible_json(value)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(value)
    return text + "\n"


def soft_streams() -> None:
    """A terminal or file of an older encoding shows "?" rather than ending the upload."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


_TITLES: Final = ("ID", "State", "Name", "Size", "Account", "File ID or reason")
_RIGHT: Final = frozenset({0, 3})
_NAME: Final = 2
_NARROWEST_NAME: Final = 20


class JobTable:
    """Rows as they come. The columns are as wide as those of the first rows need; on a terminal
    names are cut so that a row has room, elsewhere nothing is cut."""

    def __init__(self) -> None:
        self._widths: list[int] = []
        self._is_terminal = sys.stdout.isatty()

    def lines(self, jobs: Iterable[JobView]) -> str:
        """These rows; before the first ones the titles."""
        rows = [_cells(job) for job in jobs]
        text = ""
        if not self._widths:
            self._measure([_TITLES, *rows])
            text = self._line(_TITLES, is_title=True)
        return text + "".join(map(self._line, rows))

    def _measure(self, rows: Sequence[Sequence[str]]) -> None:
        self._widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        if self._is_terminal:
            others = sum(self._widths) - self._widths[_NAME] + 2 * (len(self._widths) - 1)
            room = max(_NARROWEST_NAME, shutil.get_terminal_size().columns - others)
            self._widths[_NAME] = min(self._widths[_NAME], room)

    def _line(self, cells: Sequence[str], *, is_title: bool = False) -> str:
        shown = []
        for number, (cell, width) in enumerate(zip(cells, self._widths, strict=True)):
            if number == _NAME and self._is_terminal:
                cell = _cut(cell, width)  # noqa: PLW2901 - as it is shown
            gap = " " * (width - _width(cell))
            shown.append(gap + cell if number in _RIGHT else cell + gap)
        text = "  ".join(shown).rstrip()
        return f"\x1b[1m{text}\x1b[0m\n" if is_title and self._is_terminal else f"{text}\n"


def _cells(job: JobView) -> tuple[str, ...]:
    result = job.file_id or (job.error.title if job.error else job.wait_reason) or ""
    return (
        str(job.id),
        state_word(job),
        job.name,
        f"{job.size:,}",
        job.account or "",
        plain_text(result),
    )


def _width(text: str) -> int:
    """Cells of a terminal: East Asian characters and emoji take two, accents none."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    kept, used = "", 1  # the sign that something is missing
    for char in text:
        used += _cell(char)
        if used > width:
            break
        kept += char
    return f"{kept}…"
