"""The form for a new account: provider, region, name, key, and a test before it is saved."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from exai_desktop.core.accounts.accounts import AccountDraft, ConnectionReport
from exai_desktop.core.routing.capabilities import Provider, ProviderTable, Region
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

REGION_NOTE = "A key works only in its own region."
OWN_NOTE = "Any service with the OpenAI files API: an https address, or a server on this computer."


class AccountForm(Card):
    """Holds the key only until it is saved or the dialog closes."""

    def __init__(
        self,
        theme: Theme,
        table: ProviderTable,
        on_test: Callable[[], object],
        on_save: Callable[[], object],
    ) -> None:
        super().__init__()
        self._theme = theme
        self._table = table
        self._taken: frozenset[str] = frozenset()
        self._suggested = ""
        self.setAccessibleName("New account")
        self._build_fields()
        self.open_console = Button(
            theme, "Open the page for API keys", self._open_console, icon="link", kind="ghost"
        )
        self.test = Button(theme, "&Test", on_test, name="Test the new account")
        self.save = Button(theme, "&Save account", on_save, kind="primary", icon="check")
        self.result = ResultLine(theme)
        self._assemble()
        for provider in table.providers:
            self.provider.addItem(f"{provider.title} ({provider.company})", provider.name)
        self._on_edit()

    def _build_fields(self) -> None:
        self.provider, self.region, self.tier = choice("Provider"), choice("Region"), choice("Tier")
        self.name = LineField("Account name", "Shown in the queue")
        self.key = KeyField(self._theme)
        self.base_url = LineField("Base URL", "https://…")
        self.per_minute = NumberField("Uploads per minute", 0, MOST_PER_MINUTE, "No known limit")
        self.provider.currentIndexChanged.connect(self._on_provider)
        self.region.currentIndexChanged.connect(self._on_region)
        for field in (self.name, self.key, self.base_url):
            field.textChanged.connect(self._on_edit)

    def _assemble(self) -> None:
        fields = form_layout()
        fields.addRow(field_label("&Provider", self.provider), self.provider)
        fields.addRow(field_label("&Region", self.region), self.region)
        self._region_note = PlainLabel(REGION_NOTE, role="label", wrap=True)
        fields.addRow("", self._region_note)
        fields.addRow(field_label("&Name", self.name), self.name)
        fields.addRow(field_label("API &key", self.key), self.key)
        fields.addRow("", row(self.open_console, 0))
        self.advanced = Button(
            self._theme, "&Advanced", self._toggle_advanced, kind="ghost", name="Advanced settings"
        )
        self.advanced.setCheckable(True)
        self._base_label = field_label("Base &URL", self.base_url)
        fields.addRow("", row(self.advanced, 0))
        fields.addRow(self._base_label, self.base_url)
        self._tier_label = field_label("&Tier", self.tier)
        fields.addRow(self._tier_label, self.tier)
        self._pace_label = field_label("Uploads per &minute", self.per_minute)
        fields.addRow(self._pace_label, self.per_minute)
        self._toggle_advanced()
        buttons = row(self.test, 0, self.save)
        title = PlainLabel("Add an account", role="heading")
        self.setLayout(column(title, 4, fields, 4, self.result, 0, buttons, margin=20))

    @property
    def draft(self) -> AccountDraft:
        """What has been entered, without the key."""
        is_shown = self.advanced.isChecked() or self._needs_url
        base_url = self.base_url.text().strip() if is_shown else ""
        region = self.region.currentData()
        return AccountDraft(
            self.name.text().strip(),
            str(self.provider.currentData()),
            str(region) if region else None,
            base_url or None,
            uploads_per_minute=self.per_minute.value() if self.advanced.isChecked() else 0,
            tier=self.tier.currentData() if self.advanced.isChecked() else None,
        )

    def know_names(self, names: frozenset[str]) -> None:
        """Names that exist, so that a free one is suggested."""
        self._taken = names
        self._suggest_name()

    def show_report(self, report: ConnectionReport) -> None:
        """The result of the test, beside the button that asked for it."""
        self.result.show_report(report)

    def reset(self) -> None:
        """Ready for the next account."""
        self.key.forget()
        self.base_url.setText("")
        self.per_minute.setValue(0)
        self.tier.setCurrentIndex(0)
        self.result.hide()
        self._suggest_name()

    def _provider(self) -> Provider | None:
        return self._table.provider(str(self.provider.currentData()))

    def _region(self) -> Region | None:
        provider = self._provider()
        return provider.region(str(self.region.currentData())) if provider else None

    def _on_provider(self) -> None:
        provider = self._provider()
        self.region.clear()
        if provider is None:
            return
        for region in provider.regions:
            self.region.addItem(region.title, region.name)
        self.key.setPlaceholderText(provider.key_hint)
        self._suggest_name()

    @property
    def _needs_url(self) -> bool:
        """A service that is told by its address alone: there is no usual one."""
        region = self._region()
        return region is not None and not region.base_url

    def _on_region(self) -> None:
        region = self._region()
        if region is not None:
            self.base_url.setPlaceholderText(region.base_url or "https://…/v1")
            self.open_console.setVisible(bool(region.console_url))
            self._show_tiers(region.name)
            self._region_note.setText(OWN_NOTE if self._needs_url else REGION_NOTE)
            self._toggle_advanced()
        self._on_edit()

    def _show_tiers(self, region: str) -> None:
        """What the account's tier allows, as the provider's pages tell it."""
        self.tier.clear()
        self.tier.addItem("Not known", None)
        provider = self._provider()
        for tier in provider.tiers_in(region) if provider else ():
            text = f"Tier {tier.name}: {tier.per_minute:,} per minute"
            self.tier.addItem(text, tier.name)

    def _suggest_name(self) -> None:
        """A free name, as long as the user has not chosen one."""
        provider = self._provider()
        if provider is None or self.name.text() not in ("", self._suggested):
            return
        name, number = provider.name, 1
        while name in self._taken:
            number += 1
            name = f"{provider.name}-{number}"
        self._suggested = name
        self.name.setText(name)

    def _on_edit(self) -> None:
        self.result.hide()
        has_key = bool(self.key.text().strip())
        if self._needs_url:
            has_key = has_key and bool(self.base_url.text().strip())
        self.test.setEnabled(has_key)
        self.save.setEnabled(has_key and bool(self.name.text().strip()))

    def _toggle_advanced(self) -> None:
        for part in (self._base_label, self.base_url):
            part.setVisible(self.advanced.isChecked() or self._needs_url)
        has_tiers = self.advanced.isChecked() and self.tier.count() > 1
        self._tier_label.setVisible(has_tiers)
        self.tier.setVisible(has_tiers)
        self._pace_label.setVisible(self.advanced.isChecked())
        self.per_minute.setVisible(self.advanced.isChecked())

    def _open_console(self) -> None:
        region = self._region()
        if region is not None:
            QDesktopServices.openUrl(QUrl(region.console_url))
