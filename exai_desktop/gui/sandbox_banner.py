"""The line that says that nothing leaves this computer."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame

from exai_desktop.gui.controls import Button, IconView, row
from exai_desktop.gui.plain_text import PlainLabel
from exai_desktop.gui.theme import Theme


class SandboxBanner(QFrame):
    """Hidden while the real providers are behind the window."""

    def __init__(self, theme: Theme, on_real: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("banner", True)
        text = PlainLabel("Sandbox: files go to this computer only", role="heading")
        self.add_real = Button(theme, "Add a real account…", on_real, icon="key")
        layout = row(IconView(theme, "flask", "accent"), text, 0, self.add_real, gap=12)
        layout.setContentsMargins(24, 8, 24, 8)
        self.setLayout(layout)
        self.hide()
