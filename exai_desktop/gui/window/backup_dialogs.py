"""Backing up the profile, and making a backup the profile."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QFileDialog, QWidget

from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.machine import BackupContent, Restored
from exai_desktop.gui.engine.session import EngineClient, EngineSession
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import clock_text, count_text, size_text
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.secret_dialog import SecretDialog, secret_field
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_LEAST = 8

_ABOUT = (
    "One file with the list of all files and their IDs, the history, the settings and the accounts."
    " Your files themselves are not in it. You can continue to work while it is made."
)
_RESTORE_ABOUT = (
    "A backup becomes the profile of this computer. The present profile is kept beside it. Before"
    " anything is sent, the file lists of the providers are checked."
)


class BackUpDialog(SecretDialog):
    """Opened with `open()`."""

    def __init__(
        self, parent: QWidget, theme: Theme, client: EngineClient, tasks: SlotTasks
    ) -> None:
        super().__init__(parent, tasks)
        self._client = client
        self.setWindowTitle("Back up")
        self.texts = QCheckBox("With the &texts that were read from the files")
        self.keys = QCheckBox("With the &keys, encrypted with a passphrase")
        self.first = secret_field("Passphrase for the keys")
        self.again = secret_field("The same passphrase once more")
        self.back_up = Button(
            theme, "Choose a &file and back up…", self._choose, kind="primary", icon="files"
        )
        self.answer = ResultLine(theme)
        self.keys.toggled.connect(self._enable)
        for field in (self.first, self.again):
            field.textChanged.connect(self._enable)
        head = PlainLabel("Back up", role="title")
        about = PlainLabel(_ABOUT, role="muted", wrap=True)
        parts = (head, about, self.texts, self.keys, self.first, self.again, self.answer)
        foot = row(0, Button(theme, "C&lose", self.close), self.back_up)
        self.setLayout(column(*parts, 0, foot, margin=24, gap=12))
        self.resize(560, 460)
        self._enable()

    def _enable(self) -> None:
        wanted = self.keys.isChecked()
        for field in (self.first, self.again):
            field.setEnabled(wanted)
        fits = len(self.first.text()) >= _LEAST and self.first.text() == self.again.text()
        self.back_up.setEnabled(fits or not wanted)

    def _choose(self) -> None:
        dialog = _file_dialog(self, "Back up to")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile("EXAI Desktop.backup")
        dialog.fileSelected.connect(self.write_to)
        dialog.open()

    def write_to(self, file: str) -> None:
        """The user has chosen this file."""
        self._tasks.start(self._write(file))

    async def _write(self, file: str) -> None:
        passphrase = self.first.text() if self.keys.isChecked() else ""
        self.back_up.setEnabled(False)
        try:
            content = await self._client.backups.create(
                file, texts=self.texts.isChecked(), passphrase=passphrase
            )
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
        else:
            self.forget()
            self.answer.show_good(f"Backed up: {size_text(content.bytes)}, {file}")
        self._enable()

    def forget(self) -> None:
        """The passphrase goes."""
        for field in (self.first, self.again):
            field.setText("")


class RestoreDialog(SecretDialog):
    """Opened with `open()`. `on_restore` gets the file and the passphrase of its keys."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        session: EngineSession,
        tasks: SlotTasks,
        on_restore: Callable[[str, str], object],
    ) -> None:
        super().__init__(parent, tasks)
        self._session = session
        self._on_restore = on_restore
        self._file = ""
        self._content: BackupContent | None = None
        self.setWindowTitle("Restore")
        self.choose = Button(theme, "Choose a &backup…", self._choose, icon="folder")
        self.found = PlainLabel(wrap=True)
        self.found.hide()
        self.passphrase = secret_field("Passphrase of the keys in the backup")
        self.without = QCheckBox("Restore it without the &keys")
        self.restore = Button(theme, "&Restore", self._restore, kind="danger", icon="undo")
        self.answer = ResultLine(theme)
        self.passphrase.textChanged.connect(self._enable)
        self.without.toggled.connect(self._enable)
        head = PlainLabel("Restore", role="title")
        about = PlainLabel(_RESTORE_ABOUT, role="muted", wrap=True)
        line = row(self.choose, 0)
        parts = (head, about, line, self.found, self.passphrase, self.without, self.answer)
        foot = row(0, Button(theme, "C&lose", self.close), self.restore)
        self.setLayout(column(*parts, 0, foot, margin=24, gap=12))
        self.resize(560, 400)
        self._enable()

    def _enable(self) -> None:
        content = self._content
        has_keys = content is not None and content.has_keys
        self.passphrase.setVisible(has_keys)
        self.without.setVisible(has_keys)
        is_open = self.without.isChecked() or bool(self.passphrase.text())
        self.passphrase.setEnabled(not self.without.isChecked())
        self.restore.setEnabled(content is not None and (is_open or not has_keys))

    def _choose(self) -> None:
        dialog = _file_dialog(self, "Choose a backup")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.look_at)
        dialog.open()

    def look_at(self, file: str) -> None:
        """The user has chosen this file; whether it is sound takes a moment."""
        self._tasks.start(self._look_at(file))

    async def _look_at(self, file: str) -> None:
        self._content = None
        self._enable()
        try:
            content = await self._session.verify_backup(file)
        except AppError as error:
            self.found.hide()
            self.answer.show_error(ErrorView.of(error))
            return
        self._file, self._content = file, content
        self.answer.hide()
        self.found.setText(content_text(content))
        self.found.show()
        self._enable()

    def _restore(self) -> None:
        file, passphrase = self._file, self.passphrase.text()
        wanted = "" if self.without.isChecked() else passphrase
        self.close()
        self._on_restore(file, wanted)

    def forget(self) -> None:
        """The passphrase goes."""
        self.passphrase.setText("")


def content_text(content: BackupContent) -> str:
    """What is in a backup, for people."""
    accounts = ", ".join(content.accounts) or "none"
    extras = [
        name for name, has in (("texts", content.has_texts), ("keys", content.has_keys)) if has
    ]
    more = f" It also contains: {', '.join(extras)}." if extras else ""
    return (
        f"The backup is complete. Made: {clock_text(content.made_at)}. It contains"
        f" {count_text(content.jobs, 'file', 'files')} of the queue,"
        f" {count_text(content.copies, 'file', 'files')} at the providers, and these accounts:"
        f" {accounts}.{more}"
    )


def restored_text(restored: Restored) -> str:
    """Where the former profile is, and which keys are missing, for people."""
    parts = ["Add the files again that you added since the backup was made."]
    if restored.has_its_vault:
        parts.append("The keys are in a vault: the passphrase of the backup opens it.")
    if restored.without_key:
        parts.append(f"Enter the keys of these accounts again: {', '.join(restored.without_key)}.")
    if restored.aside:
        parts.append(f"The former profile is in {restored.aside}")
    return " ".join(parts)


def _file_dialog(parent: QDialog, title: str) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAccessibleName(title)
    return dialog
