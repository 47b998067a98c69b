"""What the tray tells, made from what the engine says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.jobs.jobs import JobState, JobView, QueueSummary
from exai_desktop.gui.queue_page.commands import HOUR_S
from exai_desktop.gui.queue_page.progress_strip import headline
from exai_desktop.gui.queue_page.state_look import ATTENTION
from exai_desktop.gui.style.plain_text import label_text
from exai_desktop.gui.style.wording import clock_text, count_text, eta_text, speed_text
from exai_desktop.gui.tray.icons import TrayState
from exai_desktop.gui.tray.menu import TrayView

# These need the user before anything else happens to them.
_ASKING: Final = (JobState.NEEDS_REVIEW, JobState.HELD)
# Menus of panels have no width of their own.
_LONGEST_NAME: Final = 40


@dataclass(slots=True)
class TrayFacts:
    """What is known by now. `news`: files that failed or were refused since the window was last
    looked at; older ones are known."""

    summary: QueueSummary = field(default_factory=QueueSummary)
    accounts: tuple[AccountStatus, ...] = ()
    # Titles of the problems that are not over, by what tells them apart.
    problems: dict[str, str] = field(default_factory=dict)
    news: int = 0
    recent: tuple[JobView, ...] = ()
    shows_names: bool = True

    def view(self, now: float | None = None) -> TrayView:
        """Everything the tray shows."""
        summary, moment = self.summary, time.time() if now is None else now
        return TrayView(
            state=self._state(),
            lines=self._lines(moment),
            is_paused=summary.paused,
            hour_ends="" if summary.paused else minute_text(moment + HOUR_S, moment),
            paused_until=(
                minute_text(summary.paused_until, moment) if summary.paused_until else ""
            ),
            problems=_count(summary, ATTENTION.states),
            recent=tuple(map(self._entry, self.recent)),
        )

    def _state(self) -> TrayState:
        summary = self.summary
        if self.problems or self.news or summary.counts.get(JobState.NEEDS_REVIEW):
            return TrayState.ATTENTION
        if summary.paused:
            return TrayState.PAUSED
        if is_offline(self.accounts):
            return TrayState.OFFLINE
        if summary.open_jobs > _count(summary, _ASKING):
            return TrayState.WORKING
        return TrayState.IDLE

    def _lines(self, now: float) -> tuple[str, ...]:
        summary, state = self.summary, self._state()
        left = count_text(summary.open_jobs, "file", "files")
        if state is TrayState.OFFLINE:
            first = f"No connection, {left} left" if summary.open_jobs else "No connection"
        elif state is TrayState.ATTENTION and self.problems:
            first = next(reversed(self.problems.values()))
        elif state is TrayState.ATTENTION and self.news:
            first = f"{count_text(self.news, 'file was', 'files were')} not uploaded"
        elif state is TrayState.PAUSED and not summary.open_jobs:
            until = summary.paused_until
            first = f"Paused until {clock_text(until, now)}" if until else "Paused"
        elif sending := summary.counts.get(JobState.SENDING, 0):
            first = headline(summary) if summary.paused else f"Sending {sending:,}, {left} left"
        else:
            first = headline(summary)
        parts = (speed_text(summary.speed), eta_text(summary.eta_s))
        second = ", ".join(part for part in parts if part)
        is_moving = summary.open_jobs and not summary.paused
        return (first, second) if second and is_moving else (first,)

    def _entry(self, job: JobView) -> tuple[str, str]:
        name = job.name if self.shows_names else job.file_id or ""
        if len(name) > _LONGEST_NAME:
            half = _LONGEST_NAME // 2
            name = f"{name[: half - 1]}…{name[-half:]}"
        return label_text(name), job.file_id or ""


def is_offline(accounts: Sequence[AccountStatus]) -> bool:
    """None of the accounts in use can be reached; what was never asked is not known to be away."""
    used = [status for status in accounts if status.account.enabled]
    return bool(used) and all(status.health.unreachable_since is not None for status in used)


def _count(summary: QueueSummary, states: Sequence[JobState]) -> int:
    return sum(summary.counts.get(state, 0) for state in states)


def minute_text(at: float, now: float) -> str:
    """`15:22`: in a menu seconds would be noise. With the day, if it is another one."""
    text = clock_text(at, now)
    return text[:5] if len(text) == len("15:22:07") else text
