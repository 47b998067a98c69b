"""What is told outside the window: one notification a batch or a distinct problem, never one a
file, and none while somebody works with the window."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.events import BatchFinished, ProblemRaised, ProblemSolved
from exai_desktop.core.files.names import plain_text
from exai_desktop.gui.notices.notification_daemon import Notification, NotificationDaemon
from exai_desktop.gui.style.wording import count_text

if TYPE_CHECKING:  # to load the settings takes longer than to make the window
    from exai_desktop.core.settings import Settings

# Batches that end within this time are one notification: a program may hand over file by file.
GATHER_MS: Final = 2_000
BATCH_KEY: Final = "batch "
PROBLEM_KEY: Final = "problem "

Start = Callable[[Coroutine[Any, Any, Any]], object]
# The name of a batch's only file.
NameOf = Callable[[int], Awaitable[str]]
ShowElsewhere = Callable[[str, str], bool]


def problem_key(error: ErrorView, account: str | None) -> str:
    return f"{PROBLEM_KEY}{error.code} {account or ''}"


def batch_words(batches: list[BatchFinished], name: str = "") -> tuple[str, str]:
    """Title and text of what was sent. `name`: of the only file."""
    good = sum(batch.done + batch.duplicate for batch in batches)
    missed = sum(batch.refused + batch.failed + batch.review for batch in batches)
    if not missed:
        title = "Upload finished"
        files = count_text(good, "file is", "files are")
        return title, f"{name} is at the provider." if name else f"{files} at the provider."
    title = f"{count_text(missed, 'file was', 'files were')} not uploaded"
    if name:
        return title, f"{name}. Open the window to see the reason."
    text = f"{good:,} of {good + missed:,} files are at the provider."
    return title, f"{text} Open the window to see the reasons."


class SystemNotifications(QObject):
    """`is_watched`: the window is in use, so it tells by itself."""

    def __init__(
        self,
        daemon: NotificationDaemon,
        start: Start,
        is_watched: Callable[[], bool],
        name_of: NameOf,
        elsewhere: ShowElsewhere,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._daemon = daemon
        self._start = start
        self._is_watched = is_watched
        self._name_of = name_of
        self._elsewhere = elsewhere
        self._settings: Settings | None = None
        self._batches: list[BatchFinished] = []
        self._told: set[str] = set()
        self._early: list[ProblemRaised | ProblemSolved] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(GATHER_MS)
        self._timer.timeout.connect(self._tell_batches)

    def take_settings(self, settings: Settings) -> None:
        """In force from the next notification on."""
        self._settings = settings
        early, self._early = self._early, []
        self.note_problems(early)

    def restart(self) -> None:
        """Another engine comes, with settings of its own."""
        self._settings = None
        self._early.clear()
        self._told.clear()

    def note_batches(self, batches: list[BatchFinished]) -> None:
        """What was cancelled is known to whoever did it, and what the window has told as well."""
        if self._is_watched():
            return
        self._batches += [b for b in batches if b.done + b.duplicate + _missed(b)]
        if self._batches and not self._timer.isActive():
            self._timer.start()

    def note_problems(self, problems: list[ProblemRaised | ProblemSolved]) -> None:
        """Each once, until it is over. What comes before the settings waits for them."""
        if self._settings is None:
            self._early += problems
            return
        for event in problems:
            key = problem_key(event.error, event.account)
            if isinstance(event, ProblemSolved):
                self._told.discard(key)
                self._start(self._daemon.withdraw(key))
            elif key not in self._told and self._may_tell(is_problem=True):
                self._told.add(key)
                where = f"{event.account}: " if event.account else ""
                words = Notification(event.error.title, f"{where}{event.error.hint}", key, True)
                self._start(self._tell(words))

    def _may_tell(self, *, is_problem: bool) -> bool:
        settings = self._settings
        if settings is None or self._is_watched():
            return False
        if settings.notifications == "off" or (
            settings.notifications == "problems" and not is_problem
        ):
            return False
        from exai_desktop.core.settings.window import is_quiet  # late: see above

        now = datetime.now().astimezone()
        return not is_quiet(settings.quiet_hours, now.hour * 60 + now.minute)

    def _tell_batches(self) -> None:
        batches, self._batches = self._batches, []
        if self._may_tell(is_problem=any(map(_missed, batches))):
            self._start(self._tell_of(batches))

    async def _tell_of(self, batches: list[BatchFinished]) -> None:
        name, last = "", batches[-1]
        files = sum(b.done + b.duplicate + _missed(b) for b in batches)
        if files == 1 and self._settings is not None and self._settings.notify_file_names:
            name = await self._name_of(last.batch_id)
        title, text = batch_words(batches, name)
        missed = any(map(_missed, batches))
        await self._tell(Notification(title, text, f"{BATCH_KEY}{last.batch_id}", missed))

    async def _tell(self, notification: Notification) -> None:
        """Names of files and of accounts may hold signs that nobody sees, or that turn a line."""
        title, text = plain_text(notification.title), plain_text(notification.text)
        notification = notification._replace(title=title, text=text)
        if not await self._daemon.show(notification):
            self._elsewhere(notification.title, notification.text)


def _missed(batch: BatchFinished) -> int:
    return batch.refused + batch.failed + batch.review
