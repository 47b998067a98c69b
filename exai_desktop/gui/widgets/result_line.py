"""The outcome of what was asked for, in the place where it was asked for."""

from __future__ import annotations

from exai_desktop.core.accounts.accounts import ConnectionReport
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.controls import Card, IconView, column, restyle, row


class ResultLine(Card):
    """Hidden until there is something to say."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("quiet")
        self._icon = IconView(theme, "info", "muted")
        self._title = PlainLabel(role="heading", wrap=True)
        self._text = PlainLabel(wrap=True)
        layout = row(self._icon, column(self._title, self._text, gap=2), margin=10, gap=10)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.hide()

    @property
    def title(self) -> str:
        return self._title.text()

    def show_waiting(self, title: str = "Testing…") -> None:
        """The question is on its way."""
        self._say("hourglass", "quiet", "muted", title, "")

    def show_good(self, title: str) -> None:
        """It was done."""
        self._say("check", "success", "success", title, "")

    def show_report(self, report: ConnectionReport) -> None:
        """It works, or why it does not."""
        if not report.ok and report.error is not None:
            self.show_error(report.error)
            return
        files = (
            ""
            if report.files is None
            else f", {count_text(report.files, 'file', 'files')} at the provider"
        )
        balance = "" if report.balance is None else f" Balance: {report.balance}."
        text = f"{report.host} answered in {report.duration_ms} ms{files}.{balance}"
        self._say("check", "success", "success", "The connection works", text)

    def show_error(self, error: ErrorView) -> None:
        """Title, hint and detail."""
        detail = f" ({error.detail})" if error.detail else ""
        self._say("alert", "danger", "danger", error.title, f"{error.hint}{detail}")

    def _say(self, icon: str, tone: str, role: str, title: str, text: str) -> None:
        restyle(self, "tone", tone)
        self._icon.show_icon(icon, role)
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.show()
