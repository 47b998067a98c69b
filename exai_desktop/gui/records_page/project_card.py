"""The project and the user's session there: its state, what waits, signing in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.mirror.status import MirrorState, MirrorStatus
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text, count_text
from exai_desktop.gui.widgets.controls import Button, Card, IconView, column, row
from exai_desktop.gui.widgets.copy_line import Facts
from exai_desktop.gui.widgets.result_line import ResultLine

S = MirrorState

_LOOKS: Final[dict[MirrorState, tuple[str, Tone]]] = {
    S.SIGNED_OUT: ("info", Tone.ACTIVE),
    S.SIGNED_IN: ("check", Tone.GOOD),
    S.UNREACHABLE: ("hourglass", Tone.CARE),
    S.ASLEEP: ("alert", Tone.CARE),
    S.NO_SCHEMA: ("alert", Tone.CARE),
    S.OLD_SCHEMA: ("alert", Tone.CARE),
    S.SESSION_ENDED: ("alert", Tone.BAD),
    S.STORE_LOCKED: ("key", Tone.CARE),
    S.UNAVAILABLE: ("info", Tone.ACTIVE),
}
_HINTS: Final[dict[MirrorState, str]] = {
    S.SIGNED_OUT: "Everything works without it. With a project of your own your other devices know"
    " the same files, and nothing is sent twice by two of them.",
    S.UNAVAILABLE: "The sandbox has no records in a project.",
    S.STORE_LOCKED: "Unlock the key store of this computer. Then it continues automatically.",
    S.SESSION_ENDED: "Sign in again with the same user. No change is lost.",
    S.UNREACHABLE: "Uploads continue. Waiting changes are sent when it answers.",
    S.ASLEEP: "Restore the project in the Supabase dashboard. Uploads continue without it.",
    S.NO_SCHEMA: "Follow the steps below. No change is lost: they wait here.",
    S.OLD_SCHEMA: "Follow the steps below. No change is lost: they wait here.",
}
# Here the user has something to type first.
_TO_SIGN_IN: Final = frozenset({S.SIGNED_OUT, S.SESSION_ENDED})


class ProjectCard(Card):
    def __init__(
        self,
        theme: Theme,
        on_sign_in: Callable[[], object],
        on_sign_out: Callable[[], object],
        on_sync: Callable[[], object],
    ) -> None:
        super().__init__()
        self.setAccessibleName("Your Supabase project")
        self._where = ElidedLabel(role="label")
        self._icon = IconView(theme, "info", Tone.ACTIVE.value)
        self._state = PlainLabel(role="heading", wrap=True)
        self._hint = PlainLabel(role="muted", wrap=True)
        self.facts = Facts()
        self.result = ResultLine(theme)
        self.sign_in = Button(theme, "&Sign in…", on_sign_in, kind="primary", icon="key")
        self.sign_out = Button(theme, "Sign &out", on_sign_out)
        self.sync = Button(theme, "S&ync now", on_sync, icon="retry")
        names = column(PlainLabel("Your Supabase project", role="title"), self._where, gap=2)
        head = row(
            IconView(theme, "cloud", "muted", 24), names, self.sync, self.sign_out, self.sign_in,
            gap=12,
        )  # fmt: skip
        head.setStretch(1, 1)
        state = row(self._icon, self._state, gap=8)
        state.setStretch(1, 1)
        self.setLayout(column(head, state, self._hint, self.facts, self.result, margin=20, gap=12))

    @property
    def state(self) -> str:
        return self._state.text()

    def show_status(self, status: MirrorStatus) -> None:
        """Bring the card up to date; the result of the last order stays."""
        state = status.state
        icon, tone = _LOOKS[state]
        self._icon.show_icon(icon, tone.value)
        self._state.setText(state_text(status))
        hint = hint_text(status)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._where.setText(_where(status))
        self._where.setVisible(bool(status.url))
        facts = _facts(status)
        self.facts.show_facts(facts)
        self.facts.setVisible(any(facts.values()))
        self.sign_in.setVisible(state in _TO_SIGN_IN)
        self.sign_out.setVisible(status.is_signed_in)
        self.sync.setVisible(status.is_signed_in and state is not S.SESSION_ENDED)
        self.sync.setEnabled(not status.is_busy)


def state_text(status: MirrorStatus) -> str:
    """One line: how we stand with the project, and what is being done."""
    if status.state is S.SIGNED_IN and status.is_busy:
        return "Sending and fetching changes"
    if status.state is S.SIGNED_IN and status.pending:
        return f"Signed in, {count_text(status.pending, 'change waits', 'changes wait')}"
    if status.state is S.SIGNED_IN and status.last_success is not None:
        return "Signed in, all changes are sent"
    words = status.words
    return f"{words[:1].upper()}{words[1:]}"


def hint_text(status: MirrorStatus) -> str:
    """What to do; empty when there is nothing."""
    hint = _HINTS.get(status.state, "")
    if status.code and not hint:
        error = ErrorView.of_code(status.code)
        hint = f"{error.title}. {error.hint}"
    return f"{hint} ({status.detail})" if status.detail and status.code else hint


def _where(status: MirrorStatus) -> str:
    host = urlsplit(status.url).netloc
    return f"{host}, signed in as {status.email}" if status.is_signed_in else host


def _facts(status: MirrorStatus) -> dict[str, str]:
    """Empty values are not shown."""
    is_in = status.is_signed_in
    without_account = count_text(status.without_account, "change", "changes")
    elsewhere = count_text(status.pending_elsewhere, "change waits", "changes wait")
    waiting = count_text(status.pending, "change", "changes")
    return {
        "Last success": clock_text(status.last_success) if status.last_success else "",
        "Next try": clock_text(status.next_try) if status.next_try else "",
        "Waiting": waiting if is_in or status.pending else "",
        "Refused": count_text(status.refused, "change", "changes") if status.refused else "",
        "Removed accounts": f"{without_account}, kept and not sent"
        if status.without_account
        else "",
        "For another user": f"{elsewhere} for another project or user"
        if status.pending_elsewhere
        else "",
        "Tables": f"version {status.schema}" if status.schema else "",
        "Other devices": count_text(status.other_files, "file", "files")
        if status.other_files
        else "",
        "Never sent": "paths, texts, API keys" if is_in else "",
    }
