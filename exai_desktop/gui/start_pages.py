"""What the window shows before there is a queue: the first choice, the empty queue, a problem."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from exai_desktop.core.errors import ErrorView
from exai_desktop.gui.controls import Button, Card, IconView, column, row
from exai_desktop.gui.plain_text import PlainLabel
from exai_desktop.gui.theme import Theme

_CENTER = Qt.AlignmentFlag.AlignHCenter
_CHOICE_WIDTH = 304


class FirstRun(QWidget):
    """No account yet: two ways to begin, both one click away."""

    def __init__(
        self, theme: Theme, on_key: Callable[[], object], on_sandbox: Callable[[], object]
    ) -> None:
        super().__init__()
        self.add_key = Button(theme, "Add a &key…", on_key, kind="primary", icon="key")
        self.try_sandbox = Button(theme, "&Try the sandbox", on_sandbox, icon="flask")
        key = _choice(
            theme,
            "key",
            "Use your own account",
            "Kimi or GLM, with an API key from the provider's console. The key is kept in this"
            " computer's keyring.",
            self.add_key,
        )
        sandbox = _choice(
            theme,
            "flask",
            "Look around first",
            "Built-in servers behave like the real ones. Files go to this computer only, nothing"
            " leaves it.",
            self.try_sandbox,
        )
        title = _centred(PlainLabel("Drop files, get file IDs", role="display"))
        text = _centred(
            PlainLabel(
                "EXAI Desktop sends documents to Kimi and GLM and keeps a record of every one."
                " How do you want to begin?",
                role="muted",
                wrap=True,
            )
        )
        choices = row(0, key, sandbox, 0, gap=24)
        sign = row(0, IconView(theme, "app", "accent", 72), 0)
        parts = (sign, 16, title, 8, text, 32, choices)
        self.setLayout(column(0, *parts, 0, 0, gap=0, margin=32))


class EmptyQueue(QWidget):
    """Nothing to show yet: says what to do, in the place where the files will be."""

    def __init__(
        self, theme: Theme, on_files: Callable[[], object], on_folder: Callable[[], object]
    ) -> None:
        super().__init__()
        self._theme = theme
        icon = IconView(theme, "upload", "accent", 48)
        title = _centred(PlainLabel("Drop files or folders anywhere in this window", role="title"))
        text = _centred(
            PlainLabel("You can also paste them, or choose them here.", role="muted", wrap=True)
        )
        self.files = Button(theme, "Choose files…", on_files, kind="primary", icon="plus")
        self.folder = Button(theme, "Choose a folder…", on_folder, icon="folder")
        buttons = row(0, self.files, self.folder, 0, gap=12)
        self.setLayout(
            column(0, row(0, icon, 0), 16, title, 4, text, 24, buttons, 0, gap=0, margin=32)
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A dashed frame: files belong here."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = painter.pen()
        pen.setColor(self._theme.color("outline"))
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(self._theme.color("surface"))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 10, 10)
        painter.end()


class EmptyFiles(QWidget):
    """The record knows of no file at a provider."""

    def __init__(self, theme: Theme, on_refresh: Callable[[], object]) -> None:
        super().__init__()
        icon = IconView(theme, "cloud", "accent", 48)
        title = _centred(PlainLabel("No files at the providers yet", role="title"))
        text = _centred(
            PlainLabel(
                "What you upload appears here. Refresh asks your providers what else lies there.",
                role="muted",
                wrap=True,
            )
        )
        self.refresh = Button(theme, "&Refresh", on_refresh, kind="primary", icon="retry")
        button = row(0, self.refresh, 0)
        self.setLayout(
            column(0, row(0, icon, 0), 16, title, 4, text, 24, button, 0, gap=0, margin=32)
        )


class EngineProblem(QWidget):
    """The engine did not start: why, and what to do."""

    def __init__(self, theme: Theme, on_retry: Callable[[], object]) -> None:
        super().__init__()
        icon = IconView(theme, "alert", "danger", 48)
        self._title = _centred(PlainLabel(role="title", wrap=True))
        self._hint = _centred(PlainLabel(role="muted", wrap=True))
        self._detail = _centred(PlainLabel(role="label", wrap=True))
        self.again = Button(theme, "&Try again", on_retry, kind="primary", icon="retry")
        parts = (self._title, 8, self._hint, 8, self._detail, 24, row(0, self.again, 0))
        self.setLayout(column(0, row(0, icon, 0), 16, *parts, 0, 0, gap=0, margin=32))

    def show_error(self, error: ErrorView) -> None:
        """Title, hint and what happened."""
        self._title.setText(error.title)
        self._hint.setText(error.hint)
        self._detail.setText(error.detail)


def _centred(label: PlainLabel) -> PlainLabel:
    label.setAlignment(_CENTER | Qt.AlignmentFlag.AlignVCenter)
    return label


def _choice(theme: Theme, icon: str, title: str, text: str, button: Button) -> Card:
    card = Card()
    card.setFixedWidth(_CHOICE_WIDTH)
    card.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
    words = PlainLabel(text, role="muted", wrap=True)
    words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    head = IconView(theme, icon, "accent", 32)
    layout = column(
        head, 8, PlainLabel(title, role="title"), 4, words, 16, button, margin=24, gap=0
    )
    layout.setStretch(4, 1)
    card.setLayout(layout)
    return card
