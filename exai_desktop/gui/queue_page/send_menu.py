"""Where new files go: chosen by the program or one account; elsewhere only if allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.jobs.jobs import AddOptions, JobView
from exai_desktop.gui.style.plain_text import label_text
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.controls import Button

_AUTOMATIC = "Automatic"


class SendMenu(Button):
    """A button that shows the present choice and opens the others."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "", self.showMenu, icon="send", name="Send to")
        self._account: str | None = None
        self._names: tuple[str, ...] | None = None
        self._group = QActionGroup(self)
        self._fallback = QAction(
            "Allow other providers if the chosen one does not accept a file", self
        )
        self._fallback.setCheckable(True)
        menu = QMenu(self)
        menu.setAccessibleName("Send to")
        self.setMenu(menu)
        self.setProperty("menu", True)
        self.show_accounts(())

    @property
    def options(self) -> AddOptions:
        """How the next files are added."""
        return AddOptions(account=self._account, allow_fallback=self._fallback.isChecked())

    def show_accounts(self, statuses: Sequence[AccountStatus]) -> None:
        """The accounts that can be chosen now."""
        names = tuple(status.account.name for status in statuses)
        if names == self._names:
            return
        self._names = names
        if self._account not in names:
            self._account = None
        menu = self.menu()
        menu.clear()
        for name in (None, *names):
            action = self._group.addAction(label_text(name or _AUTOMATIC))
            action.setCheckable(True)
            action.setChecked(name == self._account)
            action.triggered.connect(lambda _checked=False, name=name: self._choose(name))
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction(self._fallback)
        self._choose(self._account)

    def _choose(self, account: str | None) -> None:
        self._account = account
        word = account or _AUTOMATIC
        self.setText(label_text(f"To: {word}"))
        self.setAccessibleName(f"Send to: {word}")


# What follows from a yes.
CONSENT: Final = "Your consent is recorded. If the content changes, you are asked again."


def consent_question(jobs: Sequence[JobView]) -> tuple[str, str, str]:
    """Title, text and the word on the button."""
    only = jobs[0] if len(jobs) == 1 else None
    title = f"Send {'this file' if only else count_text(len(jobs), 'file', 'files')} anyway?"
    errors = [job.error for job in jobs if job.error is not None]
    if only:
        detail = f" ({errors[0].detail})" if errors[0].detail else ""
        found = f"{only.name}: {errors[0].title}{detail}."
    else:
        counts = Counter(error.title for error in errors)
        found = "; ".join(f"{title}: {count:,}" for title, count in counts.items()) + "."
    return title, f"{found} {CONSENT}", "Send anyway"


def by_objection(jobs: Sequence[JobView]) -> dict[str, list[int]]:
    """code → the jobs it was found in."""
    found: dict[str, list[int]] = {}
    for job in jobs:
        if job.error is not None:
            found.setdefault(job.error.code, []).append(job.id)
    return found
