"""The page *Providers*: every account with its health, brought up to date while it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.accounts.answer_strip import SHOWN
from exai_desktop.gui.accounts.provider_card import ProviderCard
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.engine.thread import EngineStoppedError
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.card_list import CardList
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

EVERY_MS: Final = 2_000
NO_ACCOUNT: Final = "No account yet. Add one in File, Accounts."
# Lines longer than this are hard to follow.
_WIDEST: Final = 880


class ProvidersPage(QWidget):
    def __init__(
        self,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        on_accounts: Callable[[], object],
    ) -> None:
        super().__init__()
        self._theme = theme
        self._table = table
        self._client = client
        self._tasks = tasks
        self._is_reading = False
        self._list = CardList("Providers", gap=16, widest=_WIDEST)
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self.accounts = Button(theme, "&Accounts…", on_accounts, icon="key")
        self._assemble()

    def _assemble(self) -> None:
        head = row(PlainLabel("Providers", role="title"), 0, self.accounts, gap=8)
        body = column(head, self._list.area, gap=12)
        body.setContentsMargins(24, 16, 24, 16)
        self.setLayout(body)

    @property
    def cards(self) -> list[ProviderCard]:
        """The accounts that are shown."""
        return [card for card in self._list.widgets if isinstance(card, ProviderCard)]

    def minimumSizeHint(self) -> QSize:
        """Small enough for half a laptop's screen."""
        return QSize(480, 320)

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks: what is shown has to be true."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def refresh(self) -> None:
        """Ask the engine again, one question at a time."""
        if not self._is_reading:
            self._tasks.start(self._read())

    async def _read(self) -> None:
        self._is_reading = True
        try:
            self.show_accounts(await self._client.accounts.all())
            for card in self.cards:
                card.show_history(await self._client.accounts.health(card.name, SHOWN))
        except (AppError, EngineStoppedError):
            pass  # the account has just gone, or the engine; the next look is in two seconds
        finally:
            self._is_reading = False

    def show_accounts(self, statuses: Sequence[AccountStatus]) -> None:
        """The newest state of all."""
        by_name = {status.account.name: status for status in statuses}
        self._list.show_keys(
            list(by_name),
            lambda name: ProviderCard(self._theme, self._table, by_name[name], self._test),
            lambda: PlainLabel(NO_ACCOUNT, role="muted"),
        )
        for card in self.cards:
            card.show_status(by_name[card.name])

    def _test(self, card: ProviderCard) -> None:
        self._tasks.start(self._run_test(card))

    async def _run_test(self, card: ProviderCard) -> None:
        card.result.show_waiting()
        try:
            card.result.show_report(await self._client.accounts.test(card.name))
        except AppError as error:
            card.result.show_error(ErrorView.of(error))
        self.refresh()
