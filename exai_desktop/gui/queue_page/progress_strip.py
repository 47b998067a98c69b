"""The strip at the bottom: the whole queue in one line, with pause and resume."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QProgressBar

from exai_desktop.core.events import Progressed
from exai_desktop.core.jobs.jobs import JobState, QueueSummary
from exai_desktop.gui.queue_page.state_look import ATTENTION, DONE
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import clock_text, count_text, eta_text, size_text, speed_text
from exai_desktop.gui.widgets.chip_filter import StateGroup
from exai_desktop.gui.widgets.controls import Button, column, row

_SCALE = 1000


def headline(summary: QueueSummary) -> str:
    """What the queue does now, in a few words."""
    if summary.total == 0:
        return "Nothing in the queue"
    if summary.open_jobs == 0:
        return "All files finished"
    if summary.paused:
        until = f" until {clock_text(summary.paused_until)}" if summary.paused_until else ""
        why = f" {summary.pause_reason}" if summary.pause_reason else until
        return f"Paused{why}, {count_text(summary.open_jobs, 'file', 'files')} left"
    if _nothing_moves(summary):
        attention = _count(summary, ATTENTION)
        return f"{count_text(attention, 'file needs', 'files need')} your attention"
    return f"{count_text(summary.open_jobs, 'file', 'files')} left"


def figures(summary: QueueSummary, run: Run) -> str:
    """Bytes, speed and time left; what is unknown is left out."""
    if summary.open_jobs == 0 or run.total <= 0:
        return ""
    parts = [f"{size_text(run.done)} of {size_text(run.total)}"]
    if not summary.paused:
        parts += [speed_text(summary.speed), eta_text(summary.eta_s)]
    return "  ·  ".join(part for part in parts if part)


def results(summary: QueueSummary) -> str:
    """How many are done and how many need a look."""
    done, attention = _count(summary, DONE), _count(summary, ATTENTION)
    parts = [f"{done:,} done"] if done else []
    # Once: the headline may say it already, of the same files.
    if attention and (summary.paused or not _nothing_moves(summary)):
        parts.append(count_text(attention, "needs attention", "need attention"))
    return "  ·  ".join(parts)


def _nothing_moves(summary: QueueSummary) -> bool:
    """All that is open waits for the user."""
    asking = (JobState.NEEDS_REVIEW, JobState.HELD)
    open_ = sum(summary.counts.get(state, 0) for state in asking)
    return 0 < summary.open_jobs == open_


def _count(summary: QueueSummary, group: StateGroup[JobState]) -> int:
    return sum(summary.counts.get(state, 0) for state in group.states)


class ProgressStrip(QFrame):
    """Always there; calm when nothing moves."""

    def __init__(self, theme: Theme, on_pause: Callable[[bool], object]) -> None:
        super().__init__()
        self._theme = theme
        self._on_pause = on_pause
        self._summary = QueueSummary()
        self._run = RunProgress()
        self.setProperty("strip", True)
        self._headline = PlainLabel(role="heading")
        self._results = PlainLabel(role="muted")
        self._figures = ElidedLabel(role="muted")
        self._figures.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress of the whole queue")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _SCALE)
        self.pause = Button(theme, "Pause", self._toggle, icon="pause", name="Pause the queue")
        self.pause.setMinimumWidth(116)
        line = row(self._headline, self._results, self._figures, gap=16)
        line.setStretch(2, 1)
        layout = row(column(line, self.bar, gap=8), self.pause, gap=24)
        layout.setContentsMargins(24, 12, 24, 12)
        self.setLayout(layout)
        self.show_summary(self._summary, ())

    def restart(self) -> None:
        """Another engine is behind the window."""
        self._run.restart()

    def show_summary(self, summary: QueueSummary, moving: Iterable[Progressed]) -> None:
        """The newest figures, with the files under way."""
        self._summary = summary
        run = self._run.update(summary, moving)
        self._headline.setText(headline(summary))
        self._results.setText(results(summary))
        self._figures.setText(figures(summary, run))
        self.bar.setValue(int(_SCALE * run.part))
        self.bar.setVisible(summary.open_jobs > 0)
        word = "Resume" if summary.paused else "Pause"
        self.pause.setText(word)
        self.pause.setAccessibleName(f"{word} the queue")
        self._theme.set_icon(self.pause, "play" if summary.paused else "pause")
        self.pause.setVisible(summary.open_jobs > 0 or summary.paused)

    def _toggle(self) -> None:
        self._on_pause(not self._summary.paused)


class Run(NamedTuple):
    """Bytes of this run; `part` (0 to 1) never goes back while it lasts."""

    done: int
    total: int
    part: float


class RunProgress:
    """Remembers where this run began."""

    def __init__(self) -> None:
        self._base: int | None = None
        self._part = 0.0

    def restart(self) -> None:
        """Another engine: its sums have nothing to do with the old ones."""
        self._base = None
        self._part = 0.0

    def update(self, summary: QueueSummary, moving: Iterable[Progressed]) -> Run:
        """`moving` are the files under way; their bytes are in the summary's `sent_bytes`."""
        files = tuple(moving)
        stored = max(0, summary.sent_bytes - sum(file.done for file in files))
        sending = sum(file.done for file in files if file.phase == "sending")
        if self._base is None or summary.open_jobs == 0 or stored < self._base:
            self._base = stored
            self._part = 0.0
        total = stored - self._base + summary.open_bytes
        done = min(total, stored - self._base + sending)
        if summary.open_jobs:
            self._part = max(self._part, done / total if total else 0.0)
        return Run(done, total, self._part)
