"""The accounts: what each holds and how it is, a test, and the form for another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from exai_desktop.core.accounts.accounts import Account, AccountStatus
from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.accounts.secret_store import STORE_CODES
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.accounts.account_form import AccountForm
from exai_desktop.gui.accounts.change_dialog import ChangeDialog
from exai_desktop.gui.accounts.key_store_dialog import KeyStoreDialog
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel, PlainQuestion
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import clock_text, count_text, place_text, size_text
from exai_desktop.gui.widgets.card_list import CardList
from exai_desktop.gui.widgets.controls import Button, Card, IconView, column, restyle, row
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.secret_dialog import SecretDialog
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

NO_ACCOUNT = (
    "No account yet. An account is an API key for one provider in one region. The key is stored"
    " in this computer's keyring and sent only to that provider."
)


class AccountCard(Card):
    """One account with its state and its commands."""

    def __init__(
        self,
        theme: Theme,
        table: ProviderTable,
        status: AccountStatus,
        on_test: Callable[[AccountCard], object],
        on_change: Callable[[AccountCard], object],
        on_remove: Callable[[AccountCard], object] | None,
    ) -> None:
        super().__init__()
        self.name = status.account.name
        self._status: AccountStatus | None = None
        self.setAccessibleName(f"Account {self.name}")
        where = place_text(table, status.account.provider, status.account.region)
        head = row(
            IconView(theme, "server", "muted"),
            column(ElidedLabel(self.name, role="heading"), ElidedLabel(where, role="label"), gap=2),
            gap=12,
        )
        head.setStretch(1, 1)
        self.test = Button(theme, "Test", lambda: on_test(self), name=f"Test {self.name}")
        head.addWidget(self.test)
        self.change: Button | None = None
        if on_remove is not None:
            self.change = Button(
                theme, "Change…", lambda: on_change(self), name=f"Change {self.name}"
            )
            head.addWidget(self.change)
            remove = Button(
                theme, "", lambda: on_remove(self), icon="trash", kind="icon",
                name=f"Remove {self.name}",
            )  # fmt: skip
            head.addWidget(remove)
        self.result = ResultLine(theme)
        self._state = PlainLabel(wrap=True)
        self.setLayout(column(head, self._state, self.result, margin=16))
        self.show_status(status)

    @property
    def account(self) -> Account:
        assert self._status is not None
        return self._status.account

    def show_status(self, status: AccountStatus) -> None:
        """Bring the line up to date; the result of a test stays."""
        if status != self._status:
            self._status = status
            is_well = status.problem is None and status.breaker.phase is Phase.CLOSED
            restyle(self._state, "role", "muted" if is_well else "warning")
            self._state.setText(state_text(status))


def state_text(status: AccountStatus) -> str:
    """The problem if there is one, else what the account holds and does."""
    if status.problem is not None:
        return f"{status.problem.title}. {status.problem.hint}"
    if status.same_as:
        return f"Same account as {status.same_as}: its files are sent and listed there"
    parts = [f"{count_text(status.files, 'file', 'files')}, {size_text(status.bytes)}"]
    parts += [f"{status.sending:,} sending"] if status.sending else []
    parts += [f"{status.waiting:,} waiting"] if status.waiting else []
    if status.breaker.phase is Phase.OPEN:
        parts.insert(
            0, f"Paused after {count_text(status.breaker.failures, 'failure', 'failures')} in a row"
        )
    elif status.breaker.phase is Phase.HALF_OPEN:
        parts.insert(0, "Being retried")
    if status.paused_until:
        parts.append(f"paused until {clock_text(status.paused_until)}")
    if status.transport is not None and status.transport.note:
        parts.append(f"transport {status.transport.name} ({status.transport.note})")
    return "  ·  ".join(parts)


class AccountsDialog(SecretDialog):
    """Opened with `open()`; every command is a coroutine, the result is shown in place."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        *,
        on_real_account: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(parent, tasks)
        self._theme = theme
        self._table = table
        self._client = client
        self._is_sandbox = on_real_account is not None
        self.key_store: KeyStoreDialog | None = None
        self.setWindowTitle("Accounts")
        self.form = AccountForm(theme, table, self._test_draft, self._save)
        self.form.setVisible(not self._is_sandbox)
        self._list = CardList("List of accounts", gap=8)
        list_side = self._list_side(on_real_account)
        layout = row(list_side, self.form, margin=24, gap=24)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.form.setMinimumWidth(400)
        self.form.setMaximumWidth(480)
        self.resize(480 if self._is_sandbox else 920, 600)
        self._tasks.start(self._load())

    @property
    def cards(self) -> list[AccountCard]:
        """The accounts that are shown."""
        return [card for card in self._list.widgets if isinstance(card, AccountCard)]

    def show_accounts(self, statuses: Sequence[AccountStatus]) -> None:
        """The newest state of all accounts."""
        by_name = {status.account.name: status for status in statuses}
        on_remove = None if self._is_sandbox else self._ask_remove

        def card(name: str) -> AccountCard:
            return AccountCard(
                self._theme, self._table, by_name[name], self._test, self._change, on_remove
            )

        self._list.show_keys(
            list(by_name), card, lambda: PlainLabel(NO_ACCOUNT, role="muted", wrap=True)
        )
        for shown in self.cards:
            shown.show_status(by_name[shown.name])
        self.form.know_names(frozenset(by_name))

    def forget(self) -> None:
        """The key goes."""
        self.form.key.forget()

    def _list_side(self, on_real_account: Callable[[], object] | None) -> QWidget:
        close = Button(self._theme, "&Close", self.close)
        foot = row(close, 0)
        if on_real_account is None:
            foot.addWidget(Button(self._theme, "&Key store…", self._show_key_store))
        else:
            real = Button(
                self._theme, "Add a real account…", on_real_account, kind="primary", icon="key"
            )
            foot.addWidget(real)
        side = QWidget()
        side.setLayout(column(PlainLabel("Accounts", role="title"), self._list.area, foot, gap=12))
        return side

    async def _load(self) -> None:
        self.show_accounts(await self._client.accounts.all())

    def _test(self, card: AccountCard) -> None:
        self._tasks.start(self._run_test(card))

    async def _run_test(self, card: AccountCard) -> None:
        card.result.show_waiting()
        try:
            card.result.show_report(await self._client.accounts.test(card.name))
        except AppError as error:
            card.result.show_error(ErrorView.of(error))

    def _change(self, card: AccountCard) -> None:
        dialog = ChangeDialog(
            self,
            self._theme,
            self._table,
            self._client,
            self._tasks,
            card.account,
            lambda: self._tasks.start(self._load()),
        )
        dialog.open()

    def _test_draft(self) -> None:
        self._tasks.start(self._run_test_draft())

    async def _run_test_draft(self) -> None:
        self.form.result.show_waiting()
        try:
            key = self.form.key.text().strip()
            report = await self._client.accounts.test_draft(self.form.draft, key)
        except AppError as error:
            self.form.result.show_error(ErrorView.of(error))
            return
        self.form.show_report(report)

    def _save(self) -> None:
        self._tasks.start(self._run_save())

    async def _run_save(self) -> None:
        draft, key = self.form.draft, self.form.key.text().strip()
        self.form.save.setEnabled(False)
        try:
            await self._client.accounts.add(draft, key)
        except AppError as error:
            self.form.result.show_error(ErrorView.of(error))
            self.form.save.setEnabled(True)
            if error.code in STORE_CODES:
                await self._open_key_store(self._save)
            return
        self.form.reset()
        await self._load()

    async def _open_key_store(self, then: Callable[[], object]) -> None:
        """What to do with keys that have no place; `then` goes on when they have one."""
        status = await self._client.keys.status()
        dialog = KeyStoreDialog(self, self._theme, self._client, self._tasks, status)
        dialog.settled.connect(then)
        dialog.open()
        self.key_store = dialog

    def _show_key_store(self) -> None:
        self._tasks.start(self._open_key_store(lambda: self._tasks.start(self._load())))

    def _ask_remove(self, card: AccountCard) -> None:
        question = PlainQuestion(
            "Remove this account?",
            f"{card.name}: its key is deleted from this computer. Files at the provider are kept.",
            "Remove",
            self,
        )
        question.accepted.connect(lambda: self._tasks.start(self._run_remove(card)))
        question.open()

    async def _run_remove(self, card: AccountCard) -> None:
        try:
            await self._client.accounts.remove(card.name)
        except AppError as error:
            card.result.show_error(ErrorView.of(error))
            return
        await self._load()
