"""What in a watched folder is not sent, and why."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.watched_folders import SKIP_WORDS, SkippedFile, SkippedFiles
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.controls import Button, column, row


class SkippedDialog(QDialog):
    """`text`: a line for each of the first files."""

    def __init__(self, parent: QWidget, theme: Theme, folder: str, found: SkippedFiles) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Skipped files")
        sums = [f"{count:,} × {SKIP_WORDS[reason]}" for reason, count in found.counts.items()]
        self.sums = PlainLabel(", ".join(sums) or "Nothing is skipped.", role="muted", wrap=True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("Skipped files and their reasons")
        self.text.setPlainText("\n".join(map(_line, found.files)))
        self.text.setVisible(bool(found.files))
        left = found.total - len(found.files)
        more = PlainLabel(f"And {count_text(left, 'other', 'others')}.", role="muted")
        more.setVisible(left > 0)
        close = Button(theme, "&Close", self.close, kind="primary")
        title = PlainLabel("Skipped files", role="title")
        head = column(title, ElidedLabel(folder, role="muted"), self.sums, gap=4)
        self.setLayout(column(head, self.text, more, row(0, close), margin=24, gap=12))
        self.resize(640, 440)


def _line(file: SkippedFile) -> str:
    detail = f" ({plain_text(file.detail)})" if file.detail else ""
    return f"{plain_text(file.path)}: {SKIP_WORDS[file.reason]}{detail}"
