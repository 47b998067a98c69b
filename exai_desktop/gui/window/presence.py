"""Where the program is while its window is closed: in the tray, else minimised. Closing the window
asks once what it shall mean; nothing that runs is lost by it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import JobQuery, SortKey
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.engine.thread import EngineStoppedError
from exai_desktop.gui.notices.notification_daemon import NotificationDaemon
from exai_desktop.gui.notices.system_notifications import (
    BATCH_KEY,
    SystemNotifications,
    problem_key,
)
from exai_desktop.gui.queue_page.state_look import ATTENTION, DONE
from exai_desktop.gui.style.plain_text import PlainChoice, set_tray_tip
from exai_desktop.gui.tray.menu import MOST_RECENT, TrayMenu, TrayOrders
from exai_desktop.gui.tray.tray import Tray
from exai_desktop.gui.widgets.copy_line import copy_text
from exai_desktop.gui.window.background_menu import BackgroundMenu
from exai_desktop.gui.window.tray_words import TrayFacts

if TYPE_CHECKING:
    from exai_desktop.core.events import ProblemRaised, ProblemSolved
    from exai_desktop.core.settings import Settings
    from exai_desktop.gui.window.main_window import MainWindow
    from exai_desktop.gui.window.parts import Parts

log = logging.getLogger(__name__)

# A panel that is started anew is away for a moment: the window stays where it is.
TRAY_MAY_BE_AWAY_MS: Final = 5_000
# The tray needs no more: nobody reads faster.
_SHOW_EVERY_MS: Final = 1_000

# The key of a problem that goes with the next start.
START_FAILED: Final = "start failed"
# Quit does not wait for a disk.
ENDS_WITHIN_S: Final = 2.0
# A session whose end was called off goes on.
SESSION_ENDS_WITHIN_MS: Final = 60_000

_KEEP, _QUIT = "keep_running", "quit"
_WAYS: Final = ("&Keep running", "&Quit")
_LATER: Final = " You can change this in the menu View, Tray and notifications."
_IN_TRAY: Final = (
    "EXAI Desktop then stays in the tray, and uploads continue. If you quit, they continue at the"
    " next start."
)
_NO_TRAY: Final = (
    "This desktop has no tray: the window is minimised, and uploads continue. If you quit, they"
    " continue at the next start."
)


class Presence(QObject):
    """Sees to tray, closing and notifications of one window."""

    def __init__(self, window: MainWindow, parts: Parts, app_id: str) -> None:
        super().__init__(window)
        self._window = window
        self._parts = parts
        self._settings: Settings | None = None
        self._facts = TrayFacts()
        self._is_ending = False
        self._hides_when_tray_comes = False
        self.question: PlainChoice | None = None
        self.closing: list[Callable[[], Awaitable[None]]] = []
        self.tray = Tray(TrayMenu(self._orders(), self._set_icon), set_tray_tip, self)
        self.tray.changed.connect(self._on_tray)
        self.daemon = NotificationDaemon(self, app_id)
        self.daemon.chosen.connect(self._open_at)
        self.notifications = SystemNotifications(
            self.daemon,
            parts.tasks.start,
            window.isActiveWindow,
            self._name_of,
            self.tray.show_message,
            self,
        )
        self.tray.message_clicked.connect(window.come_to_front)
        # What depends on the time of day is right at least when somebody looks.
        self.tray.menu.aboutToShow.connect(self._show_facts)
        self.background = BackgroundMenu(self, self._change)
        self.background.fill(window.menu_actions.view_menu)
        self._away = self._timer(TRAY_MAY_BE_AWAY_MS, self._come_back)
        self._session_goes_on = self._timer(SESSION_ENDS_WITHIN_MS, self._on_session_goes_on)
        self._show_soon = self._timer(_SHOW_EVERY_MS, self._show_facts)
        window.on_close = self.close_window
        window.leaving.connect(self._on_leaving)
        window.entered.connect(self._on_entered)
        window.start_failed.connect(self._on_start_failed)
        window.installEventFilter(self)
        parts.bridge.news_arrived.connect(self.take_news)
        # At the end of the session nobody is asked, and nobody waits for an answer.
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.commitDataRequest.connect(
            self._on_session_end, Qt.ConnectionType.DirectConnection
        )

    def _timer(self, interval_ms: int, slot: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(slot)
        return timer

    def _orders(self) -> TrayOrders:
        window, commands = self._window, self._window.commands
        return TrayOrders(
            open=window.come_to_front,
            files=self._in_front(window.intake.choose_files),
            paste=self._in_front(window.intake.paste),
            pause=lambda: commands.pause_queue(True),
            pause_hour=commands.pause_for_an_hour,
            resume=lambda: commands.pause_queue(False),
            problems=lambda: self.show_files(ATTENTION.title),
            settings=self._in_front(window.open_settings),
            quit=window.close_wanted.emit,
            copy=self._copy,
        )

    def _in_front(self, order: Any) -> Any:
        """With the window: a dialog of one that is hidden would be alone."""

        def carry_out() -> None:
            self._window.come_to_front()
            # Behind its first focus: some systems show the clipboard to whoever has it only.
            QTimer.singleShot(0, self._window, order)

        return carry_out

    def _set_icon(self, action: Any, icon: str) -> None:
        self._parts.theme.set_icon(action, icon, "muted")

    def _copy(self, file_id: str) -> None:
        copy_text(file_id)

    # -- start

    def begin(self, options: Collection[str]) -> None:
        """Show the window, or what stands for it: hidden only where a tray brings it back."""
        if "--minimized" not in options:
            self._window.show()
        elif not self.tray.is_there:
            # At login the panel may come after us.
            self._hides_when_tray_comes = True
            self._window.showMinimized()

    def _on_entered(self, settings: Settings) -> None:
        """An engine is behind the window."""
        self._facts.accounts = self._window.accounts
        self._take_settings(settings)
        self._parts.tasks.start(self._read())

    def _on_leaving(self) -> None:
        """The engine is exchanged: what is said from now on is of the next one, which may have
        problems before it is through with its start."""
        self._facts = TrayFacts()
        self.notifications.restart()
        self._show_facts()

    async def _read(self) -> None:
        facts, before = self._facts, self._facts.summary
        summary = await self._parts.client.queue.summary()
        if facts.summary is before:  # else news has come meanwhile: it is newer
            facts.summary = summary
        self._show_facts()
        await self._read_recent()

    async def _read_recent(self) -> None:
        query = JobQuery(states=DONE.states, sort=SortKey.UPDATED, limit=MOST_RECENT * 2)
        page = await self._parts.client.queue.page(query)
        found = [job for job in page.rows if job.file_id and job.file_state is None]
        # Equal files share an id: once is enough.
        by_id = {job.file_id: job for job in reversed(found)}
        self._facts.recent = tuple(reversed(by_id.values()))[:MOST_RECENT]
        self._show_facts()

    def _on_start_failed(self, title: str) -> None:
        """Nobody would know of it while the window is hidden."""
        self._facts.problems[START_FAILED] = title
        self._show_facts()
        if not self._window.isVisible():
            self._hides_when_tray_comes = False
            self._window.showMinimized()

    # -- settings

    def _take_settings(self, settings: Settings) -> None:
        self._settings = settings
        self._facts.shows_names = settings.notify_file_names
        self.notifications.take_settings(settings)
        self.background.show_settings(settings)
        self.tray.choose(settings.tray_icon)
        self._show_facts()
        if not self.tray.is_there and not self._window.isVisible():
            self._window.showMinimized()

    def _change(self, name: str, value: str) -> None:
        self._parts.tasks.start(self._save(name, value))

    async def _save(self, name: str, value: str) -> None:
        """What could not be saved is shown as it is."""
        settings = self._parts.client.settings
        try:
            await settings.change(name, value)
        finally:
            self._take_settings(await settings.saved())

    # -- news

    def take_news(self, news: News) -> None:
        """Little is done while nobody looks: the tray follows once a second."""
        facts = self._facts
        if news.summary is not None:
            facts.summary = news.summary
        if news.accounts is not None:
            facts.accounts = news.accounts
        self._note_problems(news.problems)
        self.notifications.note_problems(news.problems)
        self.notifications.note_batches(news.finished)
        if news.finished:
            if not self._window.isActiveWindow():
                facts.news += sum(b.refused + b.failed for b in news.finished)
            self._parts.tasks.start(self._read_recent())
        if news.are_settings_changed:
            self._parts.tasks.start(self._read_settings())
        is_news = news.summary or news.accounts is not None or news.problems
        if is_news and not self._show_soon.isActive():
            self._show_soon.start()

    def _note_problems(self, problems: Sequence[ProblemRaised | ProblemSolved]) -> None:
        from exai_desktop.core.events import ProblemRaised

        for event in problems:
            key = problem_key(event.error, event.account)
            self._facts.problems.pop(key, None)
            if isinstance(event, ProblemRaised):
                where = f"{event.account}: " if event.account else ""
                self._facts.problems[key] = f"{where}{event.error.title}"

    async def _read_settings(self) -> None:
        self._take_settings(await self._parts.client.settings.saved())

    def _show_facts(self) -> None:
        self.tray.show_view(self._facts.view())

    async def _name_of(self, batch_id: int) -> str:
        try:
            page = await self._parts.client.queue.page(JobQuery(batch_id=batch_id, limit=1))
        except (AppError, EngineStoppedError):
            return ""
        return page.rows[0].name if page.rows else ""

    # -- closing and coming back

    def close_window(self) -> None:
        """As the setting says; without a word about it the user is asked."""
        wanted = "ask" if self._settings is None else self._settings.on_close
        if self._is_ending or wanted == _QUIT or not self._window.accounts:
            # Without an account there is nothing that could go on.
            self._window.close_wanted.emit()
        elif wanted == _KEEP:
            self.put_away()
        else:
            self._ask()

    def _ask(self) -> None:
        if self.question is not None:
            self.question.activateWindow()
            return
        text = (_IN_TRAY if self.tray.is_there else _NO_TRAY) + _LATER
        question = PlainChoice("Keep EXAI Desktop running?", text, _WAYS, self._window)
        self.question = question
        question.chosen.connect(self._on_answer)
        question.finished.connect(self._forget_question)
        question.open()

    def _forget_question(self) -> None:
        self.question = None

    def _on_answer(self, way: int) -> None:
        keeps = way == 0
        answer = _KEEP if keeps else _QUIT
        if self._settings is not None:
            # Nobody is asked again while it is being saved.
            self._settings = self._settings.model_copy(update={"on_close": answer})
        self._parts.tasks.start(self._settle(answer))
        if keeps:
            self.put_away()

    async def _settle(self, answer: str) -> None:
        if answer != _QUIT:
            await self._save("on_close", answer)
            return
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await self._parts.client.settings.change("on_close", answer)
        except TimeoutError:
            log.warning("the answer was not saved in time: it is asked for again")
        finally:
            self._window.close_wanted.emit()

    def put_away(self) -> None:
        """Out of the way, and never where nothing leads back from."""
        if self.tray.is_there:
            self._window.hide()
        else:
            self._window.showMinimized()

    def _on_tray(self, is_there: bool) -> None:
        if is_there:
            self._away.stop()
            if self._hides_when_tray_comes and not self._window.isActiveWindow():
                self._window.hide()
            self._hides_when_tray_comes = False
            self._show_facts()
        elif not self._window.isVisible():
            self._away.start()

    def _come_back(self) -> None:
        """The tray is gone and nothing else leads to the window; but nobody asked for it."""
        if self.tray.is_there or self._window.isVisible():
            return
        self._hides_when_tray_comes = True
        self._window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._window.show()
        self._window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whoever looks at the window knows what it shows, and wants it to stay."""
        if event.type() in (QEvent.Type.WindowActivate, QEvent.Type.Show) and self._is_looked_at:
            self._hides_when_tray_comes = False
            if self._facts.news:
                self._facts.news = 0
                self._show_facts()
        return super().eventFilter(watched, event)

    @property
    def _is_looked_at(self) -> bool:
        unasked = Qt.WidgetAttribute.WA_ShowWithoutActivating
        return not self._window.isMinimized() and not self._window.testAttribute(unasked)

    def _on_session_end(self, _manager: object) -> None:
        self._is_ending = True
        self._session_goes_on.start()

    def _on_session_goes_on(self) -> None:
        """Somebody has called its end off: closing means again what the setting says."""
        self._is_ending = False

    # -- from outside

    def _open_at(self, key: str, token: str) -> None:
        """A notification was clicked."""
        if token:
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        if key.startswith(BATCH_KEY):
            self._parts.tasks.start(self._open_batch(int(key.removeprefix(BATCH_KEY))))
        elif key.rpartition(" ")[2]:
            self._window.come_to_front()
            self._window.pages.go("Providers")
        else:
            self._window.come_to_front()

    async def _open_batch(self, batch_id: int) -> None:
        """With its first file selected that needs a look, else its newest."""
        self._window.come_to_front()
        page = await self._parts.client.queue.page(JobQuery(batch_id=batch_id))
        missed = [job for job in page.rows if job.state in ATTENTION.states]
        self.show_files(ATTENTION.title if missed else "All")
        if page.rows:
            self._window.page.show_job((missed or list(page.rows))[0].id)

    def show_files(self, group: str) -> None:
        """The queue, with the files of this group."""
        self._window.come_to_front()
        self._window.pages.go("Queue")
        self._window.page.filter.choose(group)

    async def close(self) -> None:
        """Before the window goes."""
        self._away.stop()
        self._show_soon.stop()
        self.tray.close()
        for close in (self.daemon.close, *self.closing):
            await close()
