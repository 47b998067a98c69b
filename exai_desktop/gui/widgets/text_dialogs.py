"""Dialogs that only show text: what a provider read from a file, and the list of shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QPlainTextEdit, QWidget

from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel, label_text
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.copy_line import copy_text


class TextDialog(QDialog):
    """Long text to read and copy."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        title: str,
        text: str,
        note: str = "This is what the provider read from the file.",
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(label_text(title))
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setAccessibleName("Text of the file")
        self.view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.view.setPlainText(text)
        copy = Button(theme, "&Copy all", lambda: copy_text(text), icon="copy")
        close = Button(theme, "C&lose", self.close, kind="primary")
        head = ElidedLabel(title, role="title")
        about = PlainLabel(note, role="muted")
        self.setLayout(
            column(column(head, about, gap=2), self.view, row(copy, 0, close), margin=24, gap=16)
        )
        self.resize(760, 560)


# In the order of the menus. Every line is true of an action; a test compares.
SHORTCUTS: tuple[tuple[str, str], ...] = (
    ("Ctrl+O", "Add files"),
    ("Ctrl+Shift+O", "Add a folder"),
    ("Ctrl+V", "Upload the copied files or paths"),
    ("Ctrl+Z", "Undo a deletion or removal before it starts"),
    ("Ctrl+C", "Copy the file ID"),
    ("Ctrl+F", "Search"),
    ("Ctrl+A", "Select all"),
    ("Return", "Show the details"),
    ("Space", "Pause or resume the selected files"),
    ("Ctrl+Shift+P", "Pause or resume the whole queue"),
    ("Ctrl+R", "Retry"),
    ("Alt+Home", "Send the selected files next"),
    ("Alt+Up", "Move the selected files up in the order of sending"),
    ("Alt+Down", "Move them down"),
    ("Alt+End", "Send them last"),
    ("Delete", "Remove from the list; nothing is deleted at the provider"),
    ("Shift+Delete", "Delete at the provider; can be undone for some seconds"),
    ("Ctrl+I", "Details pane"),
    ("Ctrl+1", "Page Queue"),
    ("Ctrl+2", "Page Files: files at the providers"),
    ("Ctrl+3", "Page Providers: state of each account"),
    ("Ctrl+4", "Page Records: your own Supabase project"),
    ("Ctrl+5", "Page Activity: what happened, in words"),
    ("Ctrl+,", "Settings"),
    ("Ctrl+K", "Accounts"),
    ("F6", "To the message and back; Esc closes it"),
    ("F1", "This list"),
    ("Ctrl+Q", "Quit"),
)


class ShortcutsDialog(QDialog):
    """All keys on one page."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for line, (keys, meaning) in enumerate(SHORTCUTS):
            shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
            grid.addWidget(PlainLabel(shown, role="mono"), line, 0)
            grid.addWidget(PlainLabel(meaning, role="muted"), line, 1)
        title = PlainLabel("Keyboard shortcuts", role="title")
        close = Button(theme, "&Close", self.close, kind="primary")
        self.setLayout(column(title, grid, 8, row(0, close), margin=24, gap=16))
