"""A table over the database: knows how many rows there are, reads a page when it is looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from exai_desktop.gui.style.plain_text import tip
from exai_desktop.gui.widgets.page_cache import PAGE, LoadedRows, Row
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

Index = QModelIndex | QPersistentModelIndex
NO_PARENT: Final = QModelIndex()
# What the painter asks for: the whole row.
ROW_ROLE: Final = Qt.ItemDataRole.UserRole + 1
_TEXT_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
REFRESH_MS: Final = 300
# A fast scroll passes many pages; only the last ones asked for are still in view.
_PAGES_AT_ONCE = 3

Row_co = TypeVar("Row_co", covariant=True)
# A frozen dataclass with `sort`, `descending`, `offset` and `limit`.
Query = TypeVar("Query", bound=Any)


class Heading(NamedTuple):
    """Of one column; `sort` is what a query sorts by, None: not by this column."""

    title: str
    sort: Any = None
    is_number: bool = False


class Page(Protocol[Row_co]):
    """A part of the rows, and how many there are in all."""

    @property
    def rows(self) -> Sequence[Row_co]: ...

    @property
    def total(self) -> int: ...


class PagedRows(QAbstractTableModel, Generic[Row, Query]):
    """`read` fetches the page that a query's `offset` and `limit` mean.

    `visible_rows` tells which rows the view shows, so that a refresh reads those first, and
    `has_many_selected` whether the selection is too large to be followed row by row.
    """

    loaded = Signal()

    def __init__(
        self,
        read: Callable[[Query], Awaitable[Page[Row]]],
        query: Query,
        headings: Sequence[Heading],
        tasks: SlotTasks,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._read = read
        self._headings = headings
        # What holds while no column is sorted by.
        self._usual = (query.sort, query.descending)
        self._tasks = tasks
        self._rows: LoadedRows[Row] = LoadedRows()
        self._query = query
        self._generation = 0
        self._wanted: list[int] = []
        self._is_fetching = False
        self._is_refreshing = False
        self.visible_rows: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.has_many_selected: Callable[[], bool] = lambda: False
        # What Qt says of the selection meanwhile is not the user's doing.
        self.is_moving_rows = False
        self._fetch_timer = self._single_shot(0, self._fetch_wanted)
        self._refresh_timer = self._single_shot(REFRESH_MS, self.refresh)

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """All rows of the query, loaded or not."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        """The same for every row."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Titles; those of numbers stand at the right."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        heading = self._headings[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return heading.title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            is_right = heading.is_number
            side = Qt.AlignmentFlag.AlignRight if is_right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text for every reader; the row itself for the painter."""
        one = self._rows.at(index.row())
        if one is None:
            self.want(index.row())
            is_first = index.column() == 0 and role == Qt.ItemDataRole.DisplayRole
            return "…" if is_first else None
        if role == ROW_ROLE:
            return one
        if role in _TEXT_ROLES:
            return self.text_of(one, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self.tip_of(one, index.column()))
        return None

    def text_of(self, row: Row, column: int) -> str:
        """What the cell says, in one line: for screen readers, tips and plain styles."""
        raise NotImplementedError

    def tip_of(self, row: Row, column: int) -> str:
        """The whole of what a narrow column cuts off."""
        raise NotImplementedError

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column that can be sorted; otherwise as at first, downwards."""
        key = self._headings[column].sort if column >= 0 else None
        sort, descending = self._usual
        if key is not None:
            sort, descending = key, order == Qt.SortOrder.DescendingOrder
        self.ask(replace(self._query, sort=sort, descending=descending))

    @property
    def query(self) -> Query:
        return self._query

    def row_at(self, row: int) -> Row | None:
        """What is in a row, None while it is not loaded."""
        return self._rows.at(row)

    def row_of(self, row_id: int) -> int | None:
        """Where a loaded one is shown."""
        return self._rows.row_of(row_id)

    def ask(self, query: Query) -> None:
        """Show another query; the old rows stay until the new ones are there."""
        self._query = query
        self._generation += 1
        self._wanted.clear()
        self._tasks.start(self._read_first(self._generation))

    def restart(self) -> None:
        """Another engine is behind the client: forget all, read again."""
        self._generation += 1
        self._reset((), 0)
        self.ask(self._query)

    def refresh(self) -> None:
        """Read the visible rows and the total again, without losing the place."""
        if self._is_refreshing:
            self.refresh_soon()
            return
        self._is_refreshing = True
        self._tasks.start(self._refresh(self._generation))

    def refresh_soon(self) -> None:
        """Many reasons within a moment make one refresh."""
        if not self._refresh_timer.isActive():
            self._refresh_timer.start()

    async def rows_in(self, first: int, last: int) -> list[Row]:
        """What is in rows `first` to `last`, read from the database where not loaded."""
        known = [self._rows.at(row) for row in range(first, last + 1)]
        found = [row for row in known if row is not None]
        if len(found) == len(known):
            return found
        found = []
        while first <= last:
            limit = min(PAGE, last - first + 1)
            page = await self._read(replace(self.query_at(first), limit=limit))
            if not page.rows:
                break
            found.extend(page.rows)
            first += len(page.rows)
        return found

    def query_at(self, offset: int) -> Query:
        """What to ask for the page that begins there."""
        return replace(self._query, offset=offset)

    def known_near(self, offset: int) -> tuple[int, int] | None:
        """A loaded row that is nearer to this place than both ends of the list: place and id."""
        known = self._rows.nearest(offset)
        nearest_end = min(offset, len(self._rows) - offset)
        return known if known is not None and abs(known[0] - offset) < nearest_end else None

    @contextmanager
    def inserting(self, first: int, last: int) -> Iterator[None]:
        """Rows come in there."""
        self.is_moving_rows = True
        self.beginInsertRows(NO_PARENT, first, last)
        yield
        self.endInsertRows()
        self.is_moving_rows = False

    @contextmanager
    def removing(self, first: int, last: int) -> Iterator[None]:
        """These rows go."""
        self.is_moving_rows = True
        self.beginRemoveRows(NO_PARENT, first, last)
        yield
        self.endRemoveRows()
        self.is_moving_rows = False

    def want(self, row: int) -> None:
        """This row is looked at and not there: read its page as soon as the paint is over."""
        offset = self._rows.missing_page(row)
        if offset is None:
            return
        if offset in self._wanted:
            self._wanted.remove(offset)
        self._wanted.append(offset)
        if not self._fetch_timer.isActive():
            self._fetch_timer.start()

    def _single_shot(self, after_ms: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(after_ms)
        timer.timeout.connect(slot)
        return timer

    async def _read_first(self, generation: int) -> None:
        page = await self._read(self._query)
        if generation == self._generation:
            self._reset(page.rows, page.total)
            self.loaded.emit()

    def _reset(self, rows: Sequence[Row], total: int) -> None:
        self.beginResetModel()
        self._rows.reset(rows, total)
        self.endResetModel()

    def _fetch_wanted(self) -> None:
        if not self._is_fetching and self._wanted:
            self._is_fetching = True
            self._tasks.start(self._fetch(self._generation))

    async def _fetch(self, generation: int) -> None:
        try:
            del self._wanted[:-_PAGES_AT_ONCE]
            while self._wanted and generation == self._generation:
                offset = self._wanted.pop()
                page = await self._read(self.query_at(offset))
                if generation == self._generation:
                    self._put(offset, page)
        finally:
            self._is_fetching = False
        self._fetch_wanted()

    def _put(self, offset: int, page: Page[Row]) -> None:
        if page.total != len(self._rows):
            self.refresh_soon()
        self._rows.put_page(offset, page.rows)
        self._show_again(offset, len(page.rows))

    def _show_again(self, first: int, count: int) -> None:
        last = min(first + count, len(self._rows)) - 1
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self._headings) - 1))

    async def _refresh(self, generation: int) -> None:
        try:
            first, last = self.visible_rows()
            offset = max(0, first) // PAGE * PAGE
            limit = (last // PAGE + 1) * PAGE - offset
            page = await self._read(replace(self._query, offset=offset, limit=max(PAGE, limit)))
            if generation == self._generation:
                self._take_refresh(offset, page)
                self.loaded.emit()
        finally:
            self._is_refreshing = False

    def _take_refresh(self, offset: int, page: Page[Row]) -> None:
        """Put the database's order in place; selected and current rows stay what they were."""
        self._fit_length(page.total)
        if self.has_many_selected() or self._is_in_place(offset, page.rows):
            # A change of layout makes Qt keep an index for every selected row, a million of them,
            # and lay out the whole table anew.
            self._rows.reset(page.rows, page.total, offset)
            self._show_again(offset, len(page.rows))
            return
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        were = [self._rows.at(index.row()) for index in old]
        self._rows.reset(page.rows, page.total, offset)
        new = []
        for index, one in zip(old, were, strict=True):
            row = None if one is None else self._rows.row_of(one.id)
            new.append(index if row is None else self.index(row, index.column()))
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _is_in_place(self, offset: int, rows: Sequence[Row]) -> bool:
        """Whether these stand where they stood, so that nothing of the selection has to move."""
        known = (self._rows.at(place) for place in range(offset, offset + len(rows)))
        return all(
            old is not None and old.id == new.id for old, new in zip(known, rows, strict=True)
        )

    def _fit_length(self, total: int) -> None:
        have = len(self._rows)
        if total > have:
            with self.inserting(have, total - 1):
                self._rows.resize(total)
        elif total < have:
            with self.removing(total, have - 1):
                self._rows.resize(total)
