"""One account on the page *Providers*: its state, how full it is, and its last requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from PySide6.QtWidgets import QProgressBar

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.accounts.health import HealthSample, Phase
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.accounts.answer_strip import AnswerStrip
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text, count_text, place_text, size_text
from exai_desktop.gui.widgets.controls import Button, Card, IconView, column, row
from exai_desktop.gui.widgets.copy_line import Facts
from exai_desktop.gui.widgets.result_line import ResultLine


class ProviderCard(Card):
    def __init__(
        self,
        theme: Theme,
        table: ProviderTable,
        status: AccountStatus,
        on_test: Callable[[ProviderCard], object],
    ) -> None:
        super().__init__()
        self.name = status.account.name
        self.setAccessibleName(f"Provider of {self.name}")
        self._table = table
        self._icon = IconView(theme, "check", Tone.GOOD.value)
        self._state = PlainLabel(role="heading", wrap=True)
        self._hint = PlainLabel(role="muted", wrap=True)
        self.facts = Facts()
        self.room = QProgressBar()
        self.room.setTextVisible(False)
        self.strip = AnswerStrip(theme)
        self.result = ResultLine(theme)
        self.test = Button(theme, "Test", lambda: on_test(self), name=f"Test {self.name}")
        where = place_text(table, status.account.provider, status.account.region)
        names = column(
            ElidedLabel(self.name, role="title"), ElidedLabel(where, role="label"), gap=2
        )
        head = row(IconView(theme, "server", "muted", 24), names, self.test, gap=12)
        head.setStretch(1, 1)
        state = row(self._icon, self._state, gap=8)
        state.setStretch(1, 1)
        answers = PlainLabel("Last requests", role="muted")
        self.setLayout(
            column(
                head, state, self._hint, self.room, self.facts, answers, self.strip, self.result,
                margin=20, gap=12,
            )
        )  # fmt: skip
        self.show_status(status)

    @property
    def state(self) -> str:
        return self._state.text()

    def show_status(self, status: AccountStatus) -> None:
        """Bring the card up to date; the result of a test stays."""
        word, hint, tone = _state_of(status)
        is_missed = status.health.unreachable_since is not None
        self.test.setText("Try now" if is_missed else "Test")
        self.test.setAccessibleName(f"{self.test.text()} {self.name}")
        icon = {Tone.GOOD: "check", Tone.ACTIVE: "info"}.get(tone, "alert")
        self._icon.show_icon(icon, tone.value)
        self._state.setText(word)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._show_room(status)
        self.facts.show_facts(_facts_of(status, self._table))

    def _show_room(self, status: AccountStatus) -> None:
        """How full the account is; hidden where no limit is known."""
        most = _most_files(status, self._table)
        self.room.setVisible(bool(most))
        if most:
            self.room.setRange(0, most)
            self.room.setValue(min(status.files, most))
            self.room.setAccessibleName(f"Stored: {status.files:,} of {most:,} files")

    def show_history(self, newest_first: Sequence[HealthSample]) -> None:
        """What the account's provider has answered."""
        self.strip.show_samples(newest_first)


def _state_of(status: AccountStatus) -> tuple[str, str, Tone]:
    """In a word, what to do, and how bad it is."""
    breaker, health = status.breaker, status.health
    if status.problem is not None:
        return status.problem.title, status.problem.hint, Tone.BAD
    if breaker.phase is Phase.OPEN:
        again = f"Retried automatically at {clock_text(breaker.until)}. " if breaker.until else ""
        cause = f"Last failure: {breaker.cause}." if breaker.cause else ""
        word = f"Paused after {count_text(breaker.failures, 'failure', 'failures')} in a row"
        return word, f"{again}{cause}", Tone.BAD
    if breaker.phase is Phase.HALF_OPEN:
        return "Being retried", "One request at a time, until two were successful.", Tone.CARE
    if health.unreachable_since is not None:
        error = ErrorView.of_code(health.unreachable_code)
        word = f"Unreachable since {clock_text(health.unreachable_since)}"
        return word, f"{error.title}. {error.hint}", Tone.BAD
    if health.faults:
        share = f"{health.faults:,} of {count_text(health.answers, 'request', 'requests')} failed"
        return "Works, with failures", f"{share} in 15 minutes, last {health.last_code}.", Tone.CARE
    if health.answers:
        return "Works", "", Tone.GOOD
    return "Not used recently", "Choose Test to check the connection now.", Tone.ACTIVE


def _most_files(status: AccountStatus, table: ProviderTable) -> int | None:
    provider = table.provider(status.account.provider)
    return provider.max_total_files if provider else None


def _facts_of(status: AccountStatus, table: ProviderTable) -> dict[str, str]:
    """Empty values are not shown."""
    health, most = status.health, _most_files(status, table)
    room = f" of {most:,}" if most else ""
    way = status.transport
    sends = f"{way.name} ({way.note})" if way and way.note else way.name if way else ""
    pace = status.account.uploads_per_minute
    return {
        "Address": urlsplit(status.account.base_url).netloc,
        "Response time": f"{health.median_ms:,} ms (median)"
        if health.median_ms is not None
        else "",
        "Last success": clock_text(health.last_ok_at) if health.last_ok_at else "",
        "Last failure": clock_text(health.last_fault_at) if health.last_fault_at else "",
        "Stored": f"{status.files:,}{room} files, {size_text(status.bytes)}",
        "In progress": f"{status.sending:,} sending, {status.waiting:,} waiting",
        "Transport": sends,
        "Limit": f"{pace:,} uploads per minute" if pace else "",
        "Paused until": clock_text(status.paused_until) if status.paused_until else "",
        "Balance": str(status.balance) if status.balance is not None else "",
    }
