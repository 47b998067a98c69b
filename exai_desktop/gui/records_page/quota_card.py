"""The limit over all devices of the user: how full it is, and whether it is asked for each file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QProgressBar

from exai_desktop.core.mirror.quota import QuotaUse
from exai_desktop.core.mirror.status import MirrorStatus
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.wording import clock_text
from exai_desktop.gui.widgets.controls import Card, column

_SCALE: Final = 1_000


class QuotaCard(Card):
    """Hidden until the project has said what it has counted."""

    def __init__(self, on_strict: Callable[[bool], object]) -> None:
        super().__init__()
        self.setAccessibleName("Limit of all your devices")
        self._line = PlainLabel(role="heading", wrap=True)
        self._more = PlainLabel(role="muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Space used by all your devices")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _SCALE)
        self.strict = QCheckBox("&Ask the project before each file (files wait without its answer)")
        self.strict.toggled.connect(on_strict)
        self.setLayout(column(self._line, self.bar, self._more, self.strict, margin=20, gap=8))
        self.hide()

    @property
    def line(self) -> str:
        return self._line.text()

    @property
    def more(self) -> str:
        return self._more.text()

    def show_status(self, status: MirrorStatus) -> None:
        """Bring the card up to date."""
        use = status.quota if status.is_signed_in else None
        self.setVisible(use is not None)
        if use is None:
            return
        self._line.setText(f"{use.words}, as of {clock_text(use.as_of)}")
        share = use.filled_bytes / use.limit_bytes if use.limit_bytes else 1.0
        self.bar.setValue(round(_SCALE * min(1.0, share)))
        more = _more(use)
        self._more.setText(more)
        self._more.setVisible(bool(more))

    def show_strict(self, is_strict: bool) -> None:
        """As the settings say; this is no order."""
        with QSignalBlocker(self.strict):
            self.strict.setChecked(is_strict)


def _more(use: QuotaUse) -> str:
    """What to do when it is full; empty when there is nothing."""
    if use.left_bytes:
        return ""
    return (
        "New files are on hold. Delete files at the providers, raise the limit in your project, or"
        " sign out. Then they continue by themselves."
    )
