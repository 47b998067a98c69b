"""Messages inside the window: one at a time, never a box in the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.events import BatchFinished, ProblemRaised, ProblemSolved
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.controls import (
    Button,
    Card,
    IconView,
    clear_layout,
    column,
    restyle,
    row,
)

_ICONS = {Tone.BAD: "alert", Tone.CARE: "alert", Tone.GOOD: "check", Tone.ACTIVE: "info"}
_GOES_AFTER_MS = 6_000


class NoticeAction(NamedTuple):
    """A button in the message."""

    word: str
    carry_out: Callable[[], object]


class _Notice(NamedTuple):
    title: str
    text: str
    tone: Tone
    actions: tuple[NoticeAction, ...] = ()


class PastNotice(NamedTuple):
    """One that was shown, and when."""

    at: float
    title: str
    text: str
    tone: Tone
    actions: tuple[NoticeAction, ...] = ()


class NoticeBar(Card):
    """Problems stay until they are closed; other messages go by themselves.

    While something can be undone that is all it says; what comes meanwhile is shown after it.
    """

    changed = Signal()
    # A `PastNotice`, for whoever keeps them.
    noted = Signal(object)
    closed_by_user = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("accent")
        self.setProperty("notice", True)
        self._icon = IconView(theme, "info", "accent", 20)
        self._title = PlainLabel(role="heading")
        self._text = PlainLabel(wrap=True)
        self._close = Button(
            theme, "", self.close_by_user, icon="close", kind="icon", name="Close the message"
        )
        self._on_undo: Callable[[], object] = lambda: None
        self._waiting: _Notice | None = None
        # Code and account of the error that was shown last.
        self._problem = ("", "")
        self.undo = Button(theme, "&Undo", self._call_undo, icon="undo", name="Undo")
        self.undo.hide()
        self._theme = theme
        self._buttons = row(gap=8)
        words = column(self._title, self._text, gap=2)
        layout = row(self._icon, 4, words, self._buttons, self.undo, self._close, margin=12)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self.hide()

    @property
    def title(self) -> str:
        return self._title.text()

    def show_error(self, error: ErrorView, account: str = "") -> None:
        """What happened, at which account, and what to do."""
        self._problem = (error.code, account)
        detail = f" ({error.detail})" if error.detail else ""
        where = f"{account}: " if account else ""
        self.show_notice(error.title, f"{where}{error.hint}{detail}", Tone.BAD)

    def take_back(self, error: ErrorView, account: str = "") -> bool:
        """Close the message of a problem that is over; whether it was the one shown."""
        is_same = self._problem == (error.code, account) and self._title.text() == error.title
        is_shown = is_same and not self.isHidden()
        if is_shown:
            self.dismiss()
        return is_shown

    def show_notice(
        self,
        title: str,
        text: str = "",
        tone: Tone = Tone.ACTIVE,
        actions: tuple[NoticeAction, ...] = (),
    ) -> None:
        """Replace whatever is shown, unless it can be undone."""
        if self.is_undoable:
            is_worse = self._waiting is None or self._waiting.tone is not Tone.BAD
            if is_worse or tone is Tone.BAD:
                self._waiting = _Notice(title, text, tone, actions)
            return
        self._show(title, text, tone)
        self.noted.emit(PastNotice(time.time(), title, text, tone, actions))
        for word, carry_out in actions:
            self._buttons.addWidget(Button(self._theme, word, partial(self._carry_out, carry_out)))
        self.changed.emit()
        if tone in (Tone.BAD, Tone.CARE):
            self._timer.stop()
        else:
            self._timer.start(_GOES_AFTER_MS)

    def show_undo(self, title: str, text: str, on_undo: Callable[[], object]) -> None:
        """Something that has not begun yet, with a button that calls it off."""
        is_news = not self.is_undoable or title != self._title.text()
        self._on_undo = on_undo
        self._timer.stop()
        self._close.hide()
        self.undo.show()
        if is_news:
            self._show(title, text, Tone.CARE)
            self.changed.emit()
        else:
            self._text.setText(text)  # the seconds: not read out each time

    def end_undo(self) -> None:
        """It has begun, or was called off."""
        if not self.is_undoable:
            return
        self.undo.hide()
        self._close.show()
        self.hide()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.show_notice(*waiting)

    def _carry_out(self, action: Callable[[], object]) -> None:
        self.close_by_user()
        action()

    def _call_undo(self) -> None:
        self._on_undo()

    @property
    def is_undoable(self) -> bool:
        """Whether it says that something can be undone: this stays."""
        return not self.undo.isHidden()

    def _show(self, title: str, text: str, tone: Tone) -> None:
        clear_layout(self._buttons)
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        restyle(self, "tone", tone.value)
        self._icon.show_icon(_ICONS.get(tone, "info"), tone.value)
        self.show()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, f"{title}. {text}"))

    def close_by_user(self) -> None:
        """It was seen."""
        self.dismiss()
        self.closed_by_user.emit()

    def dismiss(self) -> None:
        """Close the message."""
        self._timer.stop()
        self.hide()


class ShowBatch(Protocol):
    def __call__(self, batch_id: int, *, receipt: bool) -> object:
        """Its receipt, or the files that need somebody."""


def tell(
    problems: Sequence[ProblemRaised | ProblemSolved],
    finished: Sequence[BatchFinished],
    bar: NoticeBar,
    show: ShowBatch,
) -> None:
    """In the order they happened; the end of one that is still shown takes it away."""
    for event in problems:
        if isinstance(event, ProblemRaised):
            bar.show_error(event.error, event.account or "")
        elif bar.take_back(event.error, event.account or ""):
            title = f"{event.account}: problem solved" if event.account else "Problem solved"
            bar.show_notice(title, event.error.title, Tone.GOOD)
    for batch in finished:
        _tell_batch(batch, bar, show)


def _tell_batch(batch: BatchFinished, bar: NoticeBar, show: ShowBatch) -> None:
    """Once per batch, and only when somebody has to look."""
    missed = batch.refused + batch.failed + batch.review
    if missed == 0:
        return
    title = f"{count_text(missed, 'file was', 'files were')} not uploaded"
    good = batch.done + batch.duplicate
    text = f"{count_text(good, 'file is', 'files are')} at the provider." if good else ""
    actions = (
        NoticeAction("&Show them", partial(show, batch.batch_id, receipt=False)),
        NoticeAction("&Receipt…", partial(show, batch.batch_id, receipt=True)),
    )
    bar.show_notice(title, text, Tone.CARE, actions)
