"""Before many files are sent: where they would go, which cannot, and how long it would take."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from exai_desktop.core.planning.plan import PlannedAccount, UploadPlan
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text, count_text, duration_text, size_text
from exai_desktop.gui.widgets.card_list import scrolled
from exai_desktop.gui.widgets.controls import Button, Card, IconView, clear_layout, column, row

# The rest is a number: the list of all is in the queue afterwards.
_NAMED: Final = 6


def title_of(plan: UploadPlan) -> str:
    """The question, when all files were looked at."""
    if not plan.is_whole:
        return f"Checking the files: {count_text(plan.files, 'file', 'files')} so far…"
    if not plan.fitting:
        return f"None of {count_text(plan.files, 'file', 'files')} can be sent"
    size = sum(account.bytes for account in plan.accounts)
    return f"Send {count_text(plan.fitting, 'file', 'files')}, {size_text(size)}?"


def account_text(account: PlannedAccount, seconds: float | None = None) -> str:
    """What would go there, until when, and what room is left."""
    text = f"{count_text(account.files, 'file', 'files')}, {size_text(account.bytes)}"
    left = []
    if account.files_left is not None:
        left.append(count_text(account.files_left, "file", "files"))
    if account.bytes_left is not None:
        left.append(size_text(account.bytes_left))
    if seconds:
        text += f". Done about {clock_text(time.time() + seconds)} ({duration_text(seconds)})"
    return f"{text}. Left afterwards: {', '.join(left)}" if left else text


def time_text(plan: UploadPlan) -> str:
    """The longer of the line and the accounts' limits; what is unknown is said, not guessed."""
    pace_s = max((account.pace_s for account in plan.accounts), default=0.0)
    if plan.line_s is None and not pace_s:
        return "The time is not known until a first file was sent."
    line = f"Your connection: {duration_text(plan.line_s)}." if plan.line_s is not None else ""
    limits = f"Limits of the accounts: {duration_text(pace_s)}." if pace_s else ""
    return " ".join(
        part for part in (f"About {duration_text(plan.seconds or 0.0)}.", line, limits) if part
    )


def refusals(plan: UploadPlan) -> list[str]:
    """Why files do not fit, the most frequent reason first."""
    lines = [f"{count_text(n, 'file', 'files')}: {title}" for title, n in plan.refusals[:_NAMED]]
    more = len(plan.refusals) - _NAMED
    return [*lines, f"{more:,} other reasons"] if more > 0 else lines


class PlanDialog(QDialog):
    """Shown with `open()`; `accepted` is the user's yes, asked for when the plan is whole.
    `others_allowed`: files may go to another company, for this drop only; the plan begins anew."""

    others_allowed = Signal()

    def __init__(self, parent: QWidget, theme: Theme, plan: UploadPlan) -> None:
        super().__init__(parent)
        self._theme = theme
        # The last one that was shown.
        self.plan = plan
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Before sending")
        self.send = Button(theme, "&Send", self.accept, kind="primary", icon="send")
        self.send.setDefault(True)
        self.cancel = Button(theme, "&Cancel", self.reject)
        self.allow = Button(theme, "&Allow another company", self._allow)
        self.allow.hide()
        self._cards = column(gap=8)
        scroll = scrolled(self._cards, "Preview of the upload")
        self._title = PlainLabel(role="title", wrap=True)
        self.time = PlainLabel(role="muted", wrap=True)
        head = column(self._title, self.time, gap=4)
        note = PlainLabel(
            "By names and sizes: contents are judged when a file's turn comes, and what is there"
            " already is not sent again.",
            role="label",
            wrap=True,
        )
        foot = row(self.allow, 0, self.cancel, self.send)
        self.setLayout(column(head, scroll, note, foot, margin=24, gap=16))
        self.resize(600, 560)
        self.show_plan(plan)

    @property
    def title(self) -> str:
        """What it says at the top."""
        return self._title.text()

    def show_plan(self, plan: UploadPlan) -> None:
        """As far as it has come."""
        self.plan = plan
        self.send.setEnabled(plan.is_whole and bool(plan.fitting))
        count = count_text(plan.fitting, "file", "files")
        self.send.setText(f"&Send {count}" if plan.is_whole and plan.fitting else "&Send")
        self.send.setAccessibleName(self.send.text().replace("&", ""))
        self.allow.setVisible(plan.is_whole and bool(plan.for_others))
        self._title.setText(title_of(plan))
        self.time.setText(time_text(plan))
        self.time.setVisible(plan.is_whole and bool(plan.fitting))
        clear_layout(self._cards)
        lanes = (self._account(account, plan.seconds_of(account)) for account in plan.accounts)
        for card in (*lanes, *self._rest(plan)):
            self._cards.addWidget(card)
        self._cards.addStretch(1)

    def _allow(self) -> None:
        """The plan on show is not what would be sent any more: there is nothing to say yes to."""
        self.allow.hide()
        self.send.setEnabled(False)
        self._title.setText("Checking the files again…")
        self.others_allowed.emit()

    def _account(self, account: PlannedAccount, seconds: float | None) -> Card:
        card = Card("quiet")
        words = column(
            ElidedLabel(account.account, role="heading"),
            PlainLabel(account_text(account, seconds), role="muted", wrap=True),
            gap=2,
        )
        line = row(IconView(self._theme, "server", "muted"), words, margin=12, gap=12)
        line.setStretch(1, 1)
        card.setLayout(line)
        return card

    def _rest(self, plan: UploadPlan) -> list[QWidget]:
        """What does not go."""
        found = refusals(plan)
        if not found:
            return []
        card = Card(Tone.CARE.value)
        missed = plan.files - plan.fitting
        heading = PlainLabel(
            f"{count_text(missed, 'file', 'files')} cannot be sent", role="heading", wrap=True
        )
        after = (
            [f"Another company would receive {plan.for_others:,} of these files, if you allow it."]
            if plan.for_others
            else []
        )
        if plan.fitting:
            after.append("They stay in the queue, as one group for each reason.")
        lines = column(heading, *(PlainLabel(text, wrap=True) for text in found + after), gap=2)
        line = row(IconView(self._theme, "alert", Tone.CARE.value), lines, margin=12, gap=12)
        line.setStretch(1, 1)
        card.setLayout(line)
        return [card]
