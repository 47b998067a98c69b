"""The page of the queue: what to send, what is there, and the details of one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from exai_desktop.core.jobs.jobs import JobView, QueueSummary, SortKey
from exai_desktop.core.jobs.line import LinePlace, Spot
from exai_desktop.core.jobs.reasons import STOPPED
from exai_desktop.core.jobs.receipts import ReceiptScope
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.queue_page.commands import QueueCommands
from exai_desktop.gui.queue_page.details_pane import DetailsPane
from exai_desktop.gui.queue_page.model import QueueModel
from exai_desktop.gui.queue_page.progress_strip import ProgressStrip
from exai_desktop.gui.queue_page.reason_rows import ReasonPanel
from exai_desktop.gui.queue_page.send_menu import SendMenu
from exai_desktop.gui.queue_page.state_look import ATTENTION, GROUPS
from exai_desktop.gui.queue_page.view import EmptyQueue, QueueView
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.chip_filter import ChipFilter
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.record_page import ROOM_FOR_DETAILS, RecordArea, RecordPage
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

# So many files of one reason are a group.
_A_GROUP: Final = 2
# Counts change several times a second; the groups are read less often.
_READ_AFTER_MS: Final = 150
# In a lower page one group is seen at a time.
_ROOM_FOR_GROUPS: Final = 560


class QueuePage(RecordPage):
    """Puts the parts together and keeps what they show in step."""

    selection_moved = Signal()
    # Another page is shown, and this one has something to show.
    wanted = Signal()

    def __init__(
        self,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        commands: QueueCommands,
        choosers: tuple[Callable[[], object], Callable[[], object]],
    ) -> None:
        super().__init__()
        self._client = client
        self._commands = commands
        self._wants_details = True
        self._wanted_job: int | None = None
        # What was moved by a step stays in sight.
        self._is_followed = False
        on_files, on_folder = choosers
        self.model = QueueModel(client, tasks, self)
        self.view = QueueView(self.model, theme)
        self.filter = ChipFilter(theme, GROUPS, "Search the queue", "Search name, path, ID or hash")
        self.filter.show_counts({}, 0)
        self.reasons = ReasonPanel(theme, commands.perform_group)
        self._reasons_timer = QTimer(self)
        self._reasons_timer.setSingleShot(True)
        self._reasons_timer.setInterval(_READ_AFTER_MS)
        self._reasons_timer.timeout.connect(lambda: tasks.start(self._read_reasons()))
        self._stopped: tuple[int, ...] = ()
        self._has_late_groups = False
        self.send_menu = SendMenu(theme)
        self.details = DetailsPane(theme, table, commands.perform, commands.settle)
        self.strip = ProgressStrip(theme, commands.pause_queue)
        self.empty = EmptyQueue(theme, on_files, on_folder)
        self.details_toggle = Button(
            theme, "Details", self.toggle_details, icon="panel", kind="ghost", name="Details pane"
        )
        self.details_toggle.setCheckable(True)
        self.details_toggle.setChecked(True)
        self.add_files = Button(theme, "Add files", on_files, icon="plus", kind="primary")
        self.add_folder = Button(theme, "Add folder", on_folder, icon="folder")
        self._area = RecordArea(
            "Queue and details",
            self.view,
            self.details,
            self.empty,
            lambda: tasks.start(self._read_detail()),
        )
        commands.selection = self.view.selected_jobs
        commands.large_selection = self.view.selected_range
        commands.on_deleted = self._area.read_detail_soon
        commands.on_move = self._before_move
        self._assemble()
        self._connect()

    def _assemble(self) -> None:
        head = row(self.add_files, self.add_folder, self.send_menu, 0, self.details_toggle, gap=8)
        filters = QWidget()
        filters.setLayout(column(self.filter, self.reasons, gap=12))
        whole = column(self.body(head, filters, self._area), self.strip, gap=0)
        whole.setStretch(0, 1)
        self.setLayout(whole)

    def _connect(self) -> None:
        self.filter.changed.connect(self._choose_rows)
        self.reasons.opened.connect(self._choose_rows)
        self.view.selection_moved.connect(self._on_selection)
        self.view.opened.connect(self.open_details)
        self.view.moved.connect(self._commands.move_to)
        self.model.loaded.connect(self._on_selection)
        self.model.loaded.connect(self._select_wanted)
        self.model.loaded.connect(self._follow_moved)

    def restart(self, summary: QueueSummary) -> None:
        """Another engine is behind the client."""
        self.details.show_nothing()
        self._stopped = ()
        self.strip.restart()
        self.model.restart()
        self.show_summary(summary)

    def apply(self, news: News) -> None:
        """What the engine said."""
        if news.accounts is not None:
            self.send_menu.show_accounts(news.accounts)
        self.model.apply(news)
        if news.summary is not None:
            self.show_summary(news.summary)
        shown = self.details.job_id
        if shown is None:
            if news.changed:
                self._on_selection()
        elif shown in news.changed:
            self.details.show_job(news.changed[shown], self.model.progress_of(shown))
            self._area.read_detail_soon()
            self.selection_moved.emit()
        elif shown in news.progress:
            self.details.show_progress(news.progress[shown])

    def _choose_rows(self) -> None:
        """What the filter says; files that have one reason stand above the list as a group."""
        shown, text = self.filter.states, self.filter.text
        has_groups = not text and shown in (GROUPS[0].states, ATTENTION.states)
        self.reasons.setVisible(has_groups and bool(self.reasons.rows))
        reason = self.reasons.open_key if has_groups else None
        if reason is not None:
            self.model.filter((), "", reason)
        else:
            self.model.filter(shown, text, None, tuple(self.reasons.rows) if has_groups else ())

    async def _read_reasons(self) -> None:
        # A file alone is shown as what it is.
        found = [g for g in await self._client.receipts.reasons() if g.files >= _A_GROUP]
        is_other = [group.key for group in found] != list(self.reasons.rows)
        # Other rows would end a selection that somebody is making.
        self._has_late_groups = is_other and self.view.selected_count() > 1
        if not self._has_late_groups and self.reasons.show_groups(found):
            self._choose_rows()

    def show_summary(self, summary: QueueSummary) -> None:
        """Counts everywhere."""
        stopped = tuple(summary.counts.get(state, 0) for state in STOPPED)
        if stopped != self._stopped:
            self._stopped = stopped
            if not self._reasons_timer.isActive():
                self._reasons_timer.start()
        self.filter.show_counts(summary.counts, summary.total)
        self.strip.show_summary(summary, self.model.moving())
        is_empty = summary.total == 0
        self._area.show_empty(is_empty)
        # The empty page has these two itself, larger.
        for part in (self.add_files, self.add_folder):
            part.setVisible(not is_empty)
        self.filter.setVisible(not is_empty)
        self.details_toggle.setVisible(not is_empty)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the list comes first; the pane returns when there is room."""
        was_wide = event.oldSize().width() >= ROOM_FOR_DETAILS
        is_wide = event.size().width() >= ROOM_FOR_DETAILS
        if was_wide != is_wide:
            self._show_details(is_wide and self._wants_details)
        self.reasons.show_at_most(4 if event.size().height() >= _ROOM_FOR_GROUPS else 1)
        super().resizeEvent(event)

    def show_batch(self, batch_id: int, *, receipt: bool) -> None:
        """What a message about a batch offers: its receipt, or the files that need somebody."""
        if receipt:
            self._commands.open_receipt(ReceiptScope(batch=batch_id))
            return
        self.wanted.emit()
        self.filter.search.clear()
        self.filter.choose(ATTENTION.title)

    def show_order(self, order: str) -> None:
        """`newest` or `sending`, while no column is sorted by."""
        is_line = order == "sending"
        self.model.sort_usually(SortKey.LINE if is_line else SortKey.ID, descending=not is_line)

    def _before_move(self, to: LinePlace, jobs: Sequence[JobView]) -> bool:
        """What goes far away is not followed by the selection, which would mean other files then;
        at the front it is shown. Whether the list shows the order at all."""
        if self.model.query.sort is not SortKey.LINE:
            return False
        if to.spot in (Spot.FIRST, Spot.LAST):
            self.view.clearSelection()
        if to.spot is Spot.FIRST:
            self.view.scrollToTop()
            self._wanted_job = jobs[0].id
        elif self.view.currentIndex().isValid():
            self._is_followed = to.spot is not Spot.LAST
        return True

    def _follow_moved(self) -> None:
        if self._is_followed:
            self._is_followed = False
            self.view.scrollTo(self.view.currentIndex())

    def show_job(self, job_id: int) -> None:
        """Select it, as soon as the list has it."""
        self._wanted_job = job_id
        self._select_wanted()

    def _select_wanted(self) -> None:
        row = None if self._wanted_job is None else self.model.row_of(self._wanted_job)
        if row is None:
            return
        self._wanted_job = None
        self.view.selectRow(row)
        self.view.scrollTo(self.model.index(row, 0))

    def toggle_details(self) -> None:
        """Show or hide the pane."""
        self._wants_details = self.details.isHidden()
        self._show_details(self._wants_details)

    def open_details(self) -> None:
        """Show the pane, if it was hidden."""
        if self.details.isHidden():
            self.toggle_details()

    def _show_details(self, wanted: bool) -> None:
        self.details.setVisible(wanted)
        self.details_toggle.setChecked(wanted)

    def _on_selection(self) -> None:
        jobs = self.view.loaded_selection()
        count = self.view.selected_count()
        if self._has_late_groups and count <= 1:
            self._reasons_timer.start()
        if count > 1:
            self.details.show_many(jobs, count)
        elif jobs:
            self.details.show_job(jobs[0], self.model.progress_of(jobs[0].id))
            self._area.read_detail_soon()
        else:
            self.details.show_nothing()
        self.selection_moved.emit()

    async def _read_detail(self) -> None:
        job_id = self.details.job_id
        if job_id is not None:
            self.details.show_detail(await self._client.queue.job(job_id))
