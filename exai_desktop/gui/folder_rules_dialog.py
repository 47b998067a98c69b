"""Rules for folders: which providers and regions may have the files below them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFrame,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.errors import AppError
from exai_desktop.core.folder_rules import ANY, FolderRule, rule_of
from exai_desktop.gui.controls import Button, Card, IconView, clear_layout, column, row
from exai_desktop.gui.engine_client import EngineClient
from exai_desktop.gui.plain_text import ElidedLabel, PlainLabel, label_text
from exai_desktop.gui.slot_tasks import SlotTasks
from exai_desktop.gui.theme import Theme

CROSS: Final = "+"
NONE: Final = "No rules: each file may go to any of your accounts."


def _is_ticked(rule: FolderRule, place: str) -> bool:
    if place == CROSS:
        return rule.allow_fallback
    return bool({ANY, place, place.partition("/")[0]} & set(rule.places))


class FolderRulesDialog(QDialog):
    """Every change is saved, and in force, at once."""

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
        self._client = client
        self._tasks = tasks
        self._rules: list[FolderRule] = []
        self._boxes: dict[str, dict[str, QCheckBox]] = {}
        self._titles = {
            f"{provider.name}/{region.name}": f"{provider.title}, {region.title}"
            for provider in table.providers
            for region in provider.regions
        }
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Rules for folders")
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self._list.setContentsMargins(0, 0, 4, 0)
        self._problem = PlainLabel(role="warning", wrap=True)
        self._problem.hide()
        self._assemble()
        self.resize(640, 520)
        tasks.start(self._load())

    def _assemble(self) -> None:
        inner = QWidget()
        inner.setObjectName("scrolled")
        inner.setLayout(self._list)
        scroll = QScrollArea()
        scroll.setAccessibleName("Rules")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        self.add = Button(self._theme, "&Add a folder…", self._choose, icon="folder")
        close = Button(self._theme, "C&lose", self.close, kind="primary")
        note = PlainLabel(
            "Files below a folder go only to what is ticked. Of nested folders the innermost rule"
            " holds.",
            role="muted",
            wrap=True,
        )
        head = column(PlainLabel("Rules for folders", role="title"), note, gap=4)
        foot = row(self.add, 0, close)
        self.setLayout(column(head, scroll, self._problem, foot, margin=24, gap=16))

    async def _load(self) -> None:
        settings = await self._client.settings()
        self._show([rule_of(line) for line in settings.folder_rules])

    def _show(self, rules: list[FolderRule]) -> None:
        """Cards are made anew only when there are other folders: the focus stays where it is."""
        is_same = [rule.folder for rule in rules] == [rule.folder for rule in self._rules]
        self._rules = rules
        if not is_same or not self._boxes:
            self._make_cards()
        for rule in rules:
            for place, box in self._boxes[rule.folder].items():
                box.setChecked(_is_ticked(rule, place))

    def _make_cards(self) -> None:
        clear_layout(self._list)
        self._boxes = {rule.folder: {} for rule in self._rules}
        for rule in self._rules:
            self._list.addWidget(self._card(rule.folder))
        if not self._rules:
            self._list.addWidget(PlainLabel(NONE, role="muted", wrap=True))
        self._list.addStretch(1)

    def _card(self, folder: str) -> Card:
        card = Card("quiet")
        remove = Button(
            self._theme, "", lambda: self._remove(folder), icon="trash", kind="icon",
            name=f"Remove the rule for {folder}",
        )  # fmt: skip
        name = ElidedLabel(folder, role="heading")
        head = row(IconView(self._theme, "folder", "muted"), name, remove, gap=12)
        head.setStretch(1, 1)
        boxes = [self._box(folder, place, title) for place, title in self._titles.items()]
        cross = self._box(folder, CROSS, "Among these also without being asked")
        card.setLayout(column(head, *boxes, cross, margin=12, gap=6))
        return card

    def _box(self, folder: str, place: str, title: str) -> QCheckBox:
        box = QCheckBox(label_text(title))
        box.setAccessibleName(f"{title}: {folder}")
        box.clicked.connect(lambda wanted: self._tick(folder, place, wanted))
        self._boxes[folder][place] = box
        return box

    def _tick(self, folder: str, place: str, wanted: bool) -> None:
        """The last tick stays: a folder whose files may go nowhere is not dropped at all."""
        old = next(rule for rule in self._rules if rule.folder == folder)
        new = replace(old, allow_fallback=wanted)
        if place != CROSS:
            ticked = [p for p in self._titles if (wanted if p == place else _is_ticked(old, p))]
            new = replace(old, places=tuple(ticked)) if ticked else old
        self._save([new if rule == old else rule for rule in self._rules])

    def _choose(self) -> None:
        dialog = QFileDialog(self, "A folder with a rule")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.add_folder)
        dialog.open()

    def add_folder(self, folder: str) -> None:
        """With everything ticked: the user takes away what must not be."""
        if all(rule.folder != folder for rule in self._rules):
            self._save([*self._rules, FolderRule(folder, tuple(self._titles))])

    def _remove(self, folder: str) -> None:
        self._save([rule for rule in self._rules if rule.folder != folder])

    def _save(self, rules: list[FolderRule]) -> None:
        self._tasks.start(self._run_save(rules))

    async def _run_save(self, rules: list[FolderRule]) -> None:
        try:
            text = "\n".join(map(str, rules))
            saved = await self._client.change_setting("folder_rules", text)
        except AppError as error:
            self._problem.setText(f"{error.title}: {error.detail}")
            self._problem.show()
            await self._load()
            return
        self._problem.hide()
        self._show([rule_of(line) for line in saved.folder_rules])
