"""The whole window takes files: what is dropped or pasted becomes paths here and nowhere else.

Folders are not walked and nothing is opened: the engine judges every path.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from exai_desktop.gui.style.theme import Theme

NOT_LOCAL = "Only files and folders on this computer can be uploaded. Save links to a file first."


class Gathered(NamedTuple):
    """Local paths, and how many entries were not local."""

    paths: tuple[str, ...]
    refused: int


def gather_urls(urls: list[QUrl]) -> Gathered:
    """From a list of addresses."""
    paths = tuple(url.toLocalFile() for url in urls if url.isLocalFile() and url.toLocalFile())
    return Gathered(paths, len(urls) - len(paths))


def gather(mime: QMimeData) -> Gathered:
    """From a drop or the clipboard: file addresses, or lines of text that are whole paths."""
    if mime.hasUrls():
        return gather_urls(mime.urls())
    # Nothing is taken off the end of a line: a name may end in a space.
    lines = [line.removesuffix("\r") for line in mime.text().split("\n") if line.strip()]
    found = [path for path in map(_path_of, lines) if path]
    return Gathered(tuple(found), len(lines) - len(found))


def _path_of(line: str) -> str:
    line = line.lstrip()
    bare = line.rstrip()
    if len(bare) > 1 and bare[0] == bare[-1] == '"':  # so Windows copies a path
        line = bare[1:-1]
    if line.startswith("file:"):
        return QUrl(line.rstrip()).toLocalFile()
    return line if PurePath(line).is_absolute() else ""


class DropZone(QWidget):
    """Watches the window for drags and covers it while one is over it."""

    dropped = Signal(tuple)
    refused = Signal()

    def __init__(self, window: QWidget, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._is_welcome = True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Drop area")
        self.hide()
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take over what concerns drags."""
        match event:
            case QDragEnterEvent():
                self._enter(event)
                return True
            case QDragMoveEvent():
                event.acceptProposedAction()
                return True
            case QDropEvent():
                self._drop(event)
                return True
        if event.type() is QEvent.Type.DragLeave:
            self.hide()
            return True
        return super().eventFilter(watched, event)

    def _enter(self, event: QDragEnterEvent) -> None:
        mime = event.mimeData()
        if event.source() is not None:  # rows of our own tables are there already
            event.ignore()
            return
        if not (mime.hasUrls() or mime.hasText()):
            event.ignore()
            return
        # Also accepted when there is nothing for us in it: else we could not say why.
        event.acceptProposedAction()
        self._is_welcome = bool(gather(mime).paths)
        self.setGeometry(self._window.rect())
        self.raise_()
        self.show()

    def _drop(self, event: QDropEvent) -> None:
        self.hide()
        found = gather(event.mimeData())
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if found.paths:
            self.dropped.emit(found.paths)
        if found.refused:
            self.refused.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A veil, a dashed frame, and the word."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = "accent" if self._is_welcome else "warning"
        veil = self._theme.color(f"{role}_soft")
        veil.setAlphaF(0.94)
        painter.fillRect(self.rect(), veil)
        color = self._theme.color(role)
        painter.setPen(QPen(color, 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(16, 16, -16, -16), 14, 14)
        middle = self.rect().center()
        icon = QRectF(middle.x() - 32, middle.y() - 72, 64, 64)
        name = "upload" if self._is_welcome else "ban"
        self._theme.icons.paint(painter, name, color.name(), icon)
        self._write(painter, middle)
        painter.end()

    def _write(self, painter: QPainter, middle: QPoint) -> None:
        title = "Drop to upload" if self._is_welcome else "This cannot be uploaded"
        text = "Files and whole folders" if self._is_welcome else NOT_LOCAL
        font = self.font()
        width = self.width() - 64
        center = Qt.AlignmentFlag.AlignCenter
        painter.setPen(self._theme.color("muted"))
        painter.drawText(QRectF(32, middle.y() + 48, width, 28), center, text)
        font.setPointSizeF(font.pointSizeF() * 1.6)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(self._theme.color("text"))
        painter.drawText(QRectF(32, middle.y() + 8, width, 36), center, title)
