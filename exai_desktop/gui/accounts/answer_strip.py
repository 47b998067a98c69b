"""The last requests to a provider as a row of bars: green, amber, red; taller is slower."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from exai_desktop.core.accounts.health import OK, HealthSample
from exai_desktop.gui.style.plain_text import set_tip
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text, count_text

SHOWN: Final = 60
_HEIGHT: Final = 32
_BAR: Final = 5
_GAP: Final = 2
# A tenth of a second is low, a minute is full height.
_LOW_MS, _HIGH_MS = 100.0, 60_000.0


class AnswerStrip(QWidget):
    """The newest answer is at the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._samples: list[HealthSample] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Last requests")
        self.show_samples(())

    def show_samples(self, newest_first: Sequence[HealthSample]) -> None:
        """As the history gives them."""
        self._samples = list(newest_first[:SHOWN])
        faults = sum(sample.is_fault for sample in self._samples)
        text = count_text(len(self._samples), "request", "requests")
        text += f", {faults:,} failed"
        if self._samples:
            text += f"; the last one {clock_text(self._samples[0].at)}"
        self.setAccessibleDescription(text)
        set_tip(self, text)
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as all bars."""
        return QSize(SHOWN * (_BAR + _GAP), _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """From the right; where there are no answers yet, a quiet line."""
        painter = QPainter(self)
        painter.fillRect(QRectF(0, _HEIGHT - 1, self.width(), 1), self._theme.color("border"))
        x = float(self.width() - _BAR)
        for sample in self._samples:
            if x < 0:
                break
            height = _height(sample.took_ms)
            rect = QRectF(x, _HEIGHT - height, _BAR, height)
            painter.fillRect(rect, self._theme.color(_role(sample)))
            x -= _BAR + _GAP
        painter.end()


def _role(sample: HealthSample) -> str:
    if sample.is_fault:
        return Tone.BAD.value
    return (Tone.GOOD if sample.outcome == OK else Tone.CARE).value


def _height(took_ms: int) -> float:
    share = math.log(max(took_ms, _LOW_MS) / _LOW_MS) / math.log(_HIGH_MS / _LOW_MS)
    return 6.0 + (_HEIGHT - 6.0) * min(share, 1.0)
