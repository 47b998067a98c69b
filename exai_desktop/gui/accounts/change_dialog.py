"""One account is changed: a new key in place of the old one, and what it may do at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from PySide6.QtWidgets import QCheckBox, QWidget

from exai_desktop.core.accounts.accounts import Account, AccountEdit, AccountStatus, KeyPlace
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.settings import KEY_ON_ALL
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, Card, column, row
from exai_desktop.gui.widgets.form_fields import (
    MOST_PER_MINUTE,
    KeyField,
    LineField,
    NumberField,
    choice,
    field_label,
    form_layout,
)
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.secret_dialog import SecretDialog
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

KEY_NOTE: Final = "Files that are on hold because of the key continue with the new one."
_KB: Final = 1_000
_MOST_KB: Final = 2_000_000


class KeyCard(Card):
    """A new key, and where it is valid if that is another place."""

    def __init__(
        self, theme: Theme, table: ProviderTable, account: Account, on_replace: Callable[[], object]
    ) -> None:
        super().__init__()
        self._account = account
        self._provider = table.provider(account.provider)
        self.key = KeyField(theme, "New API key")
        self.region = choice("Region")
        for region in self._provider.regions if self._provider else ():
            self.region.addItem(region.title, region.name)
        self.region.setCurrentIndex(max(0, self.region.findData(account.region)))
        self.base_url = LineField("Base URL", account.base_url)
        self.untested = QCheckBox("Replace it without asking the provider first")
        self.replace_key = Button(theme, "Replace &key", on_replace, kind="primary", icon="key")
        self.result = ResultLine(theme)
        fields = form_layout()
        fields.addRow(field_label("New API k&ey", self.key), self.key)
        fields.addRow(field_label("Re&gion", self.region), self.region)
        fields.addRow(field_label("Base &URL", self.base_url), self.base_url)
        title = PlainLabel("Replace the key", role="heading")
        note = PlainLabel(KEY_NOTE, role="muted", wrap=True)
        buttons = row(0, self.replace_key)
        self.setLayout(
            column(title, note, 4, fields, self.untested, self.result, 0, buttons, margin=20)
        )
        self.key.textChanged.connect(self._on_edit)
        self.region.currentIndexChanged.connect(self._on_region)
        self._on_edit()

    @property
    def place(self) -> KeyPlace:
        """Where the new key is valid, as far as it is not the old place."""
        base_url = self.base_url.text().strip()
        return KeyPlace(self.other_region, base_url or None)

    @property
    def other_region(self) -> str | None:
        region = self.region.currentData()
        return str(region) if region and region != self._account.region else None

    def _on_region(self) -> None:
        """The address follows the region, unless another one is entered."""
        found = self._provider.region(str(self.region.currentData())) if self._provider else None
        is_own = self.other_region is None or found is None or not found.base_url
        shown = self._account.base_url if is_own or found is None else found.base_url
        self.base_url.setPlaceholderText(shown)
        self._on_edit()

    def _on_edit(self) -> None:
        self.result.hide()
        self.replace_key.setEnabled(bool(self.key.key))


class LimitsCard(Card):
    """What the account may do at once, and its purposes."""

    def __init__(
        self, theme: Theme, table: ProviderTable, account: Account, on_save: Callable[[], object]
    ) -> None:
        super().__init__()
        self._account = account
        self.tier = choice("Tier")
        self.tier.addItem("Do not change", None)
        provider = table.provider(account.provider)
        for tier in provider.tiers_in(account.region) if provider else ():
            self.tier.addItem(f"Tier {tier.name}: {tier.per_minute:,} per minute", tier.name)
        self.at_once = NumberField("Uploads at the same time", 1, 64)
        self.per_minute = NumberField("Uploads per minute", 0, MOST_PER_MINUTE, "No known limit")
        self.speed = NumberField("Speed limit", 0, _MOST_KB, "No limit", "KB/s")
        self.purposes = LineField("Purposes", "Those of the provider")
        self.save = Button(theme, "&Save changes", on_save, kind="primary", icon="check")
        self.result = ResultLine(theme)
        self.show_account(account)
        fields = form_layout()
        if self.tier.count() > 1:
            fields.addRow(field_label("&Tier", self.tier), self.tier)
        fields.addRow(field_label("Uploads &at once", self.at_once), self.at_once)
        fields.addRow(field_label("Uploads per &minute", self.per_minute), self.per_minute)
        fields.addRow(field_label("S&peed limit", self.speed), self.speed)
        fields.addRow(field_label("P&urposes", self.purposes), self.purposes)
        note = PlainLabel(
            "Purposes: NAME or NAME:pdf,txt, with spaces between them.", role="label", wrap=True
        )
        fields.addRow("", note)
        title = PlainLabel("Limits and purposes", role="heading")
        self.setLayout(column(title, 4, fields, self.result, 0, row(0, self.save), margin=20))

    def show_account(self, account: Account) -> None:
        """As it is now."""
        self._account = account
        self.tier.setCurrentIndex(0)
        self.at_once.setValue(account.max_in_flight)
        self.per_minute.setValue(account.uploads_per_minute)
        self.speed.setValue(account.bytes_per_s // _KB)
        self.purposes.setText(" ".join(account.purposes))

    @property
    def changes(self) -> AccountEdit:
        """Only what was changed: a tier sets the limits that the user has not changed."""
        old = self._account
        at_once, per_minute = self.at_once.value(), self.per_minute.value()
        speed, purposes = self.speed.value(), tuple(self.purposes.text().split())
        tier = self.tier.currentData()
        return AccountEdit(
            at_once if at_once != old.max_in_flight else None,
            purposes if purposes != old.purposes else None,
            per_minute if per_minute != old.uploads_per_minute else None,
            speed * _KB if speed != old.bytes_per_s // _KB else None,
            str(tier) if tier else None,
        )


class ChangeDialog(SecretDialog):
    """Opened with `open()`; the key is held only until it is replaced or the dialog closes."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        account: Account,
        on_change: Callable[[], object],
    ) -> None:
        super().__init__(parent, tasks)
        self._client = client
        self._name = account.name
        self._on_change = on_change
        self.setWindowTitle("Change an account")
        self.key = KeyCard(theme, table, account, self._replace)
        self.limits = LimitsCard(theme, table, account, self._save)
        title = PlainLabel(f"Account {account.name}", role="title")
        close = Button(theme, "&Close", self.close)
        cards = row(self.key, self.limits, gap=16)
        self.setLayout(column(title, cards, row(close, 0), margin=24, gap=16))
        self.resize(880, 480)
        self.key.key.setFocus()

    def forget(self) -> None:
        """The key goes."""
        self.key.key.forget()

    def _replace(self) -> None:
        card, accounts = self.key, self._client.accounts
        order = accounts.set_key(
            self._name, card.key.key, card.place, untested=card.untested.isChecked()
        )
        self._tasks.start(self._carry_out(order, card, card.replace_key, "The key was replaced"))

    def _save(self) -> None:
        changes, card = self.limits.changes, self.limits
        if self.key.other_region is not None and not self.key.key.key:
            changes = replace(changes, region=self.key.other_region)
        if changes == AccountEdit():
            return
        order = self._client.accounts.edit(self._name, changes)
        self._tasks.start(self._carry_out(order, card, card.save, "The changes apply now"))

    async def _carry_out(
        self,
        order: Awaitable[AccountStatus],
        card: KeyCard | LimitsCard,
        button: Button,
        good: str,
    ) -> None:
        button.setEnabled(False)
        card.result.show_waiting()
        try:
            status = await order
        except AppError as error:
            card.result.show_error(ErrorView.of(error))
            button.setEnabled(True)
            return
        self.key.key.forget()
        self.limits.show_account(status.account)
        self.limits.save.setEnabled(True)
        if card is self.key and (await self._client.settings.saved()).redis_url:
            good = f"{good}. {KEY_ON_ALL}."
        card.result.show_good(good)
        self._on_change()
