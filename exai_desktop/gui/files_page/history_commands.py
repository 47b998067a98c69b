"""What the user does with files of the history: each command is a coroutine."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import PurePath
from typing import Final

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from exai_desktop.core.copies.lights import IdFacts, is_stale
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.history import HistoryKind, HistoryQuery, PastFile
from exai_desktop.core.jobs.receipts import ReceiptForm
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.plain_text import PlainQuestion
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.copy_line import copy_text
from exai_desktop.gui.widgets.row_table import MOST_LISTED
from exai_desktop.gui.widgets.slot_tasks import SlotTasks
from exai_desktop.gui.widgets.text_dialogs import TextDialog

# So many are asked for one by one; of more the whole list of the account is cheaper.
_ONE_BY_ONE: Final = 20


class HistoryAction(StrEnum):
    COPY_ID = "copy_id"
    CHECK = "check"
    REVEAL = "reveal"
    SHOW_TEXT = "show_text"
    THIS_BATCH = "this_batch"
    AS_TABLE = "as_table"
    AS_JSON = "as_json"
    AS_PYTHON = "as_python"
    AS_CURL = "as_curl"
    SAVE_CSV = "save_csv"
    SAVE_JSON = "save_json"
    FORGET = "forget"


A = HistoryAction
_SNIPPETS: Final[dict[HistoryAction, tuple[ReceiptForm, str]]] = {
    A.AS_TABLE: (ReceiptForm.TABLE, "a table"),
    A.AS_JSON: (ReceiptForm.JSON, "JSON"),
    A.AS_PYTHON: (ReceiptForm.PYTHON, "Python"),
    A.AS_CURL: (ReceiptForm.CURL, "curl"),
}
_SAVED: Final = {A.SAVE_CSV: (ReceiptForm.CSV, "csv"), A.SAVE_JSON: (ReceiptForm.REPORT, "json")}
# Without a selection, or with one file only, these are for all that the list shows.
_OF_ALL: Final = frozenset(_SAVED)
_ONE: Final = frozenset({A.REVEAL, A.SHOW_TEXT, A.THIS_BATCH})


def fits(action: HistoryAction, file: PastFile, table: ProviderTable) -> bool:
    """Whether the command makes sense for this file."""
    match action:
        case A.COPY_ID | A.AS_TABLE | A.AS_JSON | A.AS_PYTHON | A.AS_CURL:
            return file.kind is HistoryKind.SENT
        case A.CHECK:
            return file.copy_id is not None
        case A.SHOW_TEXT:
            gives = table.gives_text(file.provider or "", file.purpose or "")
            return file.kind is HistoryKind.SENT and file.copy_id is not None and gives
        case A.FORGET:
            return file.cleared_at is not None
    return True


async def check_ids(
    client: EngineClient, files: Iterable[tuple[int | None, str | None, IdFacts | None]]
) -> ErrorView | None:
    """Ask the providers for ids that nobody has looked at of late; each is a number of the record,
    an account and what is known. Returns why it could not be done, if it could not."""
    now = time.time()
    old = {
        number: account
        for number, account, facts in files
        if number is not None and facts is not None and is_stale(facts, now)
    }
    try:
        if len(old) > _ONE_BY_ONE:
            for account in dict.fromkeys(filter(None, old.values())):
                await client.accounts.reconcile(account)
        else:
            for number in old:
                await client.files.check(number)
    except AppError as error:
        return ErrorView.of(error)
    return None


async def _nothing() -> list[PastFile]:
    return []


class HistoryCommands:
    """Between keys and buttons of the history on one side and the engine on the other."""

    def __init__(
        self,
        window: QWidget,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        notices: NoticeBar,
    ) -> None:
        self._window = window
        self._theme = theme
        self.table = table
        self._client = client
        self._tasks = tasks
        self._notices = notices
        self.question: PlainQuestion | None = None
        # The page tells which files are meant, and looks again when something has changed.
        self.selection: Callable[[], Awaitable[list[PastFile]]] = _nothing
        self.selected_count: Callable[[], int] = lambda: 0
        self.shown: Callable[[], HistoryQuery] = HistoryQuery
        self.on_change: Callable[[], object] = lambda: None
        self.show_batch: Callable[[int], object] = lambda _batch: None

    def perform(self, action: HistoryAction) -> None:
        """Do this to every selected file it fits."""
        self._tasks.start(self._perform(action))

    async def _perform(self, action: HistoryAction) -> None:
        if action in _OF_ALL and self.selected_count() <= 1:
            self._choose_file(*_SAVED[action], self.shown())
            return
        if self.selected_count() > MOST_LISTED:
            text = f"Select at most {MOST_LISTED:,} for this."
            self._notices.show_notice("Too many files are selected", text, Tone.CARE)
            return
        selected = await self.selection()
        meant = [file for file in selected if fits(action, file, self.table)]
        if meant and action in _ONE:
            await self._perform_on_one(action, meant)
        elif meant:
            await self._perform_on(action, meant)
        elif action is A.COPY_ID and selected:
            self._say_gone(selected)

    async def _perform_on_one(self, action: HistoryAction, files: Sequence[PastFile]) -> None:
        if len(files) > 1:
            return
        match action:
            case A.SHOW_TEXT:
                await self._show_text(files[0])
            case A.REVEAL:
                self._reveal(files[0])
            case _:
                self.show_batch(files[0].batch_id)

    async def _perform_on(self, action: HistoryAction, files: Sequence[PastFile]) -> None:
        query = HistoryQuery(ids=tuple(file.id for file in files))
        match action:
            case A.COPY_ID:
                await self._copy_ids(files)
            case A.CHECK:
                await self._check(files)
            case A.FORGET:
                self._ask_forget(files)
            case A.SAVE_CSV | A.SAVE_JSON:
                self._choose_file(*_SAVED[action], query)
            case _:
                await self._copy_snippet(query, *_SNIPPETS[action])

    async def _now(self, files: Sequence[PastFile]) -> list[PastFile]:
        """The same files as the record has them now."""
        query = HistoryQuery(ids=tuple(file.id for file in files), limit=len(files))
        return list((await self._client.history.page(query)).rows)

    async def _copy_ids(self, files: Sequence[PastFile]) -> None:
        """An id that works no more is not given out: what is old is asked for first."""
        known = [(file.copy_id, file.account, file.id_facts) for file in files]
        failure = await check_ids(self._client, known)
        now = await self._now(files)
        ids = [file.file_id or "" for file in now if file.kind is HistoryKind.SENT]
        gone = [file for file in now if file.kind is HistoryKind.GONE]
        self.on_change()
        if not ids:
            self._say_gone(gone)
            return
        copy_text("\n".join(dict.fromkeys(ids)))
        title = f"{count_text(len(set(ids)), 'file ID', 'file IDs')} copied"
        parts = [f"{count_text(len(gone), 'file', 'files')} left out: gone at the provider."]
        parts = parts if gone else []
        if failure is not None:
            parts.append(f"Not checked first: {failure.title}.")
        tone = Tone.CARE if parts else Tone.GOOD
        self._notices.show_notice(title, " ".join(parts), tone)

    def _say_gone(self, files: Sequence[PastFile]) -> None:
        gone = [file for file in files if file.kind is HistoryKind.GONE]
        if gone:
            detail = f"{gone[0].file_id}: {gone[0].name}"
            self._notices.show_error(ErrorView.of_code(ErrorCode.FILE_GONE, detail))
            return
        text = "Files that failed, were refused or cancelled never got one."
        self._notices.show_notice("No selected file has an ID", text, Tone.CARE)

    async def _check(self, files: Sequence[PastFile]) -> None:
        """Now, however short ago somebody has looked."""
        old = [(file.copy_id, file.account, IdFacts(None)) for file in files]
        failure = await check_ids(self._client, old)
        self.on_change()
        if failure is not None:
            self._notices.show_error(failure)
            return
        gone = sum(file.kind is HistoryKind.GONE for file in await self._now(files))
        title = f"{count_text(len(files), 'file', 'files')} checked at the provider"
        text = f"{gone:,} gone." if gone else "All are there."
        self._notices.show_notice(title, text, Tone.CARE if gone else Tone.GOOD)

    async def _show_text(self, file: PastFile) -> None:
        assert file.copy_id is not None
        text = await self._client.files.text(file.copy_id)
        TextDialog(self._window, self._theme, f"Text of {file.name}", text).open()

    def _reveal(self, file: PastFile) -> None:
        folder = str(PurePath(file.path).parent)
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(folder)):
            self._notices.show_notice("The folder could not be opened", file.folder, Tone.CARE)

    async def _copy_snippet(self, query: HistoryQuery, form: ReceiptForm, word: str) -> None:
        texts, files = [], 0
        after: int | None = None
        while True:
            piece = await self._client.history.text(query, form, after)
            texts.append(piece.text)
            files += piece.files
            if piece.last is None:
                break
            after = piece.last
        copy_text("".join(texts))
        title = f"{count_text(files, 'file ID', 'file IDs')} copied as {word}"
        self._notices.show_notice(title, "No key is in the text.", Tone.GOOD)

    def _choose_file(self, form: ReceiptForm, ending: str, query: HistoryQuery) -> None:
        dialog = QFileDialog(self._window, "Save the history")
        dialog.setAccessibleName("Save the history")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix(ending)
        dialog.selectFile(f"History.{ending}")
        dialog.fileSelected.connect(partial(self.save_to, form, query))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_to(self, form: ReceiptForm, query: HistoryQuery, file: str) -> None:
        """The user has chosen this file; the engine writes it."""
        self._tasks.start(self._save(form, replace(query, offset=0), file))

    async def _save(self, form: ReceiptForm, query: HistoryQuery, file: str) -> None:
        files = await self._client.history.save(query, form, file)
        title = f"{count_text(files, 'file', 'files')} written"
        self._notices.show_notice(title, file, Tone.GOOD)

    def _ask_forget(self, files: Sequence[PastFile]) -> None:
        self.question = PlainQuestion(
            f"Delete {count_text(len(files), 'entry', 'entries')} of the history for good?",
            "This cannot be undone. Files at the providers stay; the audit trail, snapshots and"
            " backups still have the names.",
            "&Delete for good",
            self._window,
        )
        self.question.accepted.connect(lambda: self._tasks.start(self._forget(files)))
        self.question.open()

    async def _forget(self, files: Sequence[PastFile]) -> None:
        gone = await self._client.history.forget([file.id for file in files])
        self.on_change()
        title = f"{count_text(gone, 'entry', 'entries')} deleted from the history"
        self._notices.show_notice(title, "", Tone.GOOD)
