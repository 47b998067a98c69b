"""The pane beside the history: everything kept of one file."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import extension, plain_text
from exai_desktop.core.jobs.history import HistoryKind, PastFile
from exai_desktop.gui.files_page.history_columns import history_facts, look_of, note_of
from exai_desktop.gui.style.icons import file_icon
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import PANE_WIDTH
from exai_desktop.gui.style.wording import count_text, size_text
from exai_desktop.gui.widgets.controls import Card, IconView, column, restyle, row
from exai_desktop.gui.widgets.copy_line import CopyLine, Facts


class HistoryDetails(Card):
    """Shows one file, or how many are selected."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._file: PastFile | None = None
        self.setAccessibleName("Details of the file in the history")
        self.setMinimumWidth(PANE_WIDTH - 40)
        self._icon = IconView(theme, "file", "muted", 32)
        self._name = ElidedLabel(role="title")
        self._folder = ElidedLabel(role="muted")
        self._light_icon = IconView(theme, "light-unchecked", "muted")
        self.light = PlainLabel(role="heading", wrap=True)
        self._note = PlainLabel(wrap=True)
        self.file_id = CopyLine(theme, "file ID", role="mono")
        self.facts = Facts()
        self.error = PlainLabel(role="muted", wrap=True, selectable=True)
        self.error.setAccessibleName("Details of the error")
        self._hash = CopyLine(theme, "SHA-256", role="mono")
        self._assemble()
        self.show_nothing()

    def _assemble(self) -> None:
        head = row(self._icon, column(self._name, self._folder, gap=2), gap=12)
        head.setStretch(1, 1)
        state = row(self._light_icon, column(self.light, self._note, gap=2), gap=8)
        state.setStretch(1, 1)
        self._id_box = Card("quiet")
        layout = column(PlainLabel("File ID", role="label"), self.file_id, gap=0)
        layout.setContentsMargins(12, 8, 6, 6)
        self._id_box.setLayout(layout)
        self._hash_box = QWidget()
        self._hash_box.setLayout(column(PlainLabel("SHA-256", role="muted"), self._hash, gap=2))
        inner = QWidget()
        inner.setObjectName("scrolled")
        parts = (head, state, self.error, self._id_box, self.facts, self._hash_box, 0)
        inner.setLayout(column(*parts, margin=16, gap=16))
        self._scroll = QScrollArea()
        self._scroll.setAccessibleName("Details of the selected file in the history")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidget(inner)
        self._hint = PlainLabel(role="muted", wrap=True)
        self._hint.setContentsMargins(16, 16, 16, 16)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setLayout(column(self._hint, self._scroll, gap=0))

    def show_nothing(self) -> None:
        """Nothing is selected."""
        self._say("Select a file to see what became of it.")

    def show_many(self, files: Sequence[PastFile], count: int) -> None:
        """Only a count: some of them may not be loaded."""
        size = size_text(sum(file.size for file in files))
        more = f", {size}" if len(files) == count else ""
        self._say(f"{count_text(count, 'file', 'files')} selected{more}")

    def _say(self, text: str) -> None:
        self._file = None
        self._hint.setText(text)
        self._hint.show()
        self._scroll.hide()

    def show_file(self, file: PastFile) -> None:
        """All that is kept of it."""
        if file == self._file:
            return
        self._file = file
        now = time.time()
        look = look_of(file, now)
        self._icon.show_icon(file_icon(extension(file.name)), "muted")
        self._name.setText(plain_text(file.name))
        self._folder.setText(file.folder)
        self._light_icon.show_icon(look.icon, look.tone.value)
        restyle(self.light, "role", "heading" if file.id_facts else look.tone.value)
        self.light.setText(look.word)
        self._note.setText(note_of(file, now))
        self._note.setVisible(bool(self._note.text()))
        self._show_error(file.error if file.id_facts is None else None)
        self.file_id.show_value(
            plain_text(file.file_id or ""), can_copy=file.kind is HistoryKind.SENT
        )
        self._id_box.setVisible(bool(file.file_id))
        self.facts.show_facts(history_facts(file))
        self._hash.show_value(file.sha256 or "")
        self._hash_box.setVisible(bool(file.sha256))
        self._hint.hide()
        self._scroll.show()

    def _show_error(self, error: ErrorView | None) -> None:
        parts = () if error is None else (error.hint, error.detail, f"({error.code})")
        self.error.setText("\n".join(plain_text(part, 4_000) for part in parts if part))
        self.error.setVisible(error is not None)
