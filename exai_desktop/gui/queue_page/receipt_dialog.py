"""The receipt for a drop or for selected files: IDs first, then what has none, then where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFileDialog,
    QPlainTextEdit,
    QProgressBar,
    QWidget,
)

from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.receipts import Receipt, ReceiptForm, ReceiptPlace, ReceiptScope
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.queue_page.reason_rows import ReasonLine
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import clock_text, count_text, duration_text, size_text
from exai_desktop.gui.widgets.card_list import scrolled
from exai_desktop.gui.widgets.controls import Button, Card, IconView, clear_layout, column, row
from exai_desktop.gui.widgets.copy_line import copy_text
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

# As the buttons say them.
_FORMS: Final = {
    ReceiptForm.TABLE: "Table",
    ReceiptForm.JSON: "JSON",
    ReceiptForm.PYTHON: "Python",
    ReceiptForm.CURL: "curl",
}
# Of so many files the IDs are shown; all of them are copied.
_SHOWN: Final = 3
_LINES: Final = 6


def title_of(receipt: Receipt) -> str:
    """Of what, and of when."""
    if receipt.batch is None:
        return f"Receipt for {count_text(receipt.files, 'file', 'files')}"
    return f"Receipt for batch {receipt.batch}"


def time_text(receipt: Receipt) -> str:
    """From when to when."""
    began = f"Added {clock_text(receipt.began_at)}"
    if receipt.ended_at is None:
        return f"{began}, {count_text(receipt.open, 'file', 'files')} still in progress"
    took = duration_text(max(0.0, receipt.ended_at - receipt.began_at))
    return f"{began}, finished {clock_text(receipt.ended_at)} ({took})"


def figures_of(receipt: Receipt) -> list[tuple[str, str, str, Tone]]:
    """The four figures at the top: number, words, icon, tone."""
    with_id, without = receipt.with_id, sum(group.files for group in receipt.missing)
    shared = f", {receipt.sharing:,} share an ID" if receipt.sharing else ""
    have = "file has an ID" if with_id == 1 else "files have an ID"
    none = "file has none" if without == 1 else "files have none"
    alarm = ("alert", Tone.CARE) if without else ("check", Tone.NEUTRAL)
    return [
        (f"{with_id:,}", have, "check", Tone.GOOD),
        (f"{receipt.reused:,}", f"already there{shared}", "copies", Tone.GOOD),
        (f"{without:,}", none, *alarm),
        (size_text(receipt.bytes), "sent", "arrow-up", Tone.NEUTRAL),
    ]


class ReceiptDialog(QDialog):
    """Opened with `open()`; it reads by itself."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        client: EngineClient,
        tasks: SlotTasks,
        scope: ReceiptScope,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Receipt")
        self._theme = theme
        self._client = client
        self._tasks = tasks.group()
        self._scope = scope
        self._form = ReceiptForm.TABLE
        self.title = PlainLabel("Receipt", role="title")
        self.time = PlainLabel(role="muted", wrap=True)
        self._figures = row(gap=16)
        self._rest = column(gap=16)
        self.copy = Button(theme, "&Copy all IDs", self._on_copy, icon="copy", kind="primary")
        self.save_csv = self._save_button("Save as CS&V…", ReceiptForm.CSV, "csv")
        self.save_json = self._save_button("Save as &JSON…", ReceiptForm.REPORT, "json")
        self.forms = {form: self._form_button(form) for form in _FORMS}
        self.preview = self._make_preview()
        self.answer = ResultLine(theme)
        self._assemble()
        self._tasks.start(self._read())

    def _save_button(self, text: str, form: ReceiptForm, ending: str) -> Button:
        return Button(self._theme, text, partial(self._choose_file, form, ending))

    def _form_button(self, form: ReceiptForm) -> Button:
        word = _FORMS[form]
        button = Button(
            self._theme, word, partial(self._choose_form, form), kind="chip", name=f"IDs as {word}"
        )
        button.setCheckable(True)
        button.setChecked(form is self._form)
        return button

    def _make_preview(self) -> QPlainTextEdit:
        view = QPlainTextEdit()
        view.setReadOnly(True)
        view.setAccessibleName("The first IDs")
        view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        view.setTabChangesFocus(True)
        view.setTabStopDistance(view.fontMetrics().horizontalAdvance("0") * 28.0)
        view.setFixedHeight(view.fontMetrics().lineSpacing() * _LINES + 28)
        return view

    def _assemble(self) -> None:
        self._exclusive = QButtonGroup(self)
        for button in self.forms.values():
            self._exclusive.addButton(button)
        head = row(PlainLabel("All IDs as", role="heading"), *self.forms.values(), 0, gap=4)
        buttons = row(self.save_csv, self.save_json, 0, self.copy, gap=8)
        card = Card()
        card.setAccessibleName("All IDs")
        card.setLayout(column(head, self.preview, buttons, margin=16, gap=12))
        whole = column(self._figures, card, self._rest, 0, gap=16)
        whole.setContentsMargins(0, 0, 8, 0)
        close = Button(self._theme, "C&lose", self.close)
        self.setLayout(
            column(
                column(self.title, self.time, gap=2),
                scrolled(whole, "Receipt"),
                self.answer,
                row(0, close),
                margin=24,
                gap=16,
            )
        )
        self.resize(760, 640)
        self._enable(None)

    def done(self, result: int) -> None:
        """However it is closed, what was on its way is dropped."""
        self._tasks.cancel()
        super().done(result)

    async def _read(self) -> None:
        try:
            receipt = await self._client.receipts.receipt(self._scope)
            if self._scope == ReceiptScope():
                # A newer batch may begin while this one is looked at.
                self._scope = ReceiptScope(batch=receipt.batch)
            self.show_receipt(receipt)
            await self._read_preview()
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))

    def show_receipt(self, receipt: Receipt) -> None:
        """As it is now."""
        self.title.setText(title_of(receipt))
        self.time.setText(time_text(receipt))
        for layout in (self._figures, self._rest):
            clear_layout(layout)
        for figure in figures_of(receipt):
            self._figures.addWidget(self._figure(*figure), 1)
        if receipt.missing:
            self._rest.addWidget(self._missing(receipt))
        if receipt.places:
            self._rest.addWidget(self._places(receipt))
        self._enable(receipt)

    def _enable(self, receipt: Receipt | None) -> None:
        count = receipt.with_id if receipt else 0
        self.copy.setEnabled(bool(count))
        self.copy.setText(f"&Copy {count_text(count, 'ID', 'IDs')}" if count else "&Copy all IDs")
        self.copy.setAccessibleName(self.copy.text().replace("&", ""))
        for button in (self.save_csv, self.save_json):
            button.setEnabled(receipt is not None and bool(receipt.files))

    def _figure(self, number: str, words: str, icon: str, tone: Tone) -> Card:
        card = Card()
        card.setAccessibleName(f"{number} {words}")
        head = row(IconView(self._theme, icon, tone.value), PlainLabel(number, role="title"), 0)
        card.setLayout(column(head, PlainLabel(words, role="muted", wrap=True), 0, margin=16))
        return card

    def _missing(self, receipt: Receipt) -> Card:
        card = Card()
        count = sum(group.files for group in receipt.missing)
        words = "file has no ID" if count == 1 else "files have no ID"
        head = PlainLabel(f"{count:,} {words}", role="heading")
        rows = (ReasonLine(self._theme, group) for group in receipt.missing)
        card.setLayout(column(head, *rows, margin=16, gap=12))
        return card

    def _places(self, receipt: Receipt) -> Card:
        card = Card()
        head = PlainLabel("Where they are", role="heading")
        rows = (self._place(place, receipt.with_id) for place in receipt.places)
        card.setLayout(column(head, *rows, margin=16, gap=12))
        return card

    def _place(self, place: ReceiptPlace, whole: int) -> QWidget:
        bar = QProgressBar()
        bar.setTextVisible(False)
        bar.setRange(0, whole)
        bar.setValue(place.files)
        files = count_text(place.files, "file", "files")
        bar.setAccessibleName(f"{place.account}: {files}")
        names = row(
            ElidedLabel(f"{place.account}  ·  {place.company}", role="heading"),
            PlainLabel(f"{files}, {size_text(place.bytes)} sent", role="muted"),
            gap=12,
        )
        names.setStretch(0, 1)
        line = row(IconView(self._theme, "server", "muted"), column(names, bar, gap=6), gap=12)
        line.setStretch(1, 1)
        shown = QWidget()
        shown.setLayout(line)
        return shown

    def _choose_form(self, form: ReceiptForm) -> None:
        self._form = form
        self._start(self._read_preview)

    async def _read_preview(self) -> None:
        piece = await self._client.receipts.text(self._scope, self._form, 0, _SHOWN)
        more = "…\n" if piece.last is not None else ""
        self.preview.setPlainText(piece.text + more)

    def _on_copy(self) -> None:
        self._start(self._copy)

    async def _copy(self) -> None:
        """Piece by piece: ten thousand files stop nothing."""
        texts, files = [], 0
        after: int | None = 0
        while after is not None:
            piece = await self._client.receipts.text(self._scope, self._form, after)
            texts.append(piece.text)
            files, after = files + piece.files, piece.last
        copy_text("".join(texts))
        word = _FORMS[self._form]
        self.answer.show_good(f"{count_text(files, 'file ID', 'file IDs')} copied as {word}")

    def _choose_file(self, form: ReceiptForm, ending: str) -> None:
        dialog = QFileDialog(self, "Save the receipt")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAccessibleName("Save the receipt")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix(ending)
        number = f" {self._scope.batch}" if self._scope.batch is not None else ""
        dialog.selectFile(f"Receipt{number}.{ending}")
        dialog.fileSelected.connect(lambda file: self.save_to(form, file))
        dialog.open()

    def save_to(self, form: ReceiptForm, file: str) -> None:
        """The user has chosen this file; the engine writes it."""
        self._start(partial(self._save, form, file))

    async def _save(self, form: ReceiptForm, file: str) -> None:
        files = await self._client.receipts.save(self._scope, form, file)
        self.answer.show_good(f"{count_text(files, 'file', 'files')} written to {file}")

    def _start(self, order: Callable[[], Awaitable[None]]) -> None:
        self._tasks.start(self._told(order))

    async def _told(self, order: Callable[[], Awaitable[None]]) -> None:
        """What goes wrong is said here, where it was asked for."""
        try:
            await order()
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
