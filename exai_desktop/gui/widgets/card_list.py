"""A column of cards that scrolls, made anew only when other things are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget

from exai_desktop.gui.widgets.controls import clear_layout


def scrolled(layout: QLayout, name: str, widest: int | None = None) -> QScrollArea:
    """What is higher than its place; `name` is for screen readers.

    `widest` is for what scrolls, in pixels: the scroll bar stays at the edge of the window.
    """
    inner = QWidget()
    if widest is not None:
        inner.setMaximumWidth(widest)
    inner.setObjectName("scrolled")
    inner.setLayout(layout)
    area = QScrollArea()
    area.setAccessibleName(name)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setWidget(inner)
    return area


class CardList:
    """`area` is the widget; the cards are told by their keys."""

    def __init__(self, name: str, gap: int, widest: int | None = None) -> None:
        self._layout = QVBoxLayout()
        self._layout.setSpacing(gap)
        self._layout.setContentsMargins(0, 0, 4, 0)
        self._keys: list[str] | None = None
        self.area = scrolled(self._layout, name, widest)

    @property
    def widgets(self) -> list[QWidget]:
        """What is shown, from the top."""
        items = (self._layout.itemAt(i) for i in range(self._layout.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [widget for widget in widgets if widget is not None]

    def show_keys(
        self, keys: Sequence[str], make: Callable[[str], QWidget], empty: Callable[[], QWidget]
    ) -> None:
        """A card for each key, `empty` when there is none; the focus stays where it can."""
        if self._keys == list(keys):
            return
        self._keys = list(keys)
        clear_layout(self._layout)
        for key in keys:
            self._layout.addWidget(make(key))
        if not keys:
            self._layout.addWidget(empty())
        self._layout.addStretch(1)
