"""Copies of the files themselves in the project: on or off, how many, and which were refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.mirror.storage_copies import (
    MEANING,
    StorageCopy,
    StorageState,
    StorageStatus,
)
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel, PlainQuestion
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import count_text, size_text
from exai_desktop.gui.widgets.controls import Button, Card, IconView, clear_layout, column, row

SHOWN_STATES: Final = (StorageState.REFUSED, StorageState.COPYING)


class CopiesCard(Card):
    """`on_switch` is called with what the user wants, after he was told what it means."""

    def __init__(
        self,
        theme: Theme,
        on_switch: Callable[[bool], object],
        on_retry: Callable[[], object],
    ) -> None:
        super().__init__()
        self._theme = theme
        self._on_switch = on_switch
        self._status = StorageStatus()
        self._shown: tuple[StorageCopy, ...] = ()
        self.question: PlainQuestion | None = None
        self.setAccessibleName("Copies of your files")
        self._state = PlainLabel(role="heading", wrap=True)
        self._hint = PlainLabel(role="muted", wrap=True)
        self._rows = column(gap=8)
        self.switch = Button(theme, "Switch &on…", self._switch)
        self.again = Button(theme, "&Try again", on_retry, icon="retry")
        head = row(PlainLabel("Copies of your files", role="title"), 0, self.again, self.switch)
        self.setLayout(column(head, self._state, self._hint, self._rows, margin=20, gap=12))
        self.show_copies(self._status, ())

    @property
    def state(self) -> str:
        return self._state.text()

    @property
    def hint(self) -> str:
        return self._hint.text()

    @property
    def names(self) -> list[str]:
        """Of the copies that are listed."""
        return [copy.name for copy in self._shown]

    def show_copies(self, status: StorageStatus, rows: Sequence[StorageCopy]) -> None:
        """`rows`: those that were refused, and the one under way."""
        self._status = status
        self._state.setText(state_text(status))
        self._hint.setText(hint_text(status))
        self.switch.setText("Switch &off" if status.is_on else "Switch &on…")
        self.switch.setAccessibleName(
            "Switch copies off" if status.is_on else "Switch copies of your files on"
        )
        self.again.setVisible(bool(status.refused or status.code))
        if tuple(rows) == self._shown:
            return
        self._shown = tuple(rows)
        clear_layout(self._rows)
        for copy in rows:
            self._rows.addWidget(self._line(copy))

    def _line(self, copy: StorageCopy) -> QWidget:
        is_refused = copy.state is StorageState.REFUSED
        icon, tone = ("ban", "danger") if is_refused else ("hourglass", "muted")
        line = QWidget()
        why = ElidedLabel(_reason(copy), role="muted")
        name = ElidedLabel(copy.name or copy.sha256)
        parts = row(IconView(self._theme, icon, tone, 18), name, why, gap=8)
        parts.setStretch(1, 1)
        parts.setStretch(2, 1)
        line.setLayout(parts)
        return line

    def _switch(self) -> None:
        if self._status.is_on:
            self._on_switch(False)
            return
        self.question = PlainQuestion(
            "Copy your files to your Supabase project?",
            f"{MEANING} Files that are sent from now on are copied; earlier ones are not. The"
            " owner of the project can read them.",
            "Copy files",
            self,
        )
        self.question.accepted.connect(self._accepted)
        self.question.open()

    def _accepted(self) -> None:
        self._on_switch(True)


def state_text(status: StorageStatus) -> str:
    """One line: what is copied, and what is not yet."""
    parts = []
    if status.copied:
        parts.append(
            f"{count_text(status.copied, 'file', 'files')} copied, {size_text(status.copied_bytes)}"
        )
    if status.waiting:
        parts.append(count_text(status.waiting, "file waits", "files wait"))
    if status.refused:
        parts.append(f"{status.refused:,} refused")
    if not status.is_on:
        parts.insert(0, "Off")
    return ", ".join(parts) or "On, nothing was copied yet"


def hint_text(status: StorageStatus) -> str:
    """Why nothing is copied, or what it is for."""
    if status.code:
        error = ErrorView.of_code(status.code, status.detail)
        detail = f" ({status.detail})" if status.detail else ""
        return f"{error.title}. {error.hint}{detail}"
    if status.is_on:
        return f"{MEANING} Uploads never wait for it."
    return "Only the records lie in your project. The content of your files is not copied there."


def _reason(copy: StorageCopy) -> str:
    if not copy.code:
        return copy.words
    error = ErrorView.of_code(copy.code, copy.detail)
    return f"{error.title}: {copy.detail}" if copy.detail else error.title
