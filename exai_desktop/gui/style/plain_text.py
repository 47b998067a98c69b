"""The only place where text from files and servers meets a widget: always as plain text.

Qt guesses whether a string is HTML, so a file's name could fetch a picture or pose as a link.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QMessageBox,
    QSizePolicy,
    QSystemTrayIcon,
    QWidget,
)

from exai_desktop.core.files.names import plain_text

_SELECTABLE = (
    Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
)


def tip(text: str) -> str:
    """Text for a tool tip: cleaned, and escaped because tool tips have no plain format."""
    return f"<p>{escape(plain_text(text))}</p>" if text else ""


def set_tip(widget: QWidget, text: str) -> None:
    """Give a widget a tool tip whatever the text holds."""
    widget.setToolTip(tip(text))


def set_tray_tip(icon: QSystemTrayIcon, text: str) -> None:
    """Panels differ in what they take for markup: so there is nothing that could be."""
    icon.setToolTip(plain_text(text).replace("<", "(").replace(">", ")").replace("&", "+"))


def label_text(text: str) -> str:
    """Text for buttons, menus and tabs, where a single & would mark a shortcut."""
    return plain_text(text).replace("&", "&&")


class PlainLabel(QLabel):
    """A label that shows any string literally, without controls or invisible characters."""

    def __init__(
        self,
        text: str = "",
        *,
        role: str = "",
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setOpenExternalLinks(False)
        self.setWordWrap(wrap)
        if role:
            self.setProperty("role", role)
        if selectable:
            self.setTextInteractionFlags(_SELECTABLE)
        self._word = ""
        self.setText(text)

    def setText(self, text: str) -> None:
        """Clean and show."""
        super().setText(plain_text(text))
        if self._word:
            self.setAccessibleName(self._word)

    def setAccessibleName(self, name: str) -> None:
        """What the text is. A screen reader reads the name instead of the text: so the text is
        in it."""
        self._word = name
        text = self.text()
        super().setAccessibleName(f"{name}: {text}" if name and text else name)


class ElidedLabel(PlainLabel):
    """One line that gives way in the middle, for names, paths and ids, or `at_end`, for
    sentences; the tip has the whole."""

    def __init__(
        self,
        text: str = "",
        *,
        role: str = "",
        at_end: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, role=role, parent=parent)
        self._mode = Qt.TextElideMode.ElideRight if at_end else Qt.TextElideMode.ElideMiddle
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        """Clean and show; the tip follows."""
        super().setText(text)
        set_tip(self, text)

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw as much of the text as there is room for."""
        painter = QPainter(self)
        rect = self.contentsRect()
        shown = painter.fontMetrics().elidedText(self.text(), self._mode, rect.width())
        painter.drawText(rect, self.alignment(), shown)
        painter.end()


class PlainChoice(QMessageBox):
    """Two ways to go on, the first of them the usual one, and Cancel; the caller shows it with
    `open()`. `chosen` has the number of the way, 0 or 1."""

    chosen = Signal(int)

    def __init__(self, title: str, text: str, ways: tuple[str, str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setIcon(QMessageBox.Icon.NoIcon)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWindowTitle(plain_text(title))
        self.setText(plain_text(title))
        self.setInformativeText(plain_text(text))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        roles = (QMessageBox.ButtonRole.AcceptRole, QMessageBox.ButtonRole.DestructiveRole)
        self.ways = [self.addButton(*way) for way in zip(ways, roles, strict=True)]
        self.ways[0].setProperty("kind", "primary")
        self.ways[0].style().polish(self.ways[0])
        self.cancel = self.addButton(QMessageBox.StandardButton.Cancel)
        self.setDefaultButton(self.ways[0])
        self.setEscapeButton(self.cancel)
        for button in self.buttons():
            button.setIcon(QIcon())
            button.setAccessibleName(button.text().replace("&", ""))
        self.buttonClicked.connect(self._tell)

    def _tell(self, button: QAbstractButton) -> None:
        if button in self.ways:
            self.chosen.emit(self.ways.index(button))


class PlainQuestion(QMessageBox):
    """A question with two answers; the caller shows it with `open()` and listens to `accepted`."""

    def __init__(self, title: str, text: str, action: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setIcon(QMessageBox.Icon.NoIcon)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWindowTitle(plain_text(title))
        self.setText(plain_text(title))
        self.setInformativeText(plain_text(text))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        confirm = self.addButton(label_text(action), QMessageBox.ButtonRole.AcceptRole)
        confirm.setProperty("kind", "danger")
        confirm.style().polish(confirm)
        cancel = self.addButton(QMessageBox.StandardButton.Cancel)
        self.setDefaultButton(cancel)
        self.setEscapeButton(cancel)
        for button in self.buttons():
            button.setIcon(QIcon())
            button.setAccessibleName(button.text().replace("&", ""))
