"""Messages inside the window: one at a time, never a box in the way."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from exai_desktop.core.errors import ErrorView
from exai_desktop.gui.controls import Button, Card, IconView, column, restyle, row
from exai_desktop.gui.plain_text import PlainLabel
from exai_desktop.gui.state_look import Tone
from exai_desktop.gui.theme import Theme

_ICONS = {Tone.BAD: "alert", Tone.CARE: "alert", Tone.GOOD: "check", Tone.ACTIVE: "info"}
_GOES_AFTER_MS = 6_000


class NoticeBar(Card):
    """Problems stay until they are closed; other messages go by themselves."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("accent")
        self.setProperty("notice", True)
        self._icon = IconView(theme, "info", "accent", 20)
        self._title = PlainLabel(role="heading")
        self._text = PlainLabel(wrap=True)
        self._close = Button(
            theme, "", self.dismiss, icon="close", kind="icon", name="Close the message"
        )
        layout = row(self._icon, 4, column(self._title, self._text, gap=2), self._close, margin=12)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self.hide()

    @property
    def title(self) -> str:
        return self._title.text()

    def show_error(self, error: ErrorView) -> None:
        """What happened and what to do."""
        detail = f" ({error.detail})" if error.detail else ""
        self.show_notice(error.title, f"{error.hint}{detail}", Tone.BAD)

    def show_notice(self, title: str, text: str = "", tone: Tone = Tone.ACTIVE) -> None:
        """Replace whatever is shown."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        restyle(self, "tone", tone.value)
        self._icon.show_icon(_ICONS.get(tone, "info"), tone.value)
        self.show()
        if tone in (Tone.BAD, Tone.CARE):
            self._timer.stop()
        else:
            self._timer.start(_GOES_AFTER_MS)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, f"{title}. {text}"))

    def dismiss(self) -> None:
        """Close the message."""
        self._timer.stop()
        self.hide()
