"""How one folder is to be watched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QPlainTextEdit, QWidget

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.jobs.watched_folders import IGNORE_FILE, LONGEST_SETTLE_S, WatchOptions
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.form_fields import NumberField, choice, field_label, form_layout
from exai_desktop.gui.widgets.result_line import ResultLine

_PATTERNS: Final = (
    f"One pattern in each line, as in a .gitignore. A file {IGNORE_FILE} in the folder counts, too."
)
_HEIGHT: Final = 84


class WatchForm(QDialog):
    """`saved`: the user wants it so. `which` is None for a new one."""

    saved = Signal()

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        table: ProviderTable,
        accounts: Sequence[AccountStatus],
        folder: str,
        options: WatchOptions,
        which: str | None,
    ) -> None:
        super().__init__(parent)
        self._table = table
        self._accounts = {status.account.name: status.account for status in accounts}
        self._old = options
        self.folder = folder
        self.which = which
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Watch a folder" if which is None else "Change a watched folder")
        self.account = choice("Account")
        self.purpose = choice("Purpose")
        self.subfolders = QCheckBox("Include &subfolders")
        self.new = QCheckBox("Send only &new files, not what is in the folder now")
        self.settle = NumberField("Seconds without a change", 1, int(LONGEST_SETTLE_S), unit="s")
        self.ignore = QPlainTextEdit()
        self.answer = ResultLine(theme)
        self._fill(options)
        title = PlainLabel(self.windowTitle(), role="title")
        text = "&Watch" if which is None else "&Save"
        self.save = Button(theme, text, self.saved.emit, kind="primary", icon="check")
        self.save.setDefault(True)
        cancel = Button(theme, "Cancel", self.reject)
        head = column(title, ElidedLabel(folder, role="muted"), gap=4)
        self.setLayout(
            column(
                *(head, self._fields(), self.subfolders, self.new, self.answer, 0),
                row(0, cancel, self.save),
                margin=24,
                gap=12,
            )
        )
        self.resize(560, 520)
        self.account.setFocus()

    def _fields(self) -> QWidget:
        fields = form_layout()
        fields.addRow(field_label("&Account", self.account), self.account)
        fields.addRow(field_label("&Purpose", self.purpose), self.purpose)
        fields.addRow(field_label("Unchanged &for", self.settle), self.settle)
        fields.addRow(field_label("&Ignore", self.ignore), self.ignore)
        fields.addRow("", PlainLabel(_PATTERNS, role="label", wrap=True))
        whole = QWidget()
        whole.setLayout(fields)
        return whole

    def _fill(self, options: WatchOptions) -> None:
        self.account.addItem("Any account", None)
        for name in self._accounts:
            self.account.addItem(name, name)
        if options.account is not None and options.account not in self._accounts:
            self.account.addItem(options.account, options.account)
        self.account.setCurrentIndex(self.account.findData(options.account))
        self.account.currentIndexChanged.connect(lambda _index: self._show_purposes(None))
        self._show_purposes(options.purpose)
        self.subfolders.setChecked(options.with_subfolders)
        self.new.setVisible(self.which is None)
        self.settle.setValue(max(1, round(options.settle_s)))
        self.settle.setToolTip("A file is sent when it has not changed for so long.")
        self.ignore.setAccessibleName("Ignore patterns")
        self.ignore.setTabChangesFocus(True)
        self.ignore.setFixedHeight(_HEIGHT)
        self.ignore.setPlainText("\n".join(options.ignore))

    def _show_purposes(self, wanted: str | None) -> None:
        """Those of the account's provider; without an account it is chosen with each file."""
        self.purpose.clear()
        self.purpose.addItem("Chosen by file type", None)
        account = self._accounts.get(str(self.account.currentData()))
        info = self._table.of(account) if account is not None else None
        if account is not None and info is not None:
            for purpose in info.purposes_in(account.region):
                self.purpose.addItem(purpose.title, purpose.name)
        if wanted is not None and self.purpose.findData(wanted) < 0:
            self.purpose.addItem(wanted, wanted)
        self.purpose.setCurrentIndex(self.purpose.findData(wanted))

    @property
    def only_new(self) -> bool:
        return self.new.isChecked()

    @property
    def options(self) -> WatchOptions:
        """As they are chosen now."""
        old = self._old.settle_s
        is_same = self.settle.value() == max(1, round(old))
        patterns = (line.rstrip("\r") for line in self.ignore.toPlainText().split("\n"))
        return WatchOptions(
            account=self.account.currentData(),
            purpose=self.purpose.currentData(),
            with_subfolders=self.subfolders.isChecked(),
            ignore=tuple(line for line in patterns if line.strip()),
            settle_s=old if is_same else float(self.settle.value()),
        )
