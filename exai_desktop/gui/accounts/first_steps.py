"""The first account in three steps: a key, a test that finds its region, and the first file."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QButtonGroup, QStackedWidget, QWidget

from exai_desktop.core.accounts.accounts import AccountDraft, ConnectionReport
from exai_desktop.core.accounts.secret_store import STORE_CODES
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.routing.capabilities import Provider, ProviderTable, Region
from exai_desktop.gui.accounts.key_store_dialog import KeyStoreDialog
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import PlainLabel, label_text
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import (
    Button,
    Card,
    IconView,
    centred,
    clear_layout,
    column,
    row,
)
from exai_desktop.gui.widgets.form_fields import KeyField
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.secret_dialog import SecretDialog
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

STEPS: Final = ("Key", "Test", "First file")
_WHERE: Final = (
    "The key is saved in this computer's keyring. Your system may ask for its password once."
)
_READY: Final = (
    "Drop files or folders onto the window, paste them with Ctrl+V, or choose them here."
)


class FirstSteps(SecretDialog):
    """Opened with `open()`. Nothing is saved before the key was accepted by a provider, and the key
    goes to no other address than those that are shown."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        on_other: Callable[[], object],
        on_files: Callable[[], object],
    ) -> None:
        """`on_other`: a provider that has no address of its own; `on_files`: choose the first."""
        super().__init__(parent, tasks)
        self._theme = theme
        self._client = client
        self._providers = [p for p in table.providers if all(r.base_url for r in p.regions)]
        self._provider = self._providers[0]
        self._found: Region | None = None
        # What was tested, whatever stands in the fields by then.
        self._tried = (self._provider, "")
        self.key_store: KeyStoreDialog | None = None
        self.setWindowTitle("Add your first account")
        self.step = PlainLabel(role="label")
        self.title = PlainLabel(role="title", wrap=True)
        self.answer = ResultLine(theme)
        self.pages = QStackedWidget()
        self._make_key_page(on_other)
        self._make_test_page()
        self._make_file_page(on_files)
        self.setLayout(column(self.step, self.title, self.pages, self.answer, margin=24, gap=12))
        self.resize(720, 480)
        self._choose_provider(self._provider)
        self._go(0, "Which provider gave you a key?")
        self.key.setFocus()

    # -- the key

    def _make_key_page(self, on_other: Callable[[], object]) -> None:
        theme = self._theme
        self.providers = {
            p.name: Button(
                theme, f"{p.title} ({p.company})", partial(self._choose_provider, p), kind="tab"
            )
            for p in self._providers
        }
        _exclusive(self, list(self.providers.values()))
        self.other = Button(theme, "&Other…", lambda: self._leave(on_other), kind="ghost")
        self.key = KeyField(theme)
        self.key.textChanged.connect(self._enable)
        self.key.returnPressed.connect(self._test)
        self.console = Button(
            theme, "Open the page for API &keys", self._open_console, icon="link", kind="ghost"
        )
        self.regions: dict[str, Button] = {}
        self._region_row = row(0, gap=4)
        self._goes_to = PlainLabel(role="muted", wrap=True)
        self.test = Button(theme, "&Test this key", self._test, kind="primary", icon="check")
        later = Button(theme, "&Later", self.close)
        page = column(
            row(*self.providers.values(), self.other, 0, gap=8),
            8, PlainLabel("API key", role="heading"), self.key, row(self.console, 0),
            8, PlainLabel("Region", role="heading"), self._region_row, self._goes_to,
            0, row(later, 0, self.test), gap=8,
        )  # fmt: skip
        self._add_page(page)

    def _choose_provider(self, provider: Provider) -> None:
        self._provider = provider
        self.providers[provider.name].setChecked(True)
        self.key.setPlaceholderText(provider.key_hint)
        clear_layout(self._region_row)
        several = len(provider.regions) > 1
        titles = {r.name: r.title for r in provider.regions}
        titles |= {"": "Not sure: try all"} if several else {}
        self.regions = {
            name: Button(self._theme, label_text(title), self._enable, kind="chip")
            for name, title in titles.items()
        }
        _exclusive(self, list(self.regions.values()))
        for button in self.regions.values():
            self._region_row.addWidget(button)
        self._region_row.addStretch(1)
        next(iter(self.regions.values())).setChecked(True)
        self._enable()

    @property
    def _wanted(self) -> list[Region]:
        """The regions that are tried, in the order of the table."""
        return [
            region
            for region in self._provider.regions
            if self.regions[region.name].isChecked()
            or ("" in self.regions and self.regions[""].isChecked())
        ]

    def _enable(self) -> None:
        hosts = " and ".join(QUrl(region.base_url).host() for region in self._wanted)
        self._goes_to.setText(f"The key is sent to {hosts} only.")
        self.test.setEnabled(bool(self.key.key))

    def _open_console(self) -> None:
        QDesktopServices.openUrl(QUrl(self._wanted[0].console_url))

    # -- the test

    def _make_test_page(self) -> None:
        theme = self._theme
        self._results = column(gap=0)
        card = Card()
        card.setLayout(self._results)
        self._facts = PlainLabel(role="muted", wrap=True)
        self._place = PlainLabel(_WHERE, role="muted", wrap=True)
        self.back = Button(theme, "&Back", lambda: self._go(0, "Which provider gave you a key?"))
        self.elsewhere = Button(theme, "Keep it &elsewhere…", self._choose_store)
        self.save = Button(theme, "&Save and continue", self._save, kind="primary", icon="check")
        foot = row(self.back, 0, self.elsewhere, self.save)
        self._add_page(column(card, self._facts, 8, self._place, 0, foot, gap=8))

    def _test(self) -> None:
        if self.test.isEnabled():
            self._tried = (self._provider, self.key.key)
            self.pages.setEnabled(False)
            self._do(self._run_test(self._wanted), self.test)

    async def _run_test(self, wanted: Sequence[Region]) -> None:
        self.answer.show_waiting()
        key = self._tried[1]
        reports = [
            (region, await self._client.accounts.test_draft(self._draft(region), key))
            for region in wanted
        ]
        self.answer.hide()
        self.pages.setEnabled(True)
        good = [(region, report) for region, report in reports if report.ok]
        is_refused = any(map(_is_refused, reports))
        # Without a connection it cannot be tested now; where it belongs is known all the same.
        untested = [] if good or is_refused or len(wanted) > 1 else list(wanted)
        accepted = [region for region, _ in good] or untested
        self._found = accepted[0] if accepted else None
        clear_layout(self._results)
        for region, report in reports:
            self._results.addWidget(self._result(region, report))
        for part in (self._place, self.elsewhere, self.save):
            part.setVisible(self._found is not None)
        self.save.setText("&Save and continue" if good else "&Save without a test")
        self._facts.setText(_facts(good[0][1]) if good else _hint(reports))
        failed = "The key was not accepted" if is_refused else "The key could not be tested"
        self._go(1, f"The key works: {good[0][0].title}" if good else failed)
        (self.save if good else self.back).setFocus()

    def _draft(self, region: Region) -> AccountDraft:
        name = self._tried[0].name
        return AccountDraft(name, name, region.name)

    def _result(self, region: Region, report: ConnectionReport) -> QWidget:
        icon, role = ("check", "success") if report.ok else ("ban", "muted")
        said = "Key accepted" if report.ok else report.error.title if report.error else "Refused"
        line = QWidget()
        name = PlainLabel(region.title, role="heading")
        words = PlainLabel(f"{said}, {report.duration_ms:,} ms")
        line.setLayout(row(IconView(self._theme, icon, role), name, 0, words, margin=14, gap=12))
        return line

    # -- keeping it

    def _save(self) -> None:
        self._do(self._run_save(), self.save)

    async def _run_save(self) -> None:
        if self._found is None:
            return
        try:
            await self._client.accounts.add(self._draft(self._found), self._tried[1])
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
            if error.code in STORE_CODES:
                await self._open_store(self._save)
            return
        self.forget()
        self.answer.hide()
        self._go(2, "Your account is ready")
        self.files.setFocus()

    def _choose_store(self) -> None:
        self._tasks.start(self._open_store(self._save))

    async def _open_store(self, then: Callable[[], object]) -> None:
        status = await self._client.keys.status()
        dialog = KeyStoreDialog(self, self._theme, self._client, self._tasks, status)
        dialog.settled.connect(then)
        dialog.open()
        self.key_store = dialog

    # -- the first file

    def _make_file_page(self, on_files: Callable[[], object]) -> None:
        theme = self._theme
        self.files = Button(
            theme, "&Choose files…", lambda: self._leave(on_files), kind="primary", icon="plus"
        )
        done = Button(theme, "&Done", self.close)
        head = row(0, IconView(theme, "upload", "accent", 48), 0)
        text = centred(PlainLabel(_READY, role="muted", wrap=True))
        self._add_page(column(0, head, text, 0, row(done, 0, self.files), gap=16))

    def forget(self) -> None:
        """The key goes."""
        self.key.forget()
        self._tried = (self._provider, "")

    def _leave(self, then: Callable[[], object]) -> None:
        self.close()
        then()

    def _add_page(self, layout: Any) -> None:
        page = QWidget()
        layout.setContentsMargins(0, 0, 0, 0)
        page.setLayout(layout)
        self.pages.addWidget(page)

    def _go(self, place: int, title: str) -> None:
        self.pages.setCurrentIndex(place)
        self.title.setText(title)
        self.step.setText(f"Step {place + 1} of {len(STEPS)}: {STEPS[place]}")

    def _do(self, work: Coroutine[Any, Any, None], button: Button) -> None:
        self._tasks.start(self._perform(work, button))

    async def _perform(self, work: Coroutine[Any, Any, None], button: Button) -> None:
        button.setEnabled(False)
        try:
            await work
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
        finally:
            self.pages.setEnabled(True)
            button.setEnabled(True)
            self._enable()


def _exclusive(parent: QWidget, buttons: list[Button]) -> None:
    """Only one of them is chosen, for as long as the parent lives."""
    group = QButtonGroup(parent)
    for button in buttons:
        button.setCheckable(True)
        group.addButton(button)


def _is_refused(tried: tuple[Region, ConnectionReport]) -> bool:
    error = tried[1].error
    return error is not None and EngineError(ErrorCode(error.code)).outcome is Outcome.AUTH


def _facts(report: ConnectionReport) -> str:
    files = "" if report.files is None else f"{report.files:,} files at the provider. "
    balance = "" if report.balance is None else f"Balance: {report.balance}."
    return f"{files}{balance}".strip()


def _hint(reports: Sequence[tuple[Region, ConnectionReport]]) -> str:
    errors = [report.error for _, report in reports if report.error is not None]
    hints = dict.fromkeys(f"{error.title}: {error.hint}" for error in errors)
    return "\n".join(hints)
