"""Two lists of the page: what the project has refused, and the files of other devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.mirror.status import OtherFile, OtherFilePage, RefusedRow
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import clock_text, count_text, size_text
from exai_desktop.gui.widgets.controls import (
    Button,
    Card,
    IconView,
    SearchBox,
    clear_layout,
    column,
    row,
)
from exai_desktop.gui.widgets.copy_line import CopyLine

# More would be a table's matter; the search finds the others.
MOST_SHOWN: Final = 50
_ID_WIDTH: Final = 264
# For rows whose name is not known here any more.
_KINDS: Final = {"copy": "a file at a provider", "file": "an upload"}


class RefusedCard(Card):
    """Hidden while nothing is refused."""

    def __init__(self, theme: Theme, on_retry: Callable[[], object]) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[RefusedRow, ...] | None = None
        self.setAccessibleName("Refused by the project")
        self._title = PlainLabel(role="heading")
        self._rows = column(gap=8)
        self.again = Button(theme, "Send &again", on_retry, icon="retry")
        head = row(self._title, 0, self.again, gap=12)
        self.setLayout(column(head, self._rows, margin=20, gap=12))
        self.hide()

    @property
    def title(self) -> str:
        return self._title.text()

    def show_rows(self, rows: Sequence[RefusedRow], total: int) -> None:
        """The first of `total` rows."""
        self.setVisible(bool(rows))
        rows = tuple(rows[:MOST_SHOWN])
        more = f", the first {len(rows):,} are shown" if total > len(rows) else ""
        self._title.setText(f"Refused by the project: {total:,}{more}")
        if rows == self._shown:
            return
        self._shown = rows
        clear_layout(self._rows)
        for refused in rows:
            self._rows.addWidget(self._line(refused))

    def _line(self, refused: RefusedRow) -> QWidget:
        name = ElidedLabel(refused.name or _KINDS.get(refused.kind, refused.kind))
        why = ElidedLabel(refused.words, role="muted")
        line = QWidget()
        parts = row(IconView(self._theme, "ban", "danger", 18), name, why, gap=8)
        parts.setStretch(1, 1)
        parts.setStretch(2, 1)
        line.setLayout(parts)
        return line


class OthersCard(Card):
    """Files that other devices of the user have sent. `on_search` is called for other words."""

    def __init__(self, theme: Theme, on_search: Callable[[], object]) -> None:
        super().__init__()
        self._theme = theme
        self._shown: OtherFilePage | None = None
        self.setAccessibleName("Files of your other devices")
        self._title = PlainLabel(role="heading")
        self.search = SearchBox(theme, "Search the other devices' files", "Name or ID")
        self.search.changed.connect(on_search)
        self._nothing = PlainLabel(role="muted", wrap=True)
        self._rows = column(gap=10)
        head = row(self._title, 0, self.search, gap=12)
        self.setLayout(column(head, self._nothing, self._rows, margin=20, gap=12))

    @property
    def title(self) -> str:
        return self._title.text()

    @property
    def names(self) -> list[str]:
        """Of the files that are shown."""
        return [file.name for file in self._shown.files] if self._shown else []

    def show_page(self, page: OtherFilePage) -> None:
        """The newest, or those that match the search."""
        is_searched = bool(self.search.text())
        count = len(page.files)
        more = f", {count:,} are shown" if page.total > count else ""
        found = "found" if is_searched else ""
        files = count_text(page.total, "file", "files")
        self._title.setText(f"From your other devices: {files} {found}".rstrip() + more)
        self._nothing.setText(
            "No file matches." if is_searched else "No other device has sent a file yet."
        )
        self._nothing.setVisible(not page.files)
        self.search.setVisible(bool(page.total) or is_searched)
        if page == self._shown:
            return
        self._shown = page
        clear_layout(self._rows)
        for file in page.files:
            self._rows.addWidget(self._line(file))

    def _line(self, file: OtherFile) -> QWidget:
        icon, role = ("check", "success") if file.usable else ("ban", "muted")
        when = clock_text(file.recorded_at) if file.recorded_at else ""
        state = "" if file.usable else f"{file.status}, "
        facts = f"{state}{size_text(file.size)}, {file.account}, sent by {file.device}"
        names = column(
            ElidedLabel(file.name, role="heading"),
            ElidedLabel(f"{facts}, {when}" if when else facts, role="label"),
            gap=2,
        )
        file_id = CopyLine(self._theme, f"file ID of {file.name}")
        file_id.show_value(file.remote_id, can_copy=file.usable)
        file_id.setFixedWidth(_ID_WIDTH)
        line = QWidget()
        parts = row(IconView(self._theme, icon, role, 18), names, file_id, gap=12)
        parts.setStretch(1, 1)
        line.setLayout(parts)
        return line
