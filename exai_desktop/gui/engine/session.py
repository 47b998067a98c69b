"""Which engine is running behind the window, and the window's calls to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.jobs import JobQuery
from exai_desktop.core.machine import BackupContent, Restored
from exai_desktop.core.service import UploadService, method_of, proxy
from exai_desktop.gui.engine.bridge import EngineBridge
from exai_desktop.gui.engine.thread import EngineFactory, EngineStoppedError, EngineThread


class EngineClient:
    """`UploadService` without its events, for the window's thread.

    The engine behind it can be exchanged (sandbox and back); without one each call raises
    `EngineStoppedError`.
    """

    def __init__(self) -> None:
        self._thread: EngineThread | None = None
        calls = proxy(self._call)
        self.queue = calls.queue
        self.files = calls.files
        self.accounts = calls.accounts
        self.audit = calls.audit
        self.settings = calls.settings
        self.keys = calls.keys
        self.backups = calls.backups
        self.mirror = calls.mirror
        self.storage = calls.storage
        self.receipts = calls.receipts
        self.history = calls.history
        self.watched = calls.watched
        self.window = calls.window
        self.updates = calls.updates
        self.facts = calls.facts

    async def entries_of(self, files: Iterable[tuple[str, str]]) -> int:
        """How many files of the list have one of these ids; each is an account and an id there."""
        pages = [await self.queue.page(JobQuery(file=file, limit=1)) for file in set(files)]
        return sum(page.total for page in pages)

    def use(self, thread: EngineThread | None) -> None:
        """Talk to this engine from now on; None: to none."""
        self._thread = thread

    async def _call(self, method: str, *args: object, **kwargs: object) -> object:
        if self._thread is None:
            raise EngineStoppedError

        async def carry_out(service: UploadService) -> object:
            return await method_of(service, method)(*args, **kwargs)

        return await self._thread.submit(carry_out)


# Uploads break off within a second; the rest is for slow disks.
STOP_WITHIN_S = 8.0


# The service of the engine that runs (None: none does), whether with names, whether it is the
# sandbox, and why no engine runs.
MakeReport = Callable[
    [UploadService | None, bool, bool, ErrorView | None], Coroutine[Any, Any, str]
]


@dataclass(frozen=True, slots=True)
class BackupCalls:
    """What needs no engine of a backup: to look at one, and to make it the profile. Both block."""

    verify: Callable[[str], BackupContent]
    # The file, and the passphrase of its keys ("": without them).
    restore: Callable[[str, str], Restored]


class EngineSession:
    """Starts and exchanges engines; the window keeps its client and its bridge."""

    def __init__(
        self,
        make_factory: Callable[[bool], EngineFactory],
        client: EngineClient,
        bridge: EngineBridge,
        settle_copy: Callable[[str], object],
        backups: BackupCalls,
        make_report: MakeReport,
    ) -> None:
        """`settle_copy` blocks; it is called while no engine runs."""
        self._make_factory = make_factory
        self._client = client
        self._bridge = bridge
        self._settle_copy = settle_copy
        self._backups = backups
        self._make_report = make_report
        self._failure: ErrorView | None = None
        self._thread: EngineThread | None = None
        self.is_sandbox = False

    async def start(self, *, sandbox: bool) -> None:
        """Stop what runs, then start this one; raises what kept it from starting."""
        await self.stop()
        self.is_sandbox = sandbox
        thread = EngineThread(self._make_factory(sandbox), self._bridge.post)
        self._thread = thread
        try:
            await thread.start()
        except AppError as error:
            self._failure = ErrorView.of(error)
            raise
        self._failure = None
        self._client.use(thread)
        await self._client.watched.begin()

    async def settle_copy(self, choice: str) -> None:
        """The user's answer about a copied profile: "keep" or "new"."""
        await self.stop()
        await asyncio.to_thread(self._settle_copy, choice)

    async def verify_backup(self, file: str) -> BackupContent:
        """Raises BACKUP_DAMAGED."""
        return await asyncio.to_thread(self._backups.verify, file)

    async def restore(self, file: str, passphrase: str) -> Restored:
        """Make a backup the profile, while no engine runs; the caller starts one again."""
        await self.stop()
        return await asyncio.to_thread(self._backups.restore, file, passphrase)

    async def report(self, *, names: bool) -> str:
        """The diagnostics, also while no engine runs."""

        async def carry_out(service: UploadService | None) -> str:
            return await self._make_report(service, names, self.is_sandbox, self._failure)

        if self._thread is not None:
            with suppress(EngineStoppedError):
                return await self._thread.submit(carry_out)
        return await carry_out(None)

    async def stop(self) -> bool:
        """Settle and end; False when it took too long."""
        thread, self._thread = self._thread, None
        self._client.use(None)
        if thread is None:
            return True
        is_ended = await thread.stop(STOP_WITHIN_S)
        self._bridge.clear()
        return is_ended
