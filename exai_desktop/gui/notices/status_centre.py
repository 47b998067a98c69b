"""What the program has said in this session, with the time: nothing is gone with its message."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QWidget

from exai_desktop.gui.notices.notice_bar import NoticeBar, PastNotice
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text, count_text
from exai_desktop.gui.widgets.controls import Button, clear_layout, column, row

# Of a session; the oldest go first.
MOST_KEPT: Final = 200
_URGENT: Final = frozenset({Tone.BAD, Tone.CARE})
_WORDS: Final = {Tone.BAD: "Problem", Tone.CARE: "Look at this", Tone.GOOD: "Done"}


class StatusButton(Button):
    """Its number: messages that somebody should see and that nobody has closed."""

    def __init__(self, theme: Theme, bar: NoticeBar) -> None:
        super().__init__(theme, "", self.open, icon="bell", kind="tab", name="Messages")
        self._theme = theme
        self._bar = bar
        self.kept: deque[PastNotice] = deque(maxlen=MOST_KEPT)
        self._unread = 0
        self.centre: StatusCentre | None = None
        self.setToolTip("Messages of this session")
        bar.noted.connect(self._note)
        bar.closed_by_user.connect(self._read_last)
        self._show_number()

    @property
    def unread(self) -> int:
        return self._unread

    def _note(self, notice: PastNotice) -> None:
        self.kept.append(notice)
        self._unread += notice.tone in _URGENT
        self._show_number()

    def _read_last(self) -> None:
        """Who closes a message has seen it."""
        if self.kept and self.kept[-1].tone in _URGENT:
            self._unread = max(0, self._unread - 1)
            self._show_number()

    def _show_number(self) -> None:
        self.setText(f"{self._unread}" if self._unread else "")
        self.setAccessibleName(
            count_text(self._unread, "unread message", "unread messages")
            if self._unread
            else "Messages"
        )

    def open(self) -> None:
        """All of them are read with it."""
        if self.centre is not None:
            self.centre.activateWindow()
            return
        self._unread = 0
        self._show_number()
        self.centre = StatusCentre(self.window(), self._theme, list(self.kept))
        self.centre.finished.connect(self._forget)
        self.centre.open()

    def _forget(self) -> None:
        self.centre = None


class StatusCentre(QDialog):
    """The newest first; what could be done about one still can."""

    def __init__(self, parent: QWidget, theme: Theme, kept: list[PastNotice]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Messages")
        self._theme = theme
        self._kept = kept[::-1]
        self.list = QListWidget()
        self.list.setAccessibleName("Messages of this session, the newest first")
        self.list.setWordWrap(True)
        self.list.setAlternatingRowColors(False)
        for notice in self._kept:
            self.list.addItem(_item(notice))
        self._actions = row(gap=8)
        empty = PlainLabel("Nothing was said in this session.", role="muted")
        empty.setVisible(not kept)
        self.list.setVisible(bool(kept))
        close = Button(theme, "&Close", self.close, kind="primary")
        foot = row(self._actions, 0, close)
        title = PlainLabel("Messages", role="title")
        whole = column(title, empty, self.list, foot, margin=24, gap=16)
        whole.setStretch(2, 1)
        self.setLayout(whole)
        self.resize(640, 480)
        self.list.currentRowChanged.connect(self._choose)
        if kept:
            self.list.setCurrentRow(0)
            self.list.setFocus()

    def _choose(self, place: int) -> None:
        clear_layout(self._actions)
        if place < 0:
            return
        for word, carry_out in self._kept[place].actions:

            def do(carry_out: object = carry_out) -> None:
                self.close()
                assert callable(carry_out)
                carry_out()

            self._actions.addWidget(Button(self._theme, word, do))


def _item(notice: PastNotice) -> QListWidgetItem:
    word = _WORDS.get(notice.tone, "")
    head = " · ".join(part for part in (clock_text(notice.at, time.time()), word) if part)
    return QListWidgetItem(f"{head}\n{notice.title}{': ' if notice.text else ''}{notice.text}")
