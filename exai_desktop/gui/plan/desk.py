"""Files on their way into the queue: a few go at once, of many the plan is shown first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.core.planning.plan import ChangedPlan, PlanChange, PlanMove, UploadPlan
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.plan import words
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

if TYPE_CHECKING:  # loaded when the first plan is shown
    from exai_desktop.gui.plan.page import PlanPage

# A wait that nobody needs to be told of.
SILENT_S: Final = 0.4
# The plan has to be made anew.
_OUTDATED: Final = frozenset({ErrorCode.PLAN_OUTDATED, ErrorCode.UNKNOWN_PLAN})


class _Shown:
    """The plan before the user."""

    def __init__(self, number: int, paths: Sequence[str], options: AddOptions) -> None:
        self.number = number
        self.paths = paths
        self.options = options
        self.over = asyncio.Event()


class PlanDesk(QObject):
    """`changed`: a plan is shown, or none is any more."""

    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        table: ProviderTable,
        client: EngineClient,
        tasks: SlotTasks,
        notices: NoticeBar,
    ) -> None:
        super().__init__()
        self._theme = theme
        self._table = table
        self._client = client
        self._tasks = tasks
        self._notices = notices
        self._turn = asyncio.Lock()
        # Another engine, another era: a plan of an earlier one is nowhere any more.
        self._era = 0
        self._shown: _Shown | None = None
        self._page: PlanPage | None = None

    @property
    def page(self) -> PlanPage | None:
        """None: no plan waits for the user."""
        return self._page if self._shown is not None else None

    def add(self, paths: Sequence[str], options: AddOptions) -> None:
        """Take files and folders into the queue; of very many the plan is shown first."""
        if paths:
            self._tasks.start(self.take(paths, options))

    async def take(
        self,
        paths: Sequence[str],
        options: AddOptions,
        accepted: Callable[[], object] = lambda: None,
    ) -> None:
        """`accepted`: called when they are in the queue, or their plan is before the user."""
        most = (await self._client.settings.saved()).plan_above_files
        if most and await self.is_planned(paths, options, most, accepted):
            return
        await self._client.queue.add(paths, options)
        accepted()

    async def is_planned(
        self,
        paths: Sequence[str],
        options: AddOptions,
        most: int,
        accepted: Callable[[], object] = lambda: None,
    ) -> bool:
        """Show the plan if there are more files than so many, until it is sent or given up."""
        number = await self._client.queue.plan(paths, options, editable=True)
        plan = await self._first_counts(number, most)
        if plan.files > most:
            import exai_desktop.gui.plan.page  # noqa: F401 - the work of one turn

            await asyncio.sleep(0)
            await self._show(_Shown(number, paths, options), plan, accepted)
            return True
        await self._client.queue.drop_plan(number)
        return False

    async def _first_counts(self, number: int, most: int) -> UploadPlan:
        """Until there are more than so many, or no more."""
        begun, is_said = time.monotonic(), False
        while True:
            plan = (await self._client.queue.planned(number)).plan
            if plan.files > most or plan.is_whole:
                return plan
            if not is_said and time.monotonic() - begun > SILENT_S:
                is_said = True
                self._say("Checking the files you added…", "Nothing is sent yet.")

    async def _show(self, shown: _Shown, plan: UploadPlan, accepted: Callable[[], object]) -> None:
        """One plan at a time; the next one follows when it is sent or given up."""
        era = self._era
        if self._turn.locked():
            self._say("Another plan is open", "The plan of these files is shown after it.")
        async with self._turn:
            if era != self._era:
                return
            page = self._page = self._page or self._made()
            # A page is made, filled and shown in turns: what is typed or clicked comes between.
            await asyncio.sleep(0)
            self._shown = shown
            try:
                page.begin(plan)
                await asyncio.sleep(0)
                self.changed.emit()
                accepted()
                await self._count(shown, page)
                await shown.over.wait()
            finally:
                self._shown = None
                self.changed.emit()

    async def _count(self, shown: _Shown, page: PlanPage) -> None:
        """Go on with the plan until it is whole, and show how far it has come."""
        number = shown.number
        while not page.plan.is_whole and not shown.over.is_set() and shown.number == number:
            try:
                plan = (await self._client.queue.planned(number)).plan
            except AppError as error:
                if not shown.over.is_set():
                    page.tell_error(error, is_outdated=True)
                return
            # A stop may have been answered meanwhile.
            if not shown.over.is_set() and not page.plan.is_whole:
                page.show_plan(plan)

    def _made(self) -> PlanPage:
        from exai_desktop.gui.plan.page import PlanPage

        page = PlanPage(self._theme, self._table)
        page.moved.connect(self._move)
        page.allowed.connect(self._allow)
        page.stopped.connect(self._stop)
        page.renewed.connect(lambda: self._do(self._renew))
        page.sent.connect(lambda: self._do(self._send))
        page.cancelled.connect(self.give_up)
        return page

    def _do(self, act: Callable[[_Shown, PlanPage], Coroutine[Any, Any, None]]) -> None:
        """Carry it out while nothing else can be chosen; what cannot be done is told there."""
        if self._shown is not None and self._page is not None:
            self._page.set_busy(True)
            self._tasks.start(self._done(act, self._shown, self._page))

    async def _done(
        self,
        act: Callable[[_Shown, PlanPage], Coroutine[Any, Any, None]],
        shown: _Shown,
        page: PlanPage,
    ) -> None:
        try:
            await act(shown, page)
        except AppError as error:
            page.set_busy(False)
            page.tell_error(error, is_outdated=error.code in _OUTDATED)
        finally:
            page.set_busy(False)

    def _move(self, moves: Sequence[PlanMove]) -> None:
        async def move(shown: _Shown, page: PlanPage) -> None:
            moved, kept, plan = 0, dict[str, int](), page.plan
            failed: AppError | None = None
            for each in moves:
                try:
                    answer = await self._change(shown, PlanChange(move=each))
                except AppError as error:
                    failed = error
                    continue
                moved, plan = moved + answer.moved, answer.plan
                for title, files in answer.kept:
                    kept[title] = kept.get(title, 0) + files
            if failed is not None and not moved:
                raise failed
            answer = ChangedPlan(plan, moved, tuple(kept.items()))
            self._tell(page, answer, moves[0].target)
            if failed is not None:
                page.tell_error(failed)

        self._do(move)

    def _allow(self, name: str) -> None:
        async def allow(shown: _Shown, page: PlanPage) -> None:
            self._tell(page, await self._change(shown, PlanChange(allow=name)), name)

        self._do(allow)

    async def _change(self, shown: _Shown, change: PlanChange) -> ChangedPlan:
        answer: ChangedPlan = await self._client.queue.change_plan(shown.number, change)
        return answer

    def _tell(self, page: PlanPage, answer: ChangedPlan, target: str | None) -> None:
        page.set_busy(False)
        page.show_plan(answer.plan)
        page.tell(words.move_text(answer, target), target)

    def _stop(self) -> None:
        async def stop(shown: _Shown, page: PlanPage) -> None:
            page.show_plan((await self._change(shown, PlanChange(stop=True))).plan)

        self._do(stop)

    async def _renew(self, shown: _Shown, page: PlanPage) -> None:
        """The same files again: what the user had changed is asked for anew."""
        await self._client.queue.drop_plan(shown.number)
        shown.number = await self._client.queue.plan(shown.paths, shown.options, editable=True)
        page.begin((await self._client.queue.planned(shown.number)).plan)
        await self._count(shown, page)

    async def _send(self, shown: _Shown, _page: PlanPage) -> None:
        await self._client.queue.send_plan(shown.number)
        shown.over.set()

    def give_up(self) -> None:
        """Nothing of it is sent; the next plan, if there is one, comes to the user."""
        shown = self._shown
        if shown is not None and not shown.over.is_set():
            shown.over.set()
            self._tasks.start(self._client.queue.drop_plan(shown.number))

    def forget(self) -> None:
        """The engine behind it is gone, and its plans with it."""
        self._era += 1
        if self._shown is not None:
            self._shown.over.set()

    def _say(self, title: str, text: str) -> None:
        self._notices.show_notice(title, text, Tone.ACTIVE)
