"""The commands of the menu *Help*, and the dialog with the diagnostics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QFontDatabase
from PySide6.QtWidgets import QCheckBox, QDialog, QFileDialog, QPlainTextEdit, QWidget

from exai_desktop import __version__
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.copy_line import copy_text
from exai_desktop.gui.widgets.result_line import ResultLine

if TYPE_CHECKING:
    from exai_desktop.gui.window.parts import Parts

_ABOUT = (
    "A report for somebody who helps you with a problem. This is all that is in it. Nothing is"
    " sent: copy or save it, and give it to somebody yourself."
)


class HelpOrders:
    def __init__(self, window: QWidget, parts: Parts) -> None:
        self._window = window
        self._parts = parts

    def open_shortcuts(self) -> None:
        from exai_desktop.gui.widgets.text_dialogs import ShortcutsDialog  # late: few need it

        ShortcutsDialog(self._window, self._parts.theme).open()

    def open_diagnostics(self) -> None:
        DiagnosticsDialog(self._window, self._parts).open()

    def show_about(self) -> None:
        text = f"Version {__version__}. Uploads files to Kimi and GLM and keeps a list of them."
        self._parts.notices.show_notice("EXAI Desktop", text)


class DiagnosticsDialog(QDialog):
    """All of the report is shown before it is copied or saved. Opened with `open()`."""

    def __init__(self, parent: QWidget, parts: Parts) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Diagnostics")
        self._parts = parts
        self._tasks = parts.tasks.group()
        theme = parts.theme
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setTabChangesFocus(True)
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.view.setAccessibleName("The report")
        self.view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.names = QCheckBox("With &names of folders, accounts and servers, and the whole log")
        self.names.toggled.connect(lambda _checked: self._make())
        self.answer = ResultLine(theme)
        self.copy = Button(theme, "&Copy all", self._copy, icon="copy")
        self.save = Button(theme, "&Save…", self._choose, kind="primary", icon="files")
        head = column(
            PlainLabel("Diagnostics", role="title"),
            PlainLabel(_ABOUT, role="muted", wrap=True),
            gap=4,
        )
        foot = row(Button(theme, "C&lose", self.close), 0, self.copy, self.save)
        self.setLayout(column(head, self.names, self.view, self.answer, foot, margin=24, gap=12))
        self.resize(760, 600)
        self._make()

    def _make(self) -> None:
        self._tasks.cancel()
        self.answer.hide()
        self._show("")
        self.view.setPlaceholderText("The report is being made…")
        self._tasks.start(self._fill())

    async def _fill(self) -> None:
        self._show(await self._parts.session.report(names=self.names.isChecked()))

    def _show(self, text: str) -> None:
        self.view.setPlainText(text)
        for button in (self.copy, self.save):
            button.setEnabled(bool(text))

    def _copy(self) -> None:
        copy_text(self.view.toPlainText())
        self.answer.show_good("Copied")

    def _choose(self) -> None:
        dialog = QFileDialog(self, "Save the report")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAccessibleName("Save the report")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile("EXAI Desktop diagnostics.txt")
        dialog.fileSelected.connect(self.save_to)
        dialog.open()

    def save_to(self, file: str) -> None:
        """The user has chosen this file."""
        self._tasks.start(self._save(file))

    async def _save(self, file: str) -> None:
        try:
            await asyncio.to_thread(self._parts.save_report, self.view.toPlainText(), file)
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
        else:
            self.answer.show_good(f"Saved: {file}")

    def done(self, result: int) -> None:
        """Escape, and buttons that accept or reject."""
        self._tasks.cancel()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The window's own button."""
        self._tasks.cancel()
        super().closeEvent(event)
