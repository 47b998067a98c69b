"""The icons of the tray: the shape tells the state, the colour only repeats it."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Final, NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF


class TrayState(StrEnum):
    IDLE = "idle"
    WORKING = "working"
    PAUSED = "paused"
    ATTENTION = "attention"
    OFFLINE = "offline"


class Inks(NamedTuple):
    ink: str
    accent: str
    warning: str


# By the panel that the icon lies on.
PANELS: Final = {
    "light": Inks("#1b1f27", "#2f54cf", "#8a4f00"),
    "dark": Inks("#f2f4f8", "#91a9ff", "#efb55f"),
}
# A Mac colours it itself: only the shape is left.
_MASK: Final = Inks("#000000", "#000000", "#000000")

# In pixels: of panels in use, at 100 to 300 %.
SIZES: Final = (16, 20, 22, 24, 32, 44, 48, 64)

_Points = tuple[tuple[float, float], ...]
_TRAY: Final[_Points] = (
    *((1, 11), (3, 11), (3, 13), (13, 13)),
    *((13, 11), (15, 11), (15, 15), (1, 15)),
)
_CROSS: Final[_Points] = (
    *((4, 1), (8, 4), (12, 1), (13, 2), (10, 5.5), (13, 9)),
    *((12, 10), (8, 7), (4, 10), (3, 9), (6, 5.5), (3, 2)),
)


def _block(x: float, y: float, width: float, height: float) -> _Points:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def _thin_arrow(size: int) -> _Points:
    leg = 8 if size <= 16 else 7  # thicker where it would fade
    return (
        *((8, 1), (12, 5), (12, leg), (9, leg - 3), (9, 11)),
        *((7, 11), (7, leg - 3), (4, leg), (4, 5)),
    )


def drawn(state: TrayState, size: int, inks: Inks) -> QPixmap:
    """Whole pixels of a grid of 16, at each size."""
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    unit = size / 16

    def shape(color: str, points: _Points) -> None:
        painter.setBrush(QColor(color))
        # Always up from the middle: `round` would make a bar thinner at some sizes.
        corners = [QPointF(int(x * unit + 0.5), int(y * unit + 0.5)) for x, y in points]
        painter.drawPolygon(QPolygonF(corners))

    shape(inks.ink, _TRAY)
    match state:
        case TrayState.IDLE:
            shape(inks.ink, _thin_arrow(size))
        case TrayState.WORKING:
            shape(inks.accent, ((8, 0), (13, 5), (10, 5), (10, 10), (6, 10), (6, 5), (3, 5)))
            shape(inks.ink, _block(1, 12, 14, 3))
        case TrayState.PAUSED:
            shape(inks.ink, _block(5, 2, 2, 8))
            shape(inks.ink, _block(9, 2, 2, 8))
        case TrayState.ATTENTION:
            shape(inks.warning, ((8, 0), (13, 10), (3, 10)))
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
            shape(inks.ink, _block(7, 3, 2, 3))
            shape(inks.ink, _block(7, 7, 2, 2))
        case TrayState.OFFLINE:
            shape(inks.ink, _CROSS)
    painter.end()
    return pixmap


def tray_icon(state: TrayState, panel: str, platform: str = sys.platform) -> QIcon:
    """`panel` is a name in `PANELS`; a Mac needs none."""
    is_mask = platform == "darwin"
    icon = QIcon()
    for size in SIZES:
        icon.addPixmap(drawn(state, size, _MASK if is_mask else PANELS[panel]))
    icon.setIsMask(is_mask)
    return icon
