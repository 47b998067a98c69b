"""The queue as a Qt table: what each cell says, and what the engine's news change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from exai_desktop.core.events import Progressed
from exai_desktop.core.jobs.jobs import JobPage, JobQuery, JobState, JobView, SortKey
from exai_desktop.core.jobs.reasons import GroupKey, group_of
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.queue_page.columns import HEADINGS, Column, cell_text, tip_text
from exai_desktop.gui.widgets.page_cache import PAGE, spans
from exai_desktop.gui.widgets.paged_model import ROW_ROLE, Index, PagedRows
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

PROGRESS_ROLE: Final = ROW_ROLE + 1

# More separate places than this are cheaper read again than removed one by one.
_MAX_SPANS = 64


class QueueModel(PagedRows[JobView, JobQuery]):
    """Rows change in batches: one signal for neighbouring rows, never one per file."""

    def __init__(self, client: EngineClient, tasks: SlotTasks, parent: QObject) -> None:
        super().__init__(self._page, JobQuery(limit=PAGE), HEADINGS, tasks, parent)
        self._client = client
        self._progress: dict[int, Progressed] = {}
        # The highest number that a job had when the list was read.
        self.newest = 0

    async def _page(self, query: JobQuery) -> JobPage:
        page = await self._client.queue.page(query)
        self.newest = max(self.newest, page.newest)
        return page

    def query_at(self, offset: int) -> JobQuery:
        """From a row on that is there already: nothing is counted up to a place far down."""
        return replace(self._query, offset=offset, known=self.known_near(offset))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Beside what every table says: the bytes of a file under way, for the painter."""
        if role != PROGRESS_ROLE:
            return super().data(index, role)
        job = self.row_at(index.row())
        return None if job is None else self._progress.get(job.id)

    def text_of(self, row: JobView, column: int) -> str:
        """What the cell says."""
        return cell_text(row, Column(column), self._progress.get(row.id))

    def tip_of(self, row: JobView, column: int) -> str:
        """The whole of what a narrow column cuts off."""
        return tip_text(row, Column(column), self._progress.get(row.id))

    def filter(
        self,
        states: tuple[JobState, ...],
        search: str,
        reason: GroupKey | None = None,
        without: tuple[GroupKey, ...] = (),
    ) -> None:
        """Show only these states and what matches the text: one group, or all without some."""
        wanted = replace(self._query, states=states, search=search, reason=reason, without=without)
        if wanted != self._query:
            self.ask(wanted)

    def sort_usually(self, sort: SortKey, *, descending: bool) -> None:
        """The order while no column is sorted by."""
        was_usual = (self._query.sort, self._query.descending) == self._usual
        self._usual = (sort, descending)
        if was_usual:
            self.ask(replace(self._query, sort=sort, descending=descending))

    def restart(self) -> None:
        """Another engine is behind the client: forget all, read again."""
        self._progress.clear()
        self.newest = 0
        super().restart()

    def progress_of(self, job_id: int) -> Progressed | None:
        """The bytes of a file under way."""
        return self._progress.get(job_id)

    def moving(self) -> list[Progressed]:
        """All files whose bytes are being counted now."""
        return list(self._progress.values())

    def apply(self, news: News) -> None:
        """Bring the rows up to date; what only the database can know is read again soon."""
        if news.removed:
            self._remove(news.removed)
        if news.added:
            self._add(list(news.added.values()))
        touched = set(self._rows.replace(news.changed.values()))
        for job_id in (*news.progress, *self._note_progress(news)):
            row = self._rows.row_of(job_id)
            if row is not None:
                touched.add(row)
        for first, last in spans(sorted(touched)):
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(HEADINGS) - 1))
        if news.is_line_changed and self._query.sort is SortKey.LINE:
            self.refresh()
        elif news.reload or news.removed or news.added or (news.changed and self._may_move()):
            self.refresh_soon()

    def _note_progress(self, news: News) -> list[int]:
        """Keep the newest figures of files under way; returns whose figures ended."""
        if news.reload:
            # Whoever looks again does not know which of them have ended meanwhile.
            self._progress.clear()
        self._progress.update(news.progress)
        ended = [
            job.id
            for job in (*news.changed.values(), *news.added.values())
            if job.state not in (JobState.SENDING, JobState.HASHING)
            and self._progress.pop(job.id, None) is not None
        ]
        for job_id in news.removed:
            self._progress.pop(job_id, None)
        return ended

    def _may_move(self) -> bool:
        """Whether a change of state can change which rows are shown, or their order."""
        query = self._query
        chosen = query.states or query.search or query.reason or query.without
        return bool(chosen) or query.sort not in (SortKey.ID, SortKey.NAME)

    def _add(self, jobs: list[JobView]) -> None:
        query = self._query
        if query.sort is not SortKey.ID or query.search or query.reason:
            return
        fresh = [
            job
            for job in jobs
            if self._rows.row_of(job.id) is None
            and (not query.states or job.state in query.states)
            and group_of(job) not in query.without
        ]
        if not fresh:
            return
        self.newest = max(self.newest, *(job.id for job in fresh))
        fresh.sort(key=lambda job: job.id, reverse=query.descending)
        row = 0 if query.descending else len(self._rows)
        with self.inserting(row, row + len(fresh) - 1):
            self._rows.insert(row, fresh)

    def _remove(self, ids: list[int]) -> None:
        known = (self._rows.row_of(job_id) for job_id in ids)
        places = spans(sorted(row for row in known if row is not None))
        if len(places) > _MAX_SPANS:
            return
        for first, last in reversed(places):
            with self.removing(first, last):
                self._rows.remove(first, last)
