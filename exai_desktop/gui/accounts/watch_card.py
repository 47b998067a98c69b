"""One watched folder in the list: how it is, what was sent from it, what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.jobs.watched_folders import WatchState, WatchStatus, counts_text
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text
from exai_desktop.gui.widgets.controls import Button, Card, IconView, column, restyle, row

S = WatchState

_LOOKS: Final[dict[WatchState, tuple[str, Tone]]] = {
    S.OFF: ("minus", Tone.NEUTRAL),
    S.WATCHING: ("eye", Tone.GOOD),
    S.POLLING: ("clock", Tone.ACTIVE),
    S.NOT_THERE: ("ban", Tone.CARE),
    S.NOT_ANSWERING: ("clock", Tone.CARE),
    S.REPLACED: ("alert", Tone.CARE),
    S.PAUSED: ("pause", Tone.NEUTRAL),
    S.STOPPED: ("alert", Tone.BAD),
}
Order = Callable[[], object]


@dataclass(frozen=True, slots=True)
class CardOrders:
    """`accept`: the folder that is there now is the right one."""

    edit: Order
    pause: Order
    resume: Order
    accept: Order
    skipped: Order
    remove: Order


class WatchCard(Card):
    """Stays the same widget while its folder is in the list: the focus does, too."""

    def __init__(self, theme: Theme, path: str, orders: CardOrders) -> None:
        super().__init__("quiet")
        self.path = path
        self.status: WatchStatus | None = None
        self._icon = IconView(theme, "eye", "muted")
        self.state = PlainLabel(wrap=True)
        self.hint = PlainLabel(role="muted", wrap=True)
        self.counts = PlainLabel(role="muted", wrap=True)
        self.last = ElidedLabel(role="label")
        self.edit = Button(theme, "Edit…", orders.edit, name=f"Edit {path}")
        self.pause = Button(theme, "Pause", orders.pause, icon="pause", name=f"Pause {path}")
        self.resume = Button(theme, "Resume", orders.resume, icon="play", name=f"Resume {path}")
        self.accept = Button(
            theme, "Watch this folder instead", orders.accept, name=f"Watch what is at {path} now"
        )
        self.skipped = Button(
            theme, "Skipped files…", orders.skipped, name=f"Skipped files in {path}"
        )
        self.remove = Button(
            theme, "", orders.remove, icon="trash", kind="icon", name=f"Do not watch {path}"
        )
        name = ElidedLabel(path, role="heading")
        head = row(IconView(theme, "folder", "muted"), name, self.remove, gap=12)
        head.setStretch(1, 1)
        buttons = row(self.edit, self.pause, self.resume, self.accept, self.skipped, 0)
        texts = column(self.state, self.hint, self.counts, self.last, gap=4)
        # The icons below each other, and so the texts.
        body = row(column(self._icon, 0), texts, gap=12)
        body.setStretch(1, 1)
        self.setLayout(column(head, body, buttons, margin=12, gap=8))
        # What takes the folder from the list comes last for the keyboard.
        QWidget.setTabOrder(self.skipped, self.remove)

    def show_status(self, status: WatchStatus) -> None:
        """The newest state."""
        if status == self.status:
            return
        self.status = status
        icon, tone = _LOOKS[status.state]
        self._icon.show_icon(icon, tone.value)
        error = status.error
        self.state.setText(f"{status.words}: {error.title}" if error else status.words)
        restyle(self.state, "role", "" if tone in (Tone.NEUTRAL, Tone.ACTIVE) else tone.value)
        self.hint.setText(_hint(status))
        self.hint.setVisible(bool(self.hint.text()))
        self.counts.setText(counts_text(status.counts).capitalize())
        folder = status.folder
        has_last = folder.last_path is not None and folder.last_at is not None
        self.last.setVisible(has_last)
        if folder.last_path is not None and folder.last_at is not None:
            self.last.setText(f"Last file: {folder.last_path}, {clock_text(folder.last_at)}")
        is_paused = status.state is S.PAUSED
        self.pause.setVisible(not is_paused)
        self.resume.setVisible(is_paused)
        self.accept.setVisible(status.state is S.REPLACED)
        has_folder = status.state not in (S.NOT_THERE, S.NOT_ANSWERING, S.REPLACED)
        self.skipped.setEnabled(has_folder)


def _hint(status: WatchStatus) -> str:
    if status.error is not None:
        detail = f" ({status.error.detail})" if status.error.detail else ""
        return f"{status.error.hint}{detail}"
    if status.state is S.REPLACED:
        return "Nothing is sent from there. Put the folder back, or choose the one that is there."
    if status.state is S.NOT_THERE:
        return "Nothing is sent. It continues when the folder or its disk is back."
    if status.state is S.NOT_ANSWERING:
        return "Nothing is sent. It continues when the drive answers: check the network."
    return ""
