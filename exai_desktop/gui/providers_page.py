"""The page *Providers*: every account with its health, brought up to date while it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from exai_desktop.core.accounts import AccountStatus
from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.errors import AppError, ErrorView
from exai_desktop.gui.answer_strip import SHOWN
from exai_desktop.gui.controls import Button, clear_layout, column, row
from exai_desktop.gui.engine_client import EngineClient
from exai_desktop.gui.engine_thread import EngineStoppedError
from exai_desktop.gui.plain_text import PlainLabel
from exai_desktop.gui.provider_card import ProviderCard
from exai_desktop.gui.slot_tasks import SlotTasks
from exai_desktop.gui.theme import Theme

EVERY_MS: Final = 2_000
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
        self._cards = QVBoxLayout()
        self._cards.setSpacing(16)
        self._cards.setContentsMargins(0, 0, 8, 0)
        self._empty = PlainLabel("No account yet. Accounts are added under Accounts.", role="muted")
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self.accounts = Button(theme, "&Accounts…", on_accounts, icon="key")
        self._assemble()

    def _assemble(self) -> None:
        inner = QWidget()
        inner.setObjectName("scrolled")
        inner.setMaximumWidth(_WIDEST)
        inner.setLayout(self._cards)
        scroll = QScrollArea()
        scroll.setAccessibleName("Providers")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        head = row(PlainLabel("Providers", role="title"), 0, self.accounts, gap=8)
        body = column(head, self._empty, scroll, gap=12)
        body.setContentsMargins(24, 16, 24, 16)
        body.setStretch(2, 1)
        self.setLayout(body)

    @property
    def cards(self) -> list[ProviderCard]:
        """The accounts that are shown."""
        items = (self._cards.itemAt(i) for i in range(self._cards.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [widget for widget in widgets if isinstance(widget, ProviderCard)]

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
            self.show_accounts(await self._client.accounts())
            for card in self.cards:
                card.show_history(await self._client.health(card.name, SHOWN))
        except (AppError, EngineStoppedError):
            pass  # the account has just gone, or the engine; the next look is in two seconds
        finally:
            self._is_reading = False

    def show_accounts(self, statuses: Sequence[AccountStatus]) -> None:
        """The newest state of all; cards are made anew only when there are other accounts."""
        cards = self.cards
        self._empty.setVisible(not statuses)
        if cards and [card.name for card in cards] == [s.account.name for s in statuses]:
            for card, status in zip(cards, statuses, strict=True):
                card.show_status(status)
            return
        clear_layout(self._cards)
        for status in statuses:
            self._cards.addWidget(ProviderCard(self._theme, self._table, status, self._test))
        self._cards.addStretch(1)

    def _test(self, card: ProviderCard) -> None:
        self._tasks.start(self._run_test(card))

    async def _run_test(self, card: ProviderCard) -> None:
        card.result.show_waiting()
        try:
            card.result.show_report(await self._client.test_account(card.name))
        except AppError as error:
            card.result.show_error(ErrorView.of(error))
        self.refresh()
