"""The engine as window and command line see it: its services, news and facts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.events import Event, EventBus, EventStream
from exai_desktop.core.mirror.service import MirrorService
from exai_desktop.core.mirror.storage_copies import StorageService
from exai_desktop.engine.background.background import Background
from exai_desktop.engine.service.accounts import AccountChanges
from exai_desktop.engine.service.audit import Audit
from exai_desktop.engine.service.backups import Backups
from exai_desktop.engine.service.files import ProviderFiles
from exai_desktop.engine.service.history import History
from exai_desktop.engine.service.job_queue import JobQueue
from exai_desktop.engine.service.keys import KeyStore
from exai_desktop.engine.service.receipts import Receipts
from exai_desktop.engine.service.settings import SettingsChanges
from exai_desktop.engine.service.updates import Updates
from exai_desktop.engine.service.watched_folders import WatchedFolders
from exai_desktop.engine.service.window_wishes import WindowWishes


@dataclass(frozen=True, slots=True)
class Services:
    """The services of an engine."""

    queue: JobQueue
    files: ProviderFiles
    accounts: AccountChanges
    audit: Audit
    settings: SettingsChanges
    keys: KeyStore
    backups: Backups
    mirror: MirrorService
    storage: StorageService
    receipts: Receipts
    history: History
    watched: WatchedFolders
    updates: Updates


class Engine:
    """Meets `core.service.UploadService`. Lives in one loop; made by `open_engine`."""

    def __init__(
        self,
        services: Services,
        background: Background,
        bus: EventBus,
        facts: Callable[[], dict[str, str]],
    ) -> None:
        self.queue = services.queue
        self.files = services.files
        self.accounts = services.accounts
        self.audit = services.audit
        self.settings = services.settings
        self.keys = services.keys
        self.backups = services.backups
        self.mirror = services.mirror
        self.storage = services.storage
        self.receipts = services.receipts
        self.history = services.history
        self.watched = services.watched
        self.updates = services.updates
        self.window = WindowWishes(bus)
        self._background = background
        self._problems = background.problems
        self._bus = bus
        self._facts = facts

    async def start(self) -> None:
        await self._background.start()

    async def finish_begun(self) -> None:
        """To be called before `stop`, once it is sure that nobody adds any more: the files that
        are under way are finished, for a few seconds at most. Only where files were added."""
        if self.queue.has_added:
            await self._background.finish_begun()

    async def stop(self) -> None:
        self.queue.stop()
        await self._background.stop()
        await self.audit.anchor()

    # -- news and facts

    async def facts(self) -> dict[str, str]:
        found = self._facts() | {
            "keys": await self.keys.words(),
            "audit": f"chain protected by {self.audit.protected_by}",
        }
        lasting = [problem.error for problem in self._problems.lasting()]
        if lasting:
            found["problems"] = "\n".join(f"{e.code}: {e.title} ({e.detail})" for e in lasting)
        return found

    async def events(self) -> EventStream:
        news: asyncio.Queue[Event] = asyncio.Queue()
        for problem in self._problems.lasting():
            news.put_nowait(problem)
        return EventStream(news.get, self._bus.subscribe(news.put_nowait))

    def tell(self, problem: ErrorView) -> None:
        """Something is wrong with the profile: whoever listens, now or later, is told."""
        self._problems.add(problem)
