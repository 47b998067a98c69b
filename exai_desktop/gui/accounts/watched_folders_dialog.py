"""Watched folders: their state, and the way to add, change, pause and remove them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.watched_folders import WatchOptions, WatchStatus
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.accounts.watch_card import CardOrders, WatchCard
from exai_desktop.gui.accounts.watch_form import WatchForm
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.engine.thread import EngineStoppedError
from exai_desktop.gui.style.plain_text import PlainLabel, PlainQuestion
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.card_list import CardList
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

EVERY_MS: Final = 2_000
NONE: Final = "No watched folders. Add one: its files are then sent without a drop."
_NOTE: Final = (
    "New and changed files in these folders are sent automatically while the program runs, each"
    " content once. Questions about a file wait for you in the queue."
)


class WatchedFoldersDialog(QDialog):
    """Opened with `open()`; brought up to date while it is seen."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._table = table
        self._client = client
        self._tasks = tasks
        self._accounts: Sequence[AccountStatus] = ()
        self._is_reading = False
        self.cards: dict[str, WatchCard] = {}
        self.form: WatchForm | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Watched folders")
        self._list = CardList("Watched folders", gap=8)
        self.answer = ResultLine(theme)
        self.add = Button(theme, "&Add a folder…", self._choose, icon="folder")
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.look)
        close = Button(theme, "C&lose", self.close, kind="primary")
        note = PlainLabel(_NOTE, role="muted", wrap=True)
        head = column(PlainLabel("Watched folders", role="title"), note, gap=4)
        foot = row(self.add, 0, close)
        self.setLayout(column(head, self._list.area, self.answer, foot, margin=24, gap=16))
        self.resize(720, 560)

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks."""
        super().showEvent(event)
        self.look()
        self._timer.start()
        self.add.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def look(self) -> None:
        """Ask the engine how they are."""
        if not self._is_reading:
            self._tasks.start(self._read())

    async def _read(self) -> None:
        self._is_reading = True
        try:
            self._accounts = await self._client.accounts.all()
            self.show_folders(await self._client.watched.all())
        except (AppError, EngineStoppedError):
            return  # the engine or its record is away; the next look is soon
        finally:
            self._is_reading = False

    def show_folders(self, folders: Sequence[WatchStatus]) -> None:
        """The newest state; cards stay as long as their folders do."""
        found = {str(status.folder.id): status for status in folders}
        if found.keys() != self.cards.keys():
            self.cards = {}
        self._list.show_keys(
            list(found),
            lambda key: self._card(found[key]),
            lambda: PlainLabel(NONE, role="muted", wrap=True),
        )
        for key, status in found.items():
            self.cards[key].show_status(status)

    def _card(self, status: WatchStatus) -> WatchCard:
        which = str(status.folder.id)
        watched = self._client.watched
        card = WatchCard(
            self._theme,
            status.folder.path,
            CardOrders(
                edit=lambda: self._edit(which),
                pause=lambda: self._order(lambda: watched.pause(which)),
                resume=lambda: self._order(lambda: watched.resume(which)),
                accept=lambda: self._order(lambda: watched.resume(which, is_same=True)),
                skipped=lambda: self._tasks.start(self._show_skipped(which)),
                remove=lambda: self._order(lambda: watched.remove(which)),
            ),
        )
        self.cards[which] = card
        return card

    # -- orders

    def _order(self, call: Callable[[], Awaitable[object]]) -> None:
        self._tasks.start(self._run(call))

    async def _run(self, call: Callable[[], Awaitable[object]]) -> None:
        self.answer.hide()
        try:
            await call()
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
        self.show_folders(await self._client.watched.all())

    async def _show_skipped(self, which: str) -> None:
        from exai_desktop.gui.accounts.skipped_dialog import SkippedDialog  # late, as dialogs are

        self.answer.hide()
        try:
            found = await self._client.watched.skipped(which)
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
            return
        card = self.cards.get(which)
        if card is not None:  # removed meanwhile
            SkippedDialog(self, self._theme, card.path, found).open()

    def _choose(self) -> None:
        dialog = QFileDialog(self, "A folder to watch")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.add_folder)
        dialog.open()

    def add_folder(self, folder: str) -> None:
        """Ask how it is to be watched."""
        self._open_form(folder, None)

    def _edit(self, which: str) -> None:
        self._open_form(self.cards[which].path, which)

    def _open_form(self, folder: str, which: str | None) -> None:
        status = self.cards[which].status if which else None
        options = status.folder.options if status else WatchOptions()
        form = WatchForm(self, self._theme, self._table, self._accounts, folder, options, which)
        form.saved.connect(lambda: self._tasks.start(self._save(form)))
        form.finished.connect(self._forget_form)
        self.form = form
        form.open()

    def _forget_form(self) -> None:
        self.form = None

    async def _save(self, form: WatchForm, *, is_confirmed: bool = False) -> None:
        try:
            if form.which is not None:
                await self._client.watched.edit(form.which, form.options)
            else:
                await self._client.watched.add(
                    form.folder, form.options, only_new=form.only_new, is_confirmed=is_confirmed
                )
        except AppError as error:
            if error.code is ErrorCode.WATCH_TOO_WIDE:
                self._confirm(form, error)
            else:
                form.answer.show_error(ErrorView.of(error))
            return
        form.accept()
        self.show_folders(await self._client.watched.all())

    def _confirm(self, form: WatchForm, error: AppError) -> None:
        text = f"{error.detail} would be watched with everything in it. Is that what you want?"
        question = PlainQuestion(error.title, text, "Watch all of it", form)
        question.accepted.connect(lambda: self._tasks.start(self._save(form, is_confirmed=True)))
        question.open()
