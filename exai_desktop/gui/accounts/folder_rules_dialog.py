"""Rules for folders: which providers and regions may have the files below them."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QFileDialog, QWidget

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.core.settings import RuleReport
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel, label_text
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import place_text
from exai_desktop.gui.widgets.card_list import CardList
from exai_desktop.gui.widgets.controls import Button, Card, IconView, column, row
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

CROSS: Final = "+"
NONE: Final = "No rules: files may go to any of your accounts."


def _is_ticked(rule: FolderRule, place: str) -> bool:
    if place == CROSS:
        return rule.allow_fallback
    provider, _, region = place.partition("/")
    return rule.allows_place(provider, region)


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
        self._rules: dict[str, FolderRule] = {}
        self._boxes: dict[str, dict[str, QCheckBox]] = {}
        self._titles = {
            f"{provider.name}/{region.name}": place_text(table, provider.name, region.name)
            for provider in table.providers
            for region in provider.regions
        }
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Rules for folders")
        self._list = CardList("Rules", gap=8)
        self._problem = PlainLabel(role="warning", wrap=True)
        self._problem.hide()
        self._assemble()
        self.resize(640, 520)
        tasks.start(self._load())

    def _assemble(self) -> None:
        self.add = Button(self._theme, "&Add a folder…", self._choose, icon="folder")
        close = Button(self._theme, "C&lose", self.close, kind="primary")
        note = PlainLabel(
            "Files in a folder go only to the selected providers. If several rules fit, the rule of"
            " the innermost folder applies.",
            role="muted",
            wrap=True,
        )
        head = column(PlainLabel("Rules for folders", role="title"), note, gap=4)
        foot = row(self.add, 0, close)
        self.setLayout(column(head, self._list.area, self._problem, foot, margin=24, gap=16))

    async def _load(self) -> None:
        self._show(await self._client.settings.rules())

    def _show(self, reports: list[RuleReport]) -> None:
        rules = [report.rule for report in reports]
        self._rules = {rule.folder: rule for rule in rules}
        self._list.show_keys(
            list(self._rules), self._card, lambda: PlainLabel(NONE, role="muted", wrap=True)
        )
        for rule in rules:
            for place, box in self._boxes[rule.folder].items():
                box.setChecked(_is_ticked(rule, place))

    def _card(self, folder: str) -> Card:
        self._boxes[folder] = {}
        card = Card("quiet")
        remove = Button(
            self._theme, "", lambda: self._remove(folder), icon="trash", kind="icon",
            name=f"Remove the rule for {folder}",
        )  # fmt: skip
        name = ElidedLabel(folder, role="heading")
        head = row(IconView(self._theme, "folder", "muted"), name, remove, gap=12)
        head.setStretch(1, 1)
        boxes = [self._box(folder, place, title) for place, title in self._titles.items()]
        cross = self._box(folder, CROSS, "Choose among these without asking")
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
        old = self._rules[folder]
        new = dataclasses.replace(old, allow_fallback=wanted)
        if place != CROSS:
            ticked = [p for p in self._titles if (wanted if p == place else _is_ticked(old, p))]
            new = dataclasses.replace(old, places=tuple(ticked)) if ticked else old
        self._save(new)

    def _choose(self) -> None:
        dialog = QFileDialog(self, "A folder with a rule")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.add_folder)
        dialog.open()

    def add_folder(self, folder: str) -> None:
        """With everything ticked: the user takes away what must not be."""
        if folder not in self._rules:
            self._save(FolderRule(folder, tuple(self._titles)), replace=False)

    def _remove(self, folder: str) -> None:
        self._rules = {name: rule for name, rule in self._rules.items() if name != folder}
        self._tasks.start(self._run(self._client.settings.remove_rule(folder)))

    def _save(self, rule: FolderRule, *, replace: bool = True) -> None:
        # At once: a second click before the answer must start from what the first one wanted.
        self._rules = self._rules | {rule.folder: rule}
        order = self._client.settings.set_rule(
            rule.folder, rule.places, allow_fallback=rule.allow_fallback, replace=replace
        )
        self._tasks.start(self._run(order))

    async def _run(self, order: Awaitable[RuleReport | bool]) -> None:
        try:
            answer = await order
            warnings: Sequence[str] = () if isinstance(answer, bool) else answer.warnings
        except AppError as error:
            warnings = [f"{error.title}: {error.detail}"]
        self._problem.setText("\n".join(warnings))
        self._problem.setVisible(bool(warnings))
        await self._load()
