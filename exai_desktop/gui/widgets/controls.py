"""The small parts every page is made of: buttons, cards, icons, lines that copy."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from exai_desktop.gui.style.plain_text import PlainLabel, label_text, set_tip
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import GRID

ICON = 18


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property the style sheet looks at, and make it look again."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)


class Button(QPushButton):
    """A button with an icon that follows the theme; `kind` is a look of the style sheet."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        on_click: Callable[[], object],
        *,
        icon: str = "",
        kind: str = "plain",
        name: str = "",
        tip: str = "",
    ) -> None:
        super().__init__(label_text(text) if kind == "data" else text)
        self._theme = theme
        self.setProperty("kind", kind)
        self.setAccessibleName(name or text.replace("&", ""))
        self.setIconSize(QSize(ICON, ICON))
        self.setAutoDefault(False)
        if icon:
            role = {"primary": "on_accent", "danger": "danger"}.get(kind, "text")
            theme.set_icon(self, icon, role)
        if tip or not text:
            set_tip(self, tip or name)
        # clicked carries a flag nobody wants.
        self.clicked.connect(lambda _checked=False: on_click())


class IconView(QWidget):
    """A picture beside text that says the same: silent for screen readers."""

    def __init__(self, theme: Theme, name: str, role: str = "text", side: int = 20) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._role = role
        self._side = side
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_icon(self, name: str, role: str) -> None:
        """Another picture or another colour."""
        self._name, self._role = name, role
        self.update()

    def sizeHint(self) -> QSize:
        """Square."""
        return QSize(self._side, self._side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw in the colour the theme has now."""
        painter = QPainter(self)
        color = self._theme.color(self._role).name()
        rect = QRectF(0, 0, self._side, self._side)
        self._theme.icons.paint(painter, self._name, color, rect)
        painter.end()


class Card(QFrame):
    """A surface with a border; `tone` colours it for a message."""

    def __init__(self, tone: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("tone", tone)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)


def column(*items: QWidget | QLayout | int, margin: int = 0, gap: int = GRID) -> QVBoxLayout:
    """A vertical layout; a number is empty space, 0 takes all that is left."""
    layout = QVBoxLayout()
    _fill(layout, items, margin, gap)
    return layout


def row(*items: QWidget | QLayout | int, margin: int = 0, gap: int = GRID) -> QHBoxLayout:
    """A horizontal layout; a number is empty space, 0 takes all that is left."""
    layout = QHBoxLayout()
    _fill(layout, items, margin, gap)
    return layout


def _fill(
    layout: QVBoxLayout | QHBoxLayout,
    items: tuple[QWidget | QLayout | int, ...],
    margin: int,
    gap: int,
) -> None:
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(gap)
    for item in items:
        if isinstance(item, QWidget):
            layout.addWidget(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        elif item:
            layout.addSpacing(item)
        else:
            layout.addStretch(1)


def clear_layout(layout: QLayout) -> None:
    """Remove and delete all widgets of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


# Long enough for the next letter, short enough to feel at once.
_TYPING_PAUSE_MS = 200
_WIDTH = 264


class SearchBox(QLineEdit):
    """`changed`: another text is searched for."""

    changed = Signal()

    def __init__(self, theme: Theme, name: str, hint: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setProperty("quiet", True)
        self.setClearButtonEnabled(True)
        self.setAcceptDrops(False)
        self.setMinimumWidth(_WIDTH // 2)
        self.setMaximumWidth(_WIDTH)
        self._glass = QAction(self)
        theme.set_icon(self._glass, "search", "muted")
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        for button in self.findChildren(QToolButton):
            is_glass = button.defaultAction() is self._glass
            button.setAccessibleName("Search" if is_glass else "Clear")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self.changed)
        self.textChanged.connect(lambda _text: self._pause.start())
        self.returnPressed.connect(self.changed)


_CENTER = Qt.AlignmentFlag.AlignHCenter


def centred(label: PlainLabel) -> PlainLabel:
    label.setAlignment(_CENTER | Qt.AlignmentFlag.AlignVCenter)
    return label
