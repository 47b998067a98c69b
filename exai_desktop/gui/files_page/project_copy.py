"""In the details of a file: its copy in Storage of the user's project, and what to do with it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from exai_desktop.core.copies.models import Copy
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.mirror.storage_copies import StorageCopy, StorageState
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import PlainLabel, PlainQuestion
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import size_text
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

S = StorageState

_WORDS: Final = {
    S.WAITING: "Waits to be copied",
    S.COPIED: "Copied",
    S.REFUSED: "Refused",
    S.DELETING: "Is being deleted",
}


class ProjectCopyBox(QWidget):
    """Hidden where no copy is made and none is known: nobody is signed in, or copies are off."""

    def __init__(self, theme: Theme, client: EngineClient, tasks: SlotTasks) -> None:
        super().__init__()
        self._client = client
        self._tasks = tasks
        self._copy: Copy | None = None
        self._row: StorageCopy | None = None
        self.question: PlainQuestion | None = None
        self.state = PlainLabel(wrap=True)
        self.make = Button(theme, "Copy to &project", self._make, icon="send")
        self.save = Button(theme, "&Save as…", self._choose, icon="files")
        self.delete = Button(theme, "Delete cop&y…", self._ask, icon="trash", kind="danger")
        self.answer = ResultLine(theme)
        head = PlainLabel("Copy in your Supabase project", role="muted")
        buttons = row(self.make, self.save, self.delete, 0, gap=8)
        self.setLayout(column(head, self.state, buttons, self.answer, gap=8))
        self.hide()

    @property
    def sha256(self) -> str:
        """The content that is shown, "" for none."""
        return self._copy.sha256 if self._copy else ""

    def show_copy(self, copy: Copy) -> None:
        """Another file is selected, or the same one anew."""
        if self._copy is None or self._copy.id != copy.id:
            self.hide()
            self.answer.hide()
        self._copy = copy
        if copy.sha256:
            self.read()

    def read(self) -> None:
        """Ask the record how the copy of the shown file stands."""
        if self.sha256:
            self._tasks.start(self._read(self.sha256))

    async def _read(self, sha256: str) -> None:
        status = await self._client.storage.status()
        rows = await self._client.storage.rows(sha256=(sha256,))
        if sha256 == self.sha256:
            self._show(rows[0] if rows else None, is_on=status.is_on)

    def _show(self, found: StorageCopy | None, *, is_on: bool) -> None:
        self._row = found
        state = found.state if found else None
        self.state.setText(words_of(found))
        can_make = is_on and self._copy is not None and self._copy.job_id is not None
        self.make.setVisible(can_make and state in (None, S.REFUSED))
        for button in (self.save, self.delete):
            button.setVisible(state is S.COPIED)
        self.setVisible(is_on or found is not None)

    def _make(self) -> None:
        copy = self._copy
        if copy is not None and copy.job_id is not None:
            self._do(self._made(copy.job_id))

    async def _made(self, job_id: int) -> str:
        await self._client.storage.copy((job_id,))
        return ""

    def _choose(self) -> None:
        if self._copy is None:
            return
        dialog = QFileDialog(self, "Save the copy as")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAccessibleName("Save the copy as")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        # Nothing is replaced: the engine refuses a name that is taken, and says so.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.selectFile(self._copy.remote_name)
        sha256 = self.sha256  # whatever is selected when the name has been chosen
        dialog.fileSelected.connect(lambda file: self.save_to(file, sha256))
        dialog.open()

    def save_to(self, file: str, sha256: str) -> None:
        """The user has chosen this new file for this content."""
        self._do(self._saved(sha256, file))

    async def _saved(self, sha256: str, file: str) -> str:
        size = await self._client.storage.fetch(sha256, file)
        return f"Saved: {size_text(size)}, {file}"

    def _ask(self) -> None:
        self.question = PlainQuestion(
            "Delete the copy in your project?",
            "Only the copy in your Supabase project is deleted. The file at the provider stays.",
            "Delete copy",
            self,
        )
        sha256 = self.sha256  # whatever is selected when the answer comes
        self.question.accepted.connect(lambda: self._do(self._deleted(sha256)))
        self.question.open()

    async def _deleted(self, sha256: str) -> str:
        await self._client.storage.delete(sha256)
        return "The copy in your project was deleted."

    def _do(self, work: Coroutine[Any, Any, str]) -> None:
        self._tasks.start(self._perform(work, self.sha256))

    async def _perform(self, work: Coroutine[Any, Any, str], sha256: str) -> None:
        buttons = (self.make, self.save, self.delete)
        for button in buttons:
            button.setEnabled(False)
        try:
            said = await work
        except AppError as error:
            if sha256 == self.sha256:
                self.answer.show_error(ErrorView.of(error))
        else:
            if said and sha256 == self.sha256:
                self.answer.show_good(said)
        finally:
            for button in buttons:
                button.setEnabled(True)
        self.read()


def words_of(found: StorageCopy | None) -> str:
    """How the copy stands, with the reason of a refusal and the next step."""
    if found is None:
        return "Not copied"
    if found.state is S.COPYING:
        return f"Is being copied, {found.percent} %"
    if not found.code:
        return _WORDS[found.state]
    error = ErrorView.of_code(found.code, found.detail)
    detail = f" ({error.detail})" if error.detail else ""
    return f"{_WORDS[found.state]}: {error.title}{detail}. {error.hint}"
