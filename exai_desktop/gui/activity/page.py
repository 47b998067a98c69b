"""The page *Activity*: the audit trail in words, the newest first, with a picture of each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from PySide6.QtCore import QDate, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDateEdit,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from exai_desktop.core.audit.activity import (
    ACTIVITY_WORDS,
    ActivityKind,
    ActivityQuery,
    DaySum,
    activity_words,
    kind_of,
    moment_of,
)
from exai_desktop.core.audit.audit import AuditRow
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.gui.activity.chart import DayChart
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import tip
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import size_text
from exai_desktop.gui.widgets.choice_menu import ChoiceMenu
from exai_desktop.gui.widgets.controls import Button, Card, column, row
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_DAYS: Final = 14
_AT_ONCE: Final = 200
_ROW: Final = 38
_KINDS: Final = {words: kind for kind, words in ACTIVITY_WORDS.items()}
_ICONS: Final[dict[ActivityKind, tuple[str, str]]] = {
    ActivityKind.SENT: ("light-seen", "success"),
    ActivityKind.PROBLEM: ("alert", "danger"),
    ActivityKind.DELETED: ("ban", "warning"),
    ActivityKind.ACCOUNT: ("key", "muted"),
    ActivityKind.OTHER: ("minus", "muted"),
}
_TITLES: Final = ("When", "What", "Account", "Who")


def _success_words(one: DaySum) -> str:
    return "no uploads" if one.success is None else f"{100 * one.success:.1f} %"


class ActivityPage(QWidget):
    """Reads a page of the trail when it is shown, filtered or turned."""

    def __init__(self, theme: Theme, client: EngineClient, tasks: SlotTasks) -> None:
        super().__init__()
        self._theme = theme
        self._client = client
        self._tasks = tasks
        # Where each page before the shown one began; the first begins at the newest row.
        self._turned: list[int | None] = []
        self._query = ActivityQuery(limit=_AT_ONCE)
        self._reading = 0
        self.rows: list[AuditRow] = []
        self.charts = (
            DayChart(theme, "Uploads", lambda one: one.sent, lambda one: f"{one.sent:,}"),
            DayChart(theme, "Success", lambda one: one.success, _success_words),
            DayChart(theme, "Bytes", lambda one: one.bytes, lambda one: size_text(one.bytes)),
        )
        self.kind = ChoiceMenu(theme, "Show", "Everything", "files")
        self.kind.show_choices(tuple(_KINDS))
        self.account = ChoiceMenu(theme, "Account", "All", "server")
        self.one_day = Button(theme, "&Only one day", self._choose_day, kind="chip")
        self.one_day.setCheckable(True)
        self.day = QDateEdit(QDate.currentDate())
        self.day.setCalendarPopup(True)
        self.day.setDisplayFormat("ddd d MMM yyyy")
        self.day.setAccessibleName("Day that is shown")
        self.day.hide()
        self.refresh = Button(theme, "&Refresh", self.read_again, icon="retry")
        self.newer = Button(theme, "&Newer", self._turn_back, icon="undo")
        self.older = Button(theme, "O&lder", self._turn, icon="clock")
        self.table = self._make_table()
        self._assemble()
        self._connect()

    def minimumSizeHint(self) -> QSize:
        """Small enough for half a laptop's screen."""
        return QSize(640, 420)

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, len(_TITLES))
        table.setAccessibleName("What happened, the newest first")
        table.setHorizontalHeaderLabels(_TITLES)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW)
        header = table.horizontalHeader()
        header.setAccessibleName("Columns of what happened")
        header.setHighlightSections(False)
        header.setMinimumHeight(36)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        # The time stands at the end: cut off, the column would say nothing.
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for section, width in ((2, 144), (3, 112)):
            table.setColumnWidth(section, width)
        return table

    def _assemble(self) -> None:
        charts = row(*self.charts, gap=16)
        for number in range(len(self.charts)):
            charts.setStretch(number, 1)
        tools = row(self.kind, self.account, self.one_day, self.day, 0, self.refresh, gap=8)
        card = Card()
        card.setLayout(column(self.table, margin=1))
        layout = column(charts, tools, card, row(0, self.newer, self.older, gap=8), gap=12)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self.kind.chosen.connect(self._filter)
        self.account.chosen.connect(self._filter)
        self.day.dateChanged.connect(lambda _day: self._filter())
        again = QAction("Refresh", self)
        again.setShortcut(QKeySequence("F5"))
        again.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        again.triggered.connect(lambda _checked=False: self.read_again())
        self.addAction(again)

    def showEvent(self, event: QShowEvent) -> None:
        """What happened while it was out of sight."""
        super().showEvent(event)
        self.read_again()
        self.table.setFocus()

    def _choose_day(self) -> None:
        self.day.setVisible(self.one_day.isChecked())
        self._filter()

    def _filter(self) -> None:
        """Another question begins at the newest row."""
        begin = end = None
        if self.one_day.isChecked():
            shown = self.day.date()
            day = datetime(shown.year(), shown.month(), shown.day(), tzinfo=None)  # noqa: DTZ001 - local
            begin = day.astimezone().timestamp()
            end = (day + timedelta(days=1)).astimezone().timestamp()
        kinds = (_KINDS[self.kind.choice],) if self.kind.choice else ()
        self._turned = []
        self._query = ActivityQuery(kinds, self.account.choice, begin, end, limit=_AT_ONCE)
        self.read_again()

    def _turn(self) -> None:
        if self.rows:
            self._turned.append(self._query.before)
            self._query = replace(self._query, before=self.rows[-1].seq)
            self.read_again()

    def _turn_back(self) -> None:
        if self._turned:
            self._query = replace(self._query, before=self._turned.pop())
            self.read_again()

    def read_again(self) -> None:
        """The shown page, and the days."""
        self._tasks.start(self._read())

    async def _read(self) -> None:
        self._reading += 1
        reading = self._reading
        statuses = await self._client.accounts.all()
        rows = await self._client.audit.activity(self._query)
        days = await self._client.audit.days(_DAYS)
        if reading != self._reading:
            return  # another question was asked meanwhile
        self.account.show_choices([status.account.name for status in statuses])
        self._show(rows)
        for chart in self.charts:
            chart.show_days(days)

    def _show(self, rows: Sequence[AuditRow]) -> None:
        self.rows = list(rows)
        self.table.setRowCount(len(rows))
        for number, one in enumerate(rows):
            items = [QTableWidgetItem(plain_text(text)) for text in _cells(one)]
            for place, item in enumerate(items):
                item.setData(Qt.ItemDataRole.ToolTipRole, tip(item.text()))
                self.table.setItem(number, place, item)
            kind = kind_of(one)
            icon, role = _ICONS[kind]
            what = items[1]
            what.setIcon(self._theme.icons.icon(icon, self._theme.color(role).name()))
            what.setData(
                Qt.ItemDataRole.AccessibleTextRole, f"{ACTIVITY_WORDS[kind]}: {what.text()}"
            )
        if rows:
            self.table.setCurrentCell(0, 0)
            self.table.scrollToTop()
        self.older.setEnabled(len(rows) == _AT_ONCE)
        self.newer.setEnabled(bool(self._turned))


def _cells(one: AuditRow) -> tuple[str, ...]:
    moment = datetime.fromtimestamp(moment_of(one), UTC).astimezone()
    when = f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M}"
    why = ErrorView.of_code(one.error_code).title if one.error_code else ""
    return when, activity_words(one, why), one.account or "", one.actor
