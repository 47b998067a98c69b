"""What the window shows before there is a queue: the first choice, the empty queue, a problem."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, Card, IconView, centred, column, row

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
            "Kimi or GLM, with an API key from the provider's website. The key is stored in this"
            " computer's keyring.",
            self.add_key,
        )
        sandbox = _choice(
            theme,
            "flask",
            "Try it first",
            "Built-in test servers behave like the real ones. Files stay on this computer; nothing"
            " is sent to a provider.",
            self.try_sandbox,
        )
        title = centred(PlainLabel("Drop files, get file IDs", role="display"))
        text = centred(
            PlainLabel(
                "EXAI Desktop uploads documents to Kimi and GLM and keeps a list of them all."
                " How do you want to start?",
                role="muted",
                wrap=True,
            )
        )
        choices = row(0, key, sandbox, 0, gap=24)
        sign = row(0, IconView(theme, "app", "accent", 72), 0)
        parts = (sign, 16, title, 8, text, 32, choices)
        self.setLayout(column(0, *parts, 0, 0, gap=0, margin=32))


class EngineProblem(QWidget):
    """The engine did not start: why, and what to do.

    `on_choice` gets "keep" or "new" for a profile that was copied.
    """

    def __init__(
        self,
        theme: Theme,
        on_retry: Callable[[], object],
        on_choice: Callable[[str], object],
    ) -> None:
        super().__init__()
        icon = IconView(theme, "alert", "danger", 48)
        self._title = centred(PlainLabel(role="title", wrap=True))
        self._hint = centred(PlainLabel(role="muted", wrap=True))
        self._detail = centred(PlainLabel(role="label", wrap=True))
        self.again = Button(theme, "&Try again", on_retry, kind="primary", icon="retry")
        self.keep = Button(theme, "This one &lives on", lambda: on_choice("keep"))
        self.new = Button(theme, "This is a &new profile", lambda: on_choice("new"))
        buttons = row(0, self.keep, self.new, self.again, 0)
        parts = (self._title, 8, self._hint, 8, self._detail, 24, buttons)
        self.setLayout(column(0, row(0, icon, 0), 16, *parts, 0, 0, gap=0, margin=32))

    def show_error(self, error: ErrorView) -> None:
        """Title, hint and what happened."""
        self._title.setText(error.title)
        self._hint.setText(error.hint)
        self._detail.setText(error.detail)
        is_copied = error.code == ErrorCode.PROFILE_COPIED
        self.keep.setVisible(is_copied)
        self.new.setVisible(is_copied)
        # The same start would end in the same question.
        self.again.setVisible(not is_copied)


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
