"""A dialog into which a key or a passphrase is typed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from exai_desktop.gui.widgets.slot_tasks import SlotTasks


class SecretDialog(QDialog):
    """However it is closed, what was typed is forgotten and its tasks are cancelled.

    A task that went on would show its result in widgets that are gone. Opened with `open()`, it
    deletes itself when it is closed.
    """

    def __init__(self, parent: QWidget, tasks: SlotTasks) -> None:
        super().__init__(parent)
        self._tasks = tasks.group()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def forget(self) -> None:
        """Empty the fields that hold a secret."""
        raise NotImplementedError

    def done(self, result: int) -> None:
        """Escape, and buttons that accept or reject."""
        self._let_go()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The window's own button."""
        self._let_go()
        super().closeEvent(event)

    def _let_go(self) -> None:
        self.forget()
        self._tasks.cancel()


def secret_field(name: str) -> QLineEdit:
    """For a passphrase; `name` is what a screen reader says."""
    field = QLineEdit()
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setPlaceholderText(name)
    field.setAccessibleName(name)
    # What is typed must not come back by undo, nor be learnt by an input method.
    field.setInputMethodHints(
        Qt.InputMethodHint.ImhHiddenText | Qt.InputMethodHint.ImhSensitiveData
    )
    return field
