"""Where the keys are kept, for the window: open the vault, or choose without a keyring."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from exai_desktop.core.accounts.secret_store import StoreState, StoreStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, ErrorView
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, Card, column, row
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.secret_dialog import SecretDialog, secret_field
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_LEAST = 8

_NO_KEYRING = (
    "There is no secure keyring on this computer now, so the key has no safe place. Choose what to"
    " do. Nothing is saved until you choose."
)
_LOCKED = (
    "The keys are in the vault of this profile. Enter its passphrase: files on hold then continue"
    " by themselves."
)
_LOCKED_KEYRING = (
    "Unlock the keyring of this computer and try again, or keep the key for this session only."
)
_READY = "The keys can be read now."
_CODES = {
    StoreState.LOCKED: ErrorCode.CREDENTIAL_STORE_LOCKED,
    StoreState.ABSENT: ErrorCode.CREDENTIAL_STORE_UNAVAILABLE,
}


class KeyStoreDialog(SecretDialog):
    """Opened with `open()`. `settled`: the store can be used now."""

    settled = Signal()

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        client: EngineClient,
        tasks: SlotTasks,
        status: StoreStatus,
    ) -> None:
        super().__init__(parent, tasks)
        self._theme = theme
        self._client = client
        self.setWindowTitle("Key store")
        self.first, self.again = (
            secret_field("Passphrase"),
            secret_field("The same passphrase once more"),
        )
        self.unlock = Button(theme, "&Unlock", self._unlock, kind="primary", icon="key")
        self.make_vault = Button(
            theme, "&Create the vault", self._create, kind="primary", icon="key"
        )
        self.session = Button(theme, "&For this session only", self._keep_for_session)
        self.retry = Button(theme, "&Try again", self._try_again, icon="retry")
        self.answer = ResultLine(theme)
        for field in (self.first, self.again):
            field.textChanged.connect(self._enable)
        self._is_locked = status.has_vault and status.state is StoreState.LOCKED
        parts = self._locked_parts() if self._is_locked else self._choices(status)
        close = Button(theme, "&Not now", self.close)
        self.setLayout(column(*parts, self.answer, 0, row(0, close), margin=24, gap=16))
        self.resize(*((560, 280) if self._is_locked else (640, 620)))
        self._enable()

    def _locked_parts(self) -> list[QWidget]:
        self.first.returnPressed.connect(self._unlock)
        head = PlainLabel("The vault is locked", role="title")
        line = QWidget()
        line.setLayout(row(self.first, self.unlock))
        return [head, PlainLabel(_LOCKED, role="muted", wrap=True), line]

    def _choices(self, status: StoreStatus) -> list[QWidget]:
        if status.state is StoreState.READY:
            title, text = "The keys are safe", f"{_READY} They are in: {status.words}."
        elif status.state is StoreState.LOCKED:
            title, text = "The keyring is locked", _LOCKED_KEYRING
        else:
            title, text = "Where shall the keys be kept?", _NO_KEYRING
        parts: list[QWidget] = [
            PlainLabel(title, role="title"),
            PlainLabel(text, role="muted", wrap=True),
        ]
        # What a locked keyring holds could not move into a vault.
        if not status.has_vault and status.state is not StoreState.LOCKED:
            parts.append(self._vault_card())
        if status.state is not StoreState.READY:
            parts += [
                _choice(
                    "For this session only",
                    "The key is in memory. It is gone when you close the program.",
                    self.session,
                ),
                _choice(
                    "Start the keyring",
                    "For example gnome-keyring or KWallet. Then try again.",
                    self.retry,
                ),
            ]
        return parts

    def _vault_card(self) -> Card:
        text = (
            f"An encrypted file in the profile, opened by a passphrase of at least {_LEAST}"
            " characters. Nobody can restore a lost passphrase."
        )
        card = Card()
        card.setLayout(
            column(
                PlainLabel("A vault with a passphrase", role="heading"),
                PlainLabel(text, role="muted", wrap=True),
                self.first,
                self.again,
                row(0, self.make_vault),
                margin=16,
            )
        )
        return card

    def _enable(self) -> None:
        is_long = len(self.first.text()) >= _LEAST
        self.make_vault.setEnabled(is_long and self.first.text() == self.again.text())
        self.unlock.setEnabled(bool(self.first.text()))

    def _unlock(self) -> None:
        self._run(lambda: self._client.keys.unlock(self.first.text()))

    def _create(self) -> None:
        self._run(lambda: self._client.keys.create_vault(self.first.text()))

    def _keep_for_session(self) -> None:
        self._run(self._client.keys.keep_for_session)

    def _try_again(self) -> None:
        self._run(self._client.keys.try_again)

    def _run(self, order: Callable[[], Coroutine[Any, Any, StoreStatus]]) -> None:
        self._tasks.start(self._carry_out(order))

    async def _carry_out(self, order: Callable[[], Coroutine[Any, Any, StoreStatus]]) -> None:
        try:
            status = await order()
            if status.state is not StoreState.READY:
                raise AccountError(_CODES[status.state], status.words)
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
            return
        self.settled.emit()
        self.close()

    def forget(self) -> None:
        """The passphrase goes."""
        for field in (self.first, self.again):
            field.setText("")


def _choice(title: str, text: str, button: Button) -> Card:
    card = Card()
    words = column(
        PlainLabel(title, role="heading"), PlainLabel(text, role="muted", wrap=True), gap=2
    )
    line = row(words, button, margin=16)
    line.setStretch(0, 1)
    card.setLayout(line)
    return card
