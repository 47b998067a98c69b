"""The parts of the details: lines that can be copied, the error, the question, the history."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.jobs.jobs import Attempt, JobDetail
from exai_desktop.core.jobs.words import attempt_word
from exai_desktop.gui.queue_page.state_look import LOOKS
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text, duration_text
from exai_desktop.gui.widgets.controls import (
    Button,
    Card,
    IconView,
    clear_layout,
    column,
    restyle,
    row,
)
from exai_desktop.gui.widgets.copy_line import _TOP


class ErrorCard(Card):
    """What happened, what to do, and the provider's own words."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Tone.BAD.value)
        self._icon = IconView(theme, "alert", Tone.BAD.value)
        self._title = PlainLabel(role=Tone.BAD.value, wrap=True)
        self._hint = PlainLabel(wrap=True)
        self._detail = PlainLabel(role="muted", wrap=True, selectable=True)
        self._detail.setAccessibleName("Details of the error")
        head = row(self._icon, self._title, gap=8)
        head.setStretch(1, 1)
        self.setLayout(column(head, self._hint, self._detail, margin=12, gap=6))

    def show_error(self, error: ErrorView, *, is_over: bool) -> None:
        """Red when it is over, amber while it may still turn out well."""
        tone = Tone.BAD if is_over else Tone.CARE
        restyle(self, "tone", tone.value)
        restyle(self._title, "role", tone.value)
        self._icon.show_icon("alert", tone.value)
        self._title.setText(error.title)
        self._hint.setText(error.hint)
        self._hint.setVisible(bool(error.hint))
        code = f"{error.code}: {error.detail}" if error.detail else error.code
        self._detail.setText(code)


class ReviewCard(Card):
    """The question of a job in needs_review, with its two answers."""

    def __init__(
        self, theme: Theme, on_use: Callable[[str], object], on_send: Callable[[], object]
    ) -> None:
        super().__init__(Tone.CARE.value)
        self._on_use = on_use
        title = PlainLabel("Does the provider have this file?", role=Tone.CARE.value, wrap=True)
        text = PlainLabel(
            "The answer to the upload was lost. Check the file list on the provider's website:"
            " if the file is there, enter its ID; if not, send it again.",
            wrap=True,
        )
        self.remote_id = QLineEdit()
        self.remote_id.setPlaceholderText("File ID at the provider")
        self.remote_id.setAccessibleName("File ID at the provider")
        self.remote_id.setAcceptDrops(False)
        self.use = Button(theme, "&Use this file", self._use, kind="primary")
        self.send = Button(theme, "Send a&gain", on_send, icon="retry")
        self.use.setEnabled(False)
        self.remote_id.textChanged.connect(lambda text: self.use.setEnabled(bool(text.strip())))
        answers = row(self.use, self.send, 0)
        self.setLayout(column(title, text, self.remote_id, answers, margin=12))

    def _use(self) -> None:
        self._on_use(self.remote_id.text().strip())
        self.remote_id.clear()


class Timeline(QWidget):
    """What happened to the job, oldest first, with the attempts in their places."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[object, ...] = ()
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(8)

    def show_history(self, detail: JobDetail) -> None:
        """Rebuilt only when something was added."""
        key = (detail.view.id, detail.history, detail.attempts)
        if key == self._shown:
            return
        self._shown = key
        clear_layout(self._lines)
        moments: list[tuple[float, str, str, str, str]] = []
        for entry in detail.history:
            look = LOOKS[entry.new]
            moments.append((entry.at, look.icon, look.tone.value, look.word, entry.note))
        moments += [_moment(attempt) for attempt in detail.attempts]
        for at, icon, tone, word, note in sorted(moments, key=lambda moment: moment[0]):
            self._lines.addWidget(self._line(at, icon, tone, word, note))

    def _line(self, at: float, icon: str, tone: str, word: str, note: str) -> QWidget:
        line = QFrame()
        picture = IconView(self._theme, icon, tone, 16)
        when = PlainLabel(clock_text(at), role="label")
        text = column(row(PlainLabel(word), 0, when), gap=0)
        if note:
            text.addWidget(PlainLabel(note, role="label", wrap=True))
        layout = row(picture, text, gap=10)
        layout.setAlignment(picture, _TOP)
        layout.setStretch(1, 1)
        line.setLayout(layout)
        return line


def _moment(attempt: Attempt) -> tuple[float, str, str, str, str]:
    """An attempt as a line of the history."""
    if attempt.ended_at is None:
        result = attempt_word(attempt)
    else:
        took = duration_text(attempt.ended_at - attempt.started_at)
        result = f"{attempt_word(attempt)} after {took}"
    parts = [f"transport {attempt.transport}", result]
    parts += [f"HTTP {attempt.http_status}"] if attempt.http_status else []
    parts += [attempt.detail] if attempt.detail else []
    return attempt.started_at, "send", "muted", f"Attempt {attempt.number}", ", ".join(parts)
