"""The pane beside the files: everything known about one, and every check at the provider."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from exai_desktop.core.copies.models import VALID_STATES, Copy
from exai_desktop.core.copies.queries import SIGHT_WORDS, CopyCheck, FileDetail, Sight
from exai_desktop.core.files.names import extension
from exai_desktop.gui.files_page.columns import LOOKS, facts_of
from exai_desktop.gui.files_page.project_copy import ProjectCopyBox
from exai_desktop.gui.style.icons import file_icon
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import PANE_WIDTH, Tone
from exai_desktop.gui.style.wording import clock_text, count_text, exact_size_text, size_text
from exai_desktop.gui.widgets.controls import Card, IconView, clear_layout, column, row
from exai_desktop.gui.widgets.copy_line import CopyLine, Facts

_SIGHTS: Final[dict[Sight, tuple[str, str, Tone]]] = {
    Sight.SEEN: (SIGHT_WORDS[Sight.SEEN], "check", Tone.GOOD),
    Sight.NOT_SEEN: (SIGHT_WORDS[Sight.NOT_SEEN], "minus", Tone.CARE),
    Sight.OTHER_SIZE: (SIGHT_WORDS[Sight.OTHER_SIZE], "alert", Tone.BAD),
}


class FilesDetails(Card):
    """Shows one file, or how many are selected."""

    def __init__(self, theme: Theme, project_copy: ProjectCopyBox) -> None:
        super().__init__()
        self._theme = theme
        self.project_copy = project_copy
        self._copy: Copy | None = None
        self.setAccessibleName("Details of the file")
        self.setMinimumWidth(PANE_WIDTH - 40)
        self._icon = IconView(theme, "file", "muted", 32)
        self._name = ElidedLabel(role="title")
        self._kind = ElidedLabel(role="muted")
        self._state_icon = IconView(theme, "check", "muted")
        self._state = PlainLabel(role="heading")
        self.file_id = CopyLine(theme, "file ID", role="mono")
        self.sha256 = CopyLine(theme, "SHA-256", role="mono")
        self.facts = Facts()
        self.looks = QVBoxLayout()
        self.looks.setSpacing(8)
        self._assemble()
        self.show_nothing()

    @property
    def copy_id(self) -> int | None:
        """The file whose details are shown."""
        return self._copy.id if self._copy else None

    def _assemble(self) -> None:
        head = row(self._icon, column(self._name, self._kind, gap=2), gap=12)
        head.setStretch(1, 1)
        self._id_box = Card("quiet")
        layout = column(PlainLabel("File ID", role="label"), self.file_id, gap=0)
        layout.setContentsMargins(12, 8, 6, 6)
        self._id_box.setLayout(layout)
        self._hash_box = QWidget()
        self._hash_box.setLayout(column(PlainLabel("SHA-256", role="muted"), self.sha256, gap=2))
        self._looks_box = QWidget()
        title = PlainLabel("Checks at the provider", role="muted")
        self._looks_box.setLayout(column(title, self.looks, gap=8))
        inner = QWidget()
        inner.setObjectName("scrolled")
        inner.setLayout(
            column(
                head, row(self._state_icon, self._state, 0, gap=8), self._id_box, self.facts,
                self._hash_box, self.project_copy, self._looks_box, 0, margin=16, gap=16,
            )
        )  # fmt: skip
        self._scroll = QScrollArea()
        self._scroll.setAccessibleName("Details of the selected file")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidget(inner)
        self._hint = PlainLabel(role="muted", wrap=True)
        self._hint.setContentsMargins(16, 16, 16, 16)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setLayout(column(self._hint, self._scroll, gap=0))

    def show_nothing(self) -> None:
        """No file is selected."""
        self._say("Select a file to see its details")

    def show_many(self, copies: list[Copy], count: int) -> None:
        """The sum of a selection; `copies` are those of it that are loaded."""
        size = sum(copy.size for copy in copies)
        known = f", {size_text(size)}" if len(copies) == count else ""
        self._say(f"{count_text(count, 'file', 'files')} selected{known}")

    def _say(self, text: str) -> None:
        self._copy = None
        self._hint.setText(text)
        self._scroll.hide()
        self._hint.show()

    def show_copy(self, copy: Copy) -> None:
        """What the list knows; the looks follow with `show_detail`."""
        is_other = self._copy is None or self._copy.id != copy.id
        self._copy = copy
        self._hint.hide()
        self._scroll.show()
        look = LOOKS[copy.state]
        self._icon.show_icon(file_icon(extension(copy.remote_name)), "muted")
        self._name.setText(copy.remote_name)
        self._kind.setText(size_text(copy.size))
        self._state_icon.show_icon(look.icon, look.tone.value)
        self._state.setText(look.word)
        self.file_id.show_value(copy.remote_id, can_copy=copy.state in VALID_STATES)
        self.sha256.show_value(copy.sha256)
        self._hash_box.setVisible(bool(copy.sha256))
        self.facts.show_facts(facts_of(copy, time.time()))
        self.project_copy.show_copy(copy)
        if is_other:
            self._looks_box.hide()
            self._scroll.verticalScrollBar().setValue(0)

    def show_detail(self, detail: FileDetail) -> None:
        """Every look at it, if this file is still the one."""
        if self.copy_id != detail.copy.id:
            return
        clear_layout(self.looks)
        for look in detail.looks:
            self.looks.addWidget(self._line(look))
        self._looks_box.setVisible(bool(detail.looks))

    def _line(self, look: CopyCheck) -> QWidget:
        word, icon, tone = _SIGHTS[look.sight]
        line = QWidget()
        size = ""
        if look.sight is Sight.OTHER_SIZE and look.bytes is not None:
            size = f": {exact_size_text(look.bytes)}"
        when = PlainLabel(clock_text(look.at), role="label")
        picture = IconView(self._theme, icon, tone.value, 16)
        line.setLayout(row(picture, PlainLabel(f"{word}{size}"), 0, when, gap=10))
        return line
