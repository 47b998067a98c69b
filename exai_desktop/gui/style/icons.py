"""Our own line icons, coloured for the theme and drawn sharp at every scale."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

# Device pixels: 16 to 24 points at scales of 1 to 3.
_ICON_SIZES: Final = (16, 18, 20, 24, 32, 36, 40, 48, 64)

_FILE_ICONS: Final[dict[str, tuple[str, ...]]] = {
    "file-image": ("png", "jpg", "jpeg", "gif", "webp", "bmp", "svg", "heic", "tif", "tiff"),
    "file-video": ("mp4", "mov", "avi", "mpeg", "mpg", "webm", "wmv", "flv", "3gpp", "mkv"),
    "file-sound": ("mp3", "wav", "flac", "ogg", "m4a"),
    "file-table": ("xls", "xlsx", "csv", "ods", "tsv"),
    "file-slides": ("ppt", "pptx", "odp", "key"),
    "file-text": ("pdf", "txt", "md", "doc", "docx", "odt", "rtf", "epub", "log", "html"),
    "file-code": ("py", "js", "ts", "c", "h", "cpp", "java", "go", "json", "jsonl", "yaml", "yml"),
}
_ICON_OF_ENDING: Final = {
    ending: icon for icon, endings in _FILE_ICONS.items() for ending in endings
}


def file_icon(ending: str) -> str:
    """The icon for a file's ending (lower case, no dot)."""
    return _ICON_OF_ENDING.get(ending, "file")


class IconSet:
    """The SVG files of a folder; `currentColor` becomes the colour asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: dict[str, str] = {}
        self._pixmaps: dict[tuple[str, str, int], QPixmap] = {}
        self._icons: dict[tuple[str, str], QIcon] = {}

    def icon(self, name: str, color: str) -> QIcon:
        """For buttons and menus."""
        key = (name, color)
        if key not in self._icons:
            icon = QIcon()
            for size in _ICON_SIZES:
                icon.addPixmap(self._drawn(name, color, size))
            self._icons[key] = icon
        return self._icons[key]

    def paint(self, painter: QPainter, name: str, color: str, rect: QRectF) -> None:
        """Draw into a rectangle of logical pixels, sharp on the painter's device."""
        ratio = painter.device().devicePixelRatioF()
        pixmap = self._drawn(name, color, round(rect.width() * ratio))
        painter.drawPixmap(rect, pixmap, QRectF(QPointF(0, 0), pixmap.deviceIndependentSize()))

    def _drawn(self, name: str, color: str, size: int) -> QPixmap:
        key = (name, color, size)
        if key not in self._pixmaps:
            renderer = QSvgRenderer(QByteArray(self._source(name, color).encode()))
            pixmap = QPixmap(size, size)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter)
            painter.end()
            self._pixmaps[key] = pixmap
        return self._pixmaps[key]

    def _source(self, name: str, color: str) -> str:
        if name not in self._sources:
            path = self._folder / f"{name}.svg"
            self._sources[name] = path.read_text(encoding="utf-8")
        return self._sources[name].replace("currentColor", color)
