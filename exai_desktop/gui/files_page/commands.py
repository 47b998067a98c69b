"""What the user does to files at the providers: each command is a coroutine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.copies.models import VALID_STATES, Copy, CopyState, RemoteListing
from exai_desktop.core.copies.queries import COPY_WORDS, id_facts
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.files_page.history_commands import HistoryCommands, check_ids
from exai_desktop.gui.notices.delayed_deletion import DelayedDeletion
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.copy_line import copy_text
from exai_desktop.gui.widgets.row_table import MOST_LISTED
from exai_desktop.gui.widgets.slot_tasks import SlotTasks
from exai_desktop.gui.widgets.text_dialogs import TextDialog

C = CopyState


class FileAction(StrEnum):
    SHOW_TEXT = "show_text"
    IMPORT = "import"
    DELETE = "delete"
    COPY_ID = "copy_id"


_STATES: Final[dict[FileAction, frozenset[CopyState]]] = {
    FileAction.SHOW_TEXT: frozenset({C.PRESENT, C.FOREIGN}),
    FileAction.IMPORT: frozenset({C.FOREIGN}),
    FileAction.DELETE: frozenset({C.PRESENT, C.DELETING}),
    FileAction.COPY_ID: frozenset(C),
}


def fits(action: FileAction, copy: Copy, table: ProviderTable) -> bool:
    """Whether the command makes sense for this file now."""
    if action is FileAction.SHOW_TEXT and not table.gives_text(copy.provider, copy.purpose):
        return False
    return copy.state in _STATES[action]


async def _nothing() -> list[Copy]:
    return []


class FilesCommands:
    """Between keys and buttons of the page on one side and the engine on the other."""

    def __init__(
        self,
        window: QWidget,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        notices: NoticeBar,
        deletions: DelayedDeletion,
    ) -> None:
        self._window = window
        self._theme = theme
        self.table = table
        self._client = client
        self._tasks = tasks
        self._notices = notices
        self._deletions = deletions
        # The page tells which files are meant, and looks again when something has changed.
        self.selection: Callable[[], Awaitable[list[Copy]]] = _nothing
        self.selected_count: Callable[[], int] = lambda: 0
        self.on_change: Callable[[], object] = lambda: None

    def for_history(self) -> HistoryCommands:
        """Those of the page's second view."""
        return HistoryCommands(
            self._window, self._theme, self.table, self._client, self._tasks, self._notices
        )

    def perform(self, action: FileAction) -> None:
        """Do this to every selected file it fits."""
        self._tasks.start(self._perform(action))

    async def _perform(self, action: FileAction) -> None:
        if self.selected_count() > MOST_LISTED:
            text = f"Select at most {MOST_LISTED:,} for this."
            self._notices.show_notice("Too many files are selected", text, Tone.CARE)
            return
        meant = [c for c in await self.selection() if fits(action, c, self.table)]
        if not meant:
            return
        match action:
            case FileAction.SHOW_TEXT:
                text = await self._client.files.text(meant[0].id)
                title = f"Text of {meant[0].remote_name}"
                TextDialog(self._window, self._theme, title, text).open()
            case FileAction.IMPORT:
                await self._import(meant)
            case FileAction.DELETE:
                orders = {("file", c.id): partial(self._client.files.delete, c.id) for c in meant}
                entries = await self._client.entries_of((c.account, c.remote_id) for c in meant)
                self._deletions.add(orders, self.on_change, entries=entries)
            case FileAction.COPY_ID:
                await self._copy_ids(meant)

    async def _copy_ids(self, copies: Sequence[Copy]) -> None:
        """An id that works no more is not given out: what is old is asked for first."""
        there = [copy for copy in copies if copy.state in VALID_STATES]
        known = [(copy.id, copy.account, id_facts(copy)) for copy in there]
        failure = await check_ids(self._client, known)
        if there:
            copies = [(await self._client.files.file(copy.id)).copy for copy in copies]
            self.on_change()
        ids = [copy.remote_id for copy in copies if copy.state in VALID_STATES]
        gone = [copy for copy in copies if copy.state not in VALID_STATES]
        if not ids:
            detail = f"{gone[0].remote_id}: {COPY_WORDS[gone[0].state]}"
            self._notices.show_error(ErrorView.of_code(ErrorCode.FILE_GONE, detail))
            return
        copy_text("\n".join(ids))
        title = f"{count_text(len(ids), 'file ID', 'file IDs')} copied"
        left_out = f"{count_text(len(gone), 'ID', 'IDs')} left out: no longer valid."
        unchecked = f"Not checked first: {failure.title}." if failure else ""
        tone = Tone.CARE if failure else Tone.GOOD
        self._notices.show_notice(title, f"{left_out if gone else ''} {unchecked}".strip(), tone)

    async def _import(self, copies: Sequence[Copy]) -> None:
        imported = 0
        for account in dict.fromkeys(copy.account for copy in copies):
            ids = [copy.remote_id for copy in copies if copy.account == account]
            report = await self._client.files.import_foreign(account, ids)
            imported += len(report.imported)
            for error in report.errors:
                self._notices.show_error(error)
        self.on_change()
        if imported:
            title = f"{count_text(imported, 'file', 'files')} imported"
            text = "Their content is unknown: they never replace an upload from here."
            self._notices.show_notice(title, text, Tone.GOOD)

    async def refresh(self, accounts: Sequence[str]) -> None:
        """Ask the providers of these accounts what lies there, and say what was found."""
        listings: list[RemoteListing] = []
        for account in accounts:
            listings += await self._client.accounts.reconcile(account)
            self.on_change()
        failed = [listing for listing in listings if listing.error is not None]
        if failed and failed[0].error is not None:
            self._notices.show_error(failed[0].error)
            return
        gone = sum(len(x.missing) + len(x.expired) + len(x.damaged) for x in listings)
        others = sum(len(x.foreign) for x in listings)
        parts = [f"{count_text(sum(x.present for x in listings), 'file', 'files')} found"]
        parts += [f"{others:,} not uploaded by this app"] if others else []
        parts += [f"{gone:,} missing, expired or with a different size"] if gone else []
        tone = Tone.CARE if gone else Tone.GOOD
        self._notices.show_notice("The lists are up to date", ", ".join(parts) + ".", tone)
