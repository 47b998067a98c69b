"""All settings: by section, found by words, each saved when its field is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QListWidget, QScrollArea, QVBoxLayout, QWidget

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.settings import Settings, SettingsImport
from exai_desktop.core.settings.imports import SettingChange
from exai_desktop.core.settings.table import (
    AT_ONCE,
    Section,
    SettingInfo,
    settings_table,
    value_text,
)
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import PlainLabel, PlainQuestion
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.controls import Button, Card, SearchBox, column, row
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.slot_tasks import SlotTasks
from exai_desktop.gui.window.setting_row import SettingRow

_LARGEST_BYTES: Final = 1024 * 1024
_NAV_WIDTH: Final = 216
# Rules have a dialog of their own: a line of text is no way to write them.
_ELSEWHERE: Final = "folder_rules"


class SettingsDialog(QDialog):
    """`on_change` is told the settings after each change; `on_rules` opens the folders' rules."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        client: EngineClient,
        tasks: SlotTasks,
        on_change: Callable[[Settings], object],
        on_rules: Callable[[], object],
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Settings")
        self._theme = theme
        self._client = client
        self._tasks = tasks
        self._looks = tasks.group()
        self._is_open = True
        self._on_change = on_change
        self._on_rules = on_rules
        self._infos = tuple(info for info in settings_table() if info.name != _ELSEWHERE)
        self._saved: Settings | None = None
        self._fixed: dict[str, str] = {}
        self.rows: dict[str, SettingRow] = {}
        self.question: PlainQuestion | None = None
        self.search = SearchBox(theme, "Search the settings", "Search")
        self.sections = QListWidget()
        self.title = PlainLabel(role="title")
        self.answer = ResultLine(theme)
        self._card = Card()
        self._list = QVBoxLayout(self._card)
        self._assemble()
        self.resize(960, 680)
        self.search.setFocus()
        self._looks.start(self._load())

    def _assemble(self) -> None:
        theme = self._theme
        self.search.changed.connect(self._show_found)
        self.sections.setAccessibleName("Sections")
        self.sections.addItems([section.value for section in Section])
        self.sections.currentRowChanged.connect(self._show_section)
        self.rules = Button(theme, "&Rules for folders…", self._on_rules, icon="folder")
        self.read_button = Button(theme, "&Import…", self._choose_import, icon="file")
        self.write_button = Button(
            theme, "&Export without keys…", self._choose_export, icon="folder"
        )
        nav = QWidget()
        nav.setFixedWidth(_NAV_WIDTH)
        buttons = (self.rules, self.read_button, self.write_button)
        nav.setLayout(column(self.search, self.sections, *buttons, margin=16, gap=12))
        self._list.setContentsMargins(1, 1, 1, 1)
        self._list.setSpacing(0)
        inner = QWidget()
        inner.setObjectName("scrolled")
        inner.setLayout(column(self._card, 0))
        self._area = area = QScrollArea()
        area.setAccessibleName("Settings of this section")
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inner)
        about = PlainLabel("Most changes take effect at the next start.", role="muted")
        foot = row(about, 0, Button(theme, "C&lose", self.close, kind="primary"))
        main = column(self.title, self.answer, area, foot, margin=24, gap=16)
        whole = row(nav, main, gap=0)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def showEvent(self, event: QShowEvent) -> None:
        """The style is known only now: before it, lines are measured without their margins."""
        super().showEvent(event)
        self.sections.doItemsLayout()

    async def _load(self) -> None:
        self._saved = await self._client.settings.saved()
        self._fixed = await self._client.settings.fixed()
        for each in self.rows.values():
            self._show_value(each)
        if self.sections.currentRow() < 0:
            self.sections.setCurrentRow(0)

    def _show_section(self, place: int) -> None:
        if place < 0:
            return
        section = list(Section)[place]
        self.search.blockSignals(True)
        self.search.clear()
        self.search.blockSignals(False)
        self._show(section.value, [info for info in self._infos if info.section is section])

    def _show_found(self) -> None:
        words = self.search.text().strip()
        if not words:
            self.sections.setCurrentRow(max(self.sections.currentRow(), 0))
            self._show_section(self.sections.currentRow())
            return
        found = [info for info in self._infos if info.fits(words)]
        self.sections.setCurrentRow(-1)
        self._show(f"{count_text(len(found), 'setting', 'settings')} for “{words}”", found)

    def _show(self, title: str, infos: list[SettingInfo]) -> None:
        self.title.setText(title)
        wanted = {info.name for info in infos}
        for info in infos:
            if info.name not in self.rows:
                self.rows[info.name] = self._made(info)
        for name, each in self.rows.items():
            each.setVisible(name in wanted)
        self._card.setVisible(bool(infos))
        self._area.verticalScrollBar().setValue(0)

    def _made(self, info: SettingInfo) -> SettingRow:
        made = SettingRow(self._theme, info, self._change)
        made.setProperty("line", "below")
        self._show_value(made)
        # In the order of the table, whatever was looked at first.
        order = [each.name for each in self._infos]
        before = sum(order.index(name) < order.index(info.name) for name in self.rows)
        self._list.insertWidget(before, made)
        return made

    def _show_value(self, each: SettingRow) -> None:
        if self._saved is not None:
            name = each.info.name
            value = value_text(name, getattr(self._saved, name))
            # An address of the environment may have a password in it.
            each.show_value(redact(value), self._fixed.get(name, ""))

    def _change(self, name: str, value: str) -> None:
        # Escape takes the focus from the field as well: what was half typed is not wanted then.
        if self._is_open:
            self._tasks.start(self._changed(name, value))

    async def _changed(self, name: str, value: str) -> None:
        each = self.rows[name]
        try:
            saved = await self._client.settings.change(name, value)
        except AppError as error:
            if self._is_open:
                self._show_value(each)
                each.show_problem(error.detail.removeprefix(f"{name}: ") or error.title)
            return
        # Also when the dialog was closed meanwhile: by that the field was left.
        self._on_change(saved)
        if self._is_open:
            self._saved = saved
            self._show_value(each)
            each.show_saved("Saved." if name in AT_ONCE else "Saved, from the next start on.")

    def done(self, result: int) -> None:
        """What is being saved is saved; what only shows something has nobody to show it to."""
        self._is_open = False
        self._looks.cancel()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The window's own button."""
        self._is_open = False
        self._looks.cancel()
        super().closeEvent(event)

    # -- files

    def _choose_import(self) -> None:
        dialog = self._file_dialog("Import settings from")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.read_from)
        dialog.open()

    def _choose_export(self) -> None:
        dialog = self._file_dialog("Export settings to")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile("exai-desktop-settings.json")
        dialog.fileSelected.connect(self.write_to)
        dialog.open()

    def _file_dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAccessibleName(title)
        return dialog

    def read_from(self, file: str) -> None:
        """The user has chosen this file; what it would change is asked about."""
        self._looks.start(self._read(file))

    async def _read(self, file: str) -> None:
        try:
            text = await asyncio.to_thread(_text_of, file)
            report = await self._client.settings.read_in(text, apply=False)
        except (OSError, ValueError) as error:
            self._tell_file(file, error)
            return
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
            return
        if not report.changes:
            self.answer.show_good("Nothing would change." + _left_out(report))
            return
        self.question = PlainQuestion(
            f"Change {count_text(len(report.changes), 'setting', 'settings')}?",
            "\n".join(map(_change_line, report.changes)) + _left_out(report),
            "Change",
            self,
        )
        self.question.accepted.connect(lambda: self._looks.start(self._take(text)))
        self.question.open()

    async def _take(self, text: str) -> None:
        try:
            report = await self._client.settings.read_in(text, apply=True)
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
            return
        await self._load()
        self.answer.show_good(f"{count_text(len(report.changes), 'setting', 'settings')} changed.")
        if self._saved is not None:
            self._on_change(self._saved)

    def write_to(self, file: str) -> None:
        """The user has chosen this file."""
        self._looks.start(self._write(file))

    async def _write(self, file: str) -> None:
        text = await self._client.settings.write_out()
        try:
            await asyncio.to_thread(_write_new, file, text)
        except OSError as error:
            self._tell_file(file, error)
        else:
            self.answer.show_good(f"Written: {file}")

    def _tell_file(self, file: str, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else "it is no small text in UTF-8"
        self.answer.show_error(ErrorView.of_code(ErrorCode.SETTINGS_NOT_READ, f"{file}: {why}"))


def _text_of(file: str) -> str:
    """Raises OSError, ValueError. Blocks."""
    with Path(file).open("rb") as stream:
        raw = stream.read(_LARGEST_BYTES + 1)
    if len(raw) > _LARGEST_BYTES:
        raise ValueError("too large")
    return raw.decode("utf-8-sig")


def _write_new(file: str, text: str) -> None:
    """A file that was there is replaced as a whole, or stays. Blocks."""
    draft = Path(f"{file}.part")
    try:
        draft.write_bytes(text.encode(errors="backslashreplace"))
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _change_line(change: SettingChange) -> str:
    before, after = (redact(each) or "empty" for each in (change.before, change.after))
    meaning = f" ({change.meaning})" if change.meaning else ""
    return f"{change.name}: {before} → {after}{meaning}"


def _left_out(report: SettingsImport) -> str:
    if not report.left_out:
        return ""
    lines = [f"{each.name}: {each.reason}" for each in report.left_out[:20]]
    more = len(report.left_out) - len(lines)
    lines += [f"and {more:,} more"] if more else []
    return "\n\nLeft out:\n" + "\n".join(lines)
