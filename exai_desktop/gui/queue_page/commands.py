"""What the user does to files: each command is a coroutine, its failure a notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.jobs.jobs import FINAL, JobQuery, JobState, JobView
from exai_desktop.core.jobs.line import LinePlace
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from exai_desktop.core.jobs.reasons import ReasonGroup
from exai_desktop.core.jobs.receipts import ReceiptScope
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.notices.delayed_deletion import DelayedDeletion
from exai_desktop.gui.notices.delayed_removal import DelayedRemoval
from exai_desktop.gui.notices.notice_bar import NoticeAction, NoticeBar
from exai_desktop.gui.queue_page.job_actions import MOVES, ORDERS, Action, fits
from exai_desktop.gui.queue_page.reason_rows import GROUP_ORDERS, GroupAction, explanation_of
from exai_desktop.gui.queue_page.send_menu import CONSENT, by_objection, consent_question
from exai_desktop.gui.style.plain_text import PlainQuestion
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.copy_line import copy_text
from exai_desktop.gui.widgets.row_table import MOST_LISTED
from exai_desktop.gui.widgets.slot_tasks import SlotTasks
from exai_desktop.gui.widgets.text_dialogs import TextDialog

HOUR_S: Final = 3_600.0

Selection = Callable[[], Awaitable[list[JobView]]]
LargeSelection = Callable[[], Awaitable[JobRange | None]]


class QueueCommands:
    """Between keys, menus and buttons on one side and the engine on the other."""

    def __init__(
        self,
        window: QWidget,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        notices: NoticeBar,
        deletions: DelayedDeletion,
    ) -> None:
        self._window = window
        self._theme = theme
        self._table = table
        self._client = client
        self._tasks = tasks
        self._notices = notices
        self._deletions = deletions
        self.removal = DelayedRemoval(window, notices, tasks, deletions)
        # The page tells which jobs are meant.
        self.selection: Selection = _nothing
        self.large_selection: LargeSelection = _not_large
        self.on_deleted: Callable[[], object] = lambda: None
        # Before jobs are moved in the line; whether the list shows its order.
        self.on_move: Callable[[LinePlace, Sequence[JobView]], bool] = lambda _to, _jobs: True
        self.show_line: Callable[[], object] = lambda: None
        self.on_order: Callable[[str], object] = lambda _order: None

    def pause_queue(self, wanted: bool) -> None:
        """The whole queue; files under way finish."""
        self._tasks.start(self._client.queue.pause() if wanted else self._client.queue.resume())

    def pause_for_an_hour(self) -> None:
        """The whole queue; it goes on by itself."""
        self._tasks.start(self._client.queue.pause(None, HOUR_S))

    def limit_speed(self, bytes_per_s: int) -> None:
        """Over all accounts, at once; 0: none."""
        self._tasks.start(self._client.settings.change("upload_bytes_per_s", str(bytes_per_s)))

    def choose_order(self, order: str) -> None:
        """Of the list: `newest` or `sending`."""
        self.on_order(order)
        self._tasks.start(self._client.settings.change("list_order", order))

    def wait_when(self, name: str, wanted: bool) -> None:
        """`name` is `on_battery` or `on_metered`."""
        self._tasks.start(self._client.settings.change(name, "wait" if wanted else "go"))

    def retry_failed(self) -> None:
        """All that failed, wherever they are in the list."""
        self._tasks.start(self._client.queue.retry(None))

    def retry_gone(self) -> None:
        """All whose id no longer works, wherever they are in the list."""
        self._tasks.start(self._client.queue.retry(None, gone=True))

    def clear_finished(self) -> None:
        """Forget all that is finished, unless it is undone; the files at the providers stay."""
        self._tasks.start(self._clear_finished())

    async def _clear_finished(self) -> None:
        """Only what is finished at the click: nobody has seen what fails in the seconds after."""
        files, jobs = await self._now_in(JobQuery(states=tuple(sorted(FINAL))))
        if files:
            order = partial(self._client.queue.order, RangeOrder.REMOVE, jobs)
            self.removal.begin(files, order)
        else:
            self._say("No file is finished yet", "")

    async def _now_in(self, query: JobQuery) -> tuple[int, JobRange]:
        """All that a list has at this moment, and how many that is."""
        page = await self._client.queue.page(replace(query, limit=1))
        return page.total, JobRange(query, ((None, None),), page.newest, page.moment)

    def undo(self) -> None:
        """Whatever waits for its seconds to be over."""
        if self.removal.is_open:
            self.removal.undo()
        else:
            self._deletions.undo()

    def settle(self, job_id: int, remote_id: str | None) -> None:
        """The answer to a job that needs review."""
        self._tasks.start(self._client.queue.settle(job_id, remote_id))

    def perform(self, action: Action) -> None:
        """Do this to every selected job it fits."""
        self._tasks.start(self._perform(action))

    def pause_or_resume(self) -> None:
        """Pause what can be paused; if nothing can, resume."""
        self._tasks.start(self._pause_or_resume())

    async def _pause_or_resume(self) -> None:
        many = await self.large_selection()
        if many is not None:
            if not await self._client.queue.order(RangeOrder.PAUSE, many):
                await self._client.queue.order(RangeOrder.RESUME, many)
            return
        jobs = await self.selection()
        can_pause = any(fits(Action.PAUSE, job) for job in jobs)
        await self._carry_out(Action.PAUSE if can_pause else Action.RESUME, jobs)

    async def _perform(self, action: Action) -> None:
        many = await self.large_selection()
        if many is None:
            await self._carry_out(action, await self.selection())
        elif action is Action.COPY_ID:
            await self._copy_ids_of(many)
        elif action is Action.RECEIPT:
            self.open_receipt(ReceiptScope(jobs=many))
        elif action in ORDERS:
            if not await self._client.queue.order(ORDERS[action], many):
                self._say_none_fits(action)
        else:
            self._say("Too many files are selected", f"Select at most {MOST_LISTED:,} for this.")

    def _say_none_fits(self, action: Action) -> None:
        if action is Action.REMOVE:
            self._say("These files are still in progress", "Cancel them first, then remove them.")

    async def _carry_out(self, action: Action, jobs: Sequence[JobView]) -> None:
        meant = [job for job in jobs if fits(action, job, self._table)]
        if not meant:
            if jobs:
                self._say_none_fits(action)
            return
        orders = self._orders
        if action in MOVES:
            await self._reorder(meant, LinePlace(MOVES[action]))
        elif action in orders:
            await orders[action]([job.id for job in meant])
        elif action is Action.DELETE_REMOTE:
            await self._delete_soon(meant)
        elif action is Action.SEND_ANYWAY:
            await self._ask_consent(meant)
        elif action is Action.RECEIPT:
            self.open_receipt(ReceiptScope(ids=tuple(job.id for job in meant)))
        elif action is Action.SHOW_TEXT:
            await self._show_text(meant[0])
        else:
            self._copy_ids(meant)

    @property
    def _orders(self) -> dict[Action, Callable[[list[int]], Awaitable[object]]]:
        """The commands that are nothing but one order to the engine."""
        client = self._client
        return {
            Action.PAUSE: client.queue.pause,
            Action.RESUME: client.queue.resume,
            Action.CANCEL: client.queue.cancel,
            Action.RETRY: client.queue.retry,
            Action.ALLOW_FALLBACK: partial(client.queue.retry, allow_fallback=True),
            Action.REMOVE: client.queue.remove,
        }

    def move_to(self, to: LinePlace) -> None:
        """The selected files, to where they were dropped in the list."""
        self._tasks.start(self._move_to(to))

    async def _move_to(self, to: LinePlace) -> None:
        meant = [job for job in await self.selection() if fits(Action.FIRST, job)]
        if meant:
            await self._reorder(meant, to)

    async def _reorder(self, jobs: Sequence[JobView], to: LinePlace) -> None:
        is_seen = self.on_move(to, jobs)
        await self._client.queue.reorder([job.id for job in jobs], to)
        if not is_seen:
            what = count_text(len(jobs), "file was moved", "files were moved")
            text = "The list shows the newest files on top, not the order of sending."
            actions = (NoticeAction("&Show the order", self.show_line),)
            self._notices.show_notice(f"{what} in the queue", text, Tone.GOOD, actions)

    def _copy_ids(self, jobs: Sequence[JobView]) -> None:
        """An id that works no more is not given out."""
        ids = [job.file_id or "" for job in jobs if job.file_state is None]
        gone = [job.error for job in jobs if job.file_state is not None and job.error]
        if not ids:
            self._notices.show_error(gone[0])
            return
        copy_text("\n".join(ids))
        self._say_copied(len(ids), len(gone), ids[0])

    async def _copy_ids_of(self, many: JobRange) -> None:
        """Piece by piece as text: no list of a million ids."""
        texts, count, gone = [], 0, 0
        after: int | None = 0
        while after is not None:
            piece = await self._client.queue.file_ids(many, after)
            texts += [piece.text] if piece.text else []
            count, gone, after = count + piece.count, gone + piece.gone, piece.last
        if not count:
            self._say("No file ID was copied", "None of these files has an ID that is valid now.")
            return
        copy_text("\n".join(texts))
        self._say_copied(count, gone, texts[0])

    def _say_copied(self, count: int, gone: int, first: str) -> None:
        left_out = f" {count_text(gone, 'ID', 'IDs')} left out: no longer valid." if gone else ""
        if count == 1:
            self._say("File ID copied", f"{first}{'.' if gone else ''}{left_out}", Tone.GOOD)
        else:
            self._say(f"{count:,} file IDs copied", f"One per line.{left_out}", Tone.GOOD)

    async def _delete_soon(self, jobs: Sequence[JobView]) -> None:
        delete = self._client.files.delete_of_job
        # Equal files have one id: it is deleted once.
        by_file = {(job.account or "", job.file_id or ""): job.id for job in jobs}
        orders = {("job", job_id): partial(delete, job_id) for job_id in by_file.values()}
        entries = await self._client.entries_of(by_file)
        self._deletions.add(orders, self.on_deleted, entries=entries)

    async def _ask_consent(self, jobs: Sequence[JobView]) -> None:
        """Each file for what was found in it, not for what was found in its neighbour, nor for
        what is found in it while the question is open."""
        meant = []
        for code, ids in by_objection(jobs).items():
            reason = JobState.REFUSED, code
            _, found = await self._now_in(JobQuery(ids=tuple(ids), reason=reason))
            meant.append(found)
        question = PlainQuestion(*consent_question(jobs), self._window)
        question.accepted.connect(lambda: self._tasks.start(self._send_anyway(len(jobs), meant)))
        question.open()

    async def _send_anyway(self, files: int, meant: Sequence[JobRange]) -> None:
        sent = 0
        for jobs in meant:
            sent += await self._client.queue.order(RangeOrder.SEND_ANYWAY, jobs)
        if sent < files:
            self._say(f"{count_text(sent, 'file', 'files')} back in the queue", _left(files - sent))

    def perform_group(self, group: ReasonGroup, action: GroupAction) -> None:
        """Do this to all files that have one reason, wherever they are in the list."""
        if action is GroupAction.EXPLAIN:
            note = count_text(group.files, "file has this reason.", "files have this reason.")
            text = explanation_of(group)
            TextDialog(self._window, self._theme, group.title, text, note).open()
        else:
            self._tasks.start(self._perform_group(group, action))

    async def _perform_group(self, group: ReasonGroup, action: GroupAction) -> None:
        """The files of this moment: a yes is not for those that come while the question is open."""
        files, jobs = await self._now_in(JobQuery(reason=group.key))
        if action is not GroupAction.SEND_ANYWAY:
            await self._order_group(group, action, jobs, files)
            return
        title = f"Send {count_text(files, 'file', 'files')} anyway?"
        text = f"{group.title}. {CONSENT}"
        question = PlainQuestion(title, text, "Send anyway", self._window)
        question.accepted.connect(
            lambda: self._tasks.start(self._order_group(group, action, jobs, files))
        )
        question.open()

    async def _order_group(
        self, group: ReasonGroup, action: GroupAction, jobs: JobRange, files: int
    ) -> None:
        """`files`: how many there were when it was asked."""
        done = await self._client.queue.order(GROUP_ORDERS[action], jobs)
        what = "removed from the list" if action is GroupAction.REMOVE else "back in the queue"
        text = f"{group.title}. {_left(files - done)}" if done < files else group.title
        tone = Tone.GOOD if done == files else Tone.CARE
        self._say(f"{count_text(done, 'file', 'files')} {what}", text, tone)

    def open_receipt(self, scope: ReceiptScope) -> None:
        """What became of these files; of nothing said, of those added last."""
        from exai_desktop.gui.queue_page.receipt_dialog import ReceiptDialog  # late: start-up

        ReceiptDialog(self._window, self._theme, self._client, self._tasks, scope).open()

    async def _show_text(self, job: JobView) -> None:
        text = await self._client.files.text_of_job(job.id)
        TextDialog(self._window, self._theme, f"Text of {job.name}", text).open()

    def _say(self, title: str, text: str, tone: Tone = Tone.CARE) -> None:
        self._notices.show_notice(title, text, tone)


def _left(files: int) -> str:
    number = count_text(files, "file was", "files were")
    return f"{number} left out: changed since, or not possible for them. Look at them again."


async def _nothing() -> list[JobView]:
    return []


async def _not_large() -> JobRange | None:
    return None
