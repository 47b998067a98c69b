"""Our own line icons, coloured for the theme and drawn sharp at every scale."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

# In points: of buttons, menus and tabs.
_ICON_POINTS: Final = (16, 18, 20, 24)

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

    def __init__(self, folder: Path, ratios: Iterable[float] = (1.0,)) -> None:
        """`ratios`: device pixels a point, on each screen."""
        self._folder = folder
        self._ratios = frozenset(ratios)
        self._sources: dict[str, str] = {}
        self._renderers: dict[tuple[str, str], QSvgRenderer] = {}
        self._pixmaps: dict[tuple[str, str, int], QPixmap] = {}
        self._icons: dict[tuple[str, str], QIcon] = {}

    def fit(self, ratios: Iterable[float]) -> bool:
        """Whether icons must be set anew, as there is a screen of another ratio now."""
        new = frozenset(ratios) - self._ratios
        if new:
            self._ratios |= new
            self._icons.clear()
        return bool(new)

    def icon(self, name: str, color: str) -> QIcon:
        """For buttons and menus."""
        key = (name, color)
        if key not in self._icons:
            icon = QIcon()
            sizes = {round(points * ratio) for points in _ICON_POINTS for ratio in self._ratios}
            for size in sorted(sizes):
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
            renderer = self._renderer(name, color)
            pixmap = QPixmap(size, size)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter)
            painter.end()
            self._pixmaps[key] = pixmap
        return self._pixmaps[key]

    def _renderer(self, name: str, color: str) -> QSvgRenderer:
        key = (name, color)
        if key not in self._renderers:
            self._renderers[key] = QSvgRenderer(QByteArray(self._source(name, color).encode()))
        return self._renderers[key]

    def _source(self, name: str, color: str) -> str:
        if name not in self._sources:
            path = self._folder / f"{name}.svg"
            self._sources[name] = path.read_text(encoding="utf-8")
        return self._sources[name].replace("currentColor", color)
