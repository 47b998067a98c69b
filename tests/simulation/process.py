"""One run of the program: the real engine, from its start to its end or its death."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from random import Random
from typing import Any, cast

from exai_desktop.config.credentials import AccountKeys, check_key, key_fingerprint
from exai_desktop.config.resources import load_provider_table
from exai_desktop.config.secret_store import StoreInUse
from exai_desktop.core.audit.audit import AuditAnchor, Seal
from exai_desktop.core.audit.check import Anchoring, AuditHead
from exai_desktop.core.events import BatchScanned, Event, EventBus, JobChanged
from exai_desktop.core.jobs.claims import ContentClaims
from exai_desktop.core.jobs.jobs import AddOptions, NewJob
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.editor import KeyRules
from exai_desktop.engine.assembly.assembly import Assembly
from exai_desktop.engine.assembly.open_engine import open_engine
from exai_desktop.engine.assembly.parts import AccountParts, EngineParts, MachineParts, Record
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.files.file_checks import MalwareCheck
from exai_desktop.engine.service.engine import Engine
from exai_desktop.engine.service.upload_plans import check_options
from exai_desktop.storage.audit.trail import AuditTrail, SqliteAuditStore
from exai_desktop.storage.record.copies import SqliteCopyStore, SqliteFingerprints
from exai_desktop.storage.record.health import SqliteStateStore
from exai_desktop.storage.record.jobs import SqliteJobStore
from exai_desktop.storage.record.past_files import SqliteHistory
from exai_desktop.storage.record.receipts import SqliteReceipts
from exai_desktop.storage.record.recovery_log import SqliteRecoveryLog
from tests.engine.engine_kit import AUDIT_KEY, GLM, KIMI, MemoryBook, MemorySettings

from .clock import MachineClock
from .database import ProfileDisk, SimulatedDatabase
from .faults import BrokenPromiseError, PowerCut
from .network import SETTLE_S, Client, Provider
from .user_files import UserFiles
from .virtual_loop import VirtualLoop

ACCOUNTS = (KIMI, GLM)
TABLE = load_provider_table()


def wanted() -> Settings:
    return Settings(settle_s=SETTLE_S, confirm_timeout_s=10.0, max_attempts=5)


class Anchor:
    """Meets `core.machine.AnchorFile`."""

    def __init__(self) -> None:
        self.kept: AuditAnchor | None = None

    def load(self) -> Anchoring:
        return Anchoring(self.kept)

    def known(self) -> Anchoring:
        return self.load()

    def save(self, anchor: AuditAnchor) -> None:
        self.kept = anchor

    def accept(self, anchor: AuditAnchor, keys: Iterable[str], taken: AuditHead) -> None:
        self.kept = anchor


class Surroundings:
    """What outlives a process."""

    def __init__(
        self, loop: VirtualLoop, settings: Settings, broken: Callable[[str], None]
    ) -> None:
        self.loop = loop
        self.settings = settings
        self.broken = broken
        self.clock = MachineClock(loop)
        self.files = UserFiles(self.clock.true_time, broken)
        self.disk = ProfileDisk()
        self.providers = {
            account.name: Provider(
                account.name, self.clock, broken, renames=account.provider == "kimi"
            )
            for account in ACCOUNTS
        }
        self.anchor = Anchor()
        # Beside all profiles; None: this is the only one of the user.
        self.claims: ContentClaims | None = None
        self.random = Random(1)
        self.trace: list[str] = []

    def note(self, text: str) -> None:
        self.trace.append(f"{self.loop.time():.4f} {text}")


class Process:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._database = SimulatedDatabase(around.disk)
        self._bus = EventBus()
        self._bus.subscribe(self._note)
        self._up = asyncio.Event()
        self._end = asyncio.Event()
        self._assembly: Assembly | None = None
        self._main = asyncio.get_running_loop().create_task(self._run())

    @property
    def parts(self) -> Assembly:
        assert self._assembly is not None
        return self._assembly

    @property
    def engine(self) -> Engine:
        return self.parts.engine

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    def _engine_parts(self) -> EngineParts:
        around, database, bus = self._around, self._database, self._bus
        secrets = StoreInUse(None, None)
        credentials = AccountKeys(secrets)
        for account in ACCOUNTS:
            credentials.set(account, f"sk-test-{account.name}-not-a-real-key")
        readers = cast(Executor, None)  # the loop has threads of its own kind
        trail = AuditTrail(Seal(AUDIT_KEY, "the test"), "tester", around.clock.now)
        return EngineParts(
            bus=bus,
            problems=Problems(bus),
            record=Record(
                jobs=SqliteJobStore(database, trail),
                copies=SqliteCopyStore(database, trail),
                fingerprints=SqliteFingerprints(database),
                receipts=SqliteReceipts(database),
                history=SqliteHistory(database),
                states=SqliteStateStore(database),
                audit=SqliteAuditStore(database, trail),
                anchor_file=around.anchor,
                recovery=SqliteRecoveryLog(database),
            ),
            accounts=AccountParts(
                MemoryBook(ACCOUNTS),
                credentials,
                secrets,
                lambda account, _: Client(around.providers[account.name]),
                TABLE,
                KeyRules(check_key, key_fingerprint),
            ),
            machine=MachineParts(
                around.clock,
                readers,
                around.random.random,
                disk=around.disk,
                claims=around.claims,
                open_file=around.files.open,
            ),
            settings=around.settings,
            settings_book=MemorySettings(),
            malware=MalwareCheck("off", lambda: None),
            facts=dict,
            prepared_at_once=4,
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, JobChanged):
            job = event.job
            error = f" {job.error.code}" if job.error else ""
            self._around.note(f"job {job.id} {job.state} {job.account}{error}")

    async def _run(self) -> None:
        async with open_engine(self._engine_parts()) as assembly:
            self._assembly = assembly
            self._up.set()
            await self._end.wait()

    def call(self, verb: Coroutine[object, object, Any]) -> asyncio.Task[Any]:
        """A command of the user; it ends with the process at the latest."""
        return asyncio.get_running_loop().create_task(verb)

    async def add(
        self, paths: Sequence[str], options: AddOptions, accepted: Callable[[list[int]], None]
    ) -> None:
        """As `engine.service.job_queue` does, without its thread."""
        parts = self.parts
        check_options(parts.accounts, options)
        intake = parts.engine.queue._intake
        batch_id = await intake.open_batch(options)
        try:
            chunk = [
                NewJob(path, len(self._around.files.by_path[path].content))
                for path in paths
                if path in self._around.files.by_path
            ]
            views = await parts.guard.insist(partial(intake._add_whole, batch_id, chunk))
            accepted([view.id for view in views])
            parts.scheduler.admit(batch_id, views)
        finally:
            parts.scheduler.batch_scanned(batch_id)
            self._bus.publish(BatchScanned(batch_id, len(paths), 0))

    async def stop(self) -> None:
        """Quit properly."""
        self._end.set()
        await self._gone()
        self._main.result()
        self._database.close()

    async def _gone(self) -> None:
        await asyncio.wait({self._main})
        await asyncio.sleep(0)

    async def crash(self) -> None:
        """Nothing more of it reaches the disk, nobody in it gets an answer, all of it is gone."""
        self._database.die()
        self._around.loop.end_threads()
        me = asyncio.current_task()
        for _ in range(20):
            left = [t for t in asyncio.all_tasks() if t is not me]
            if not left:
                break
            for task in left:
                task.cancel()
            for _ in range(10):
                await asyncio.sleep(0)
        else:
            raise BrokenPromiseError(f"a dead process goes on: {left}")


class ErrorLog(logging.Handler):
    """What the engine calls a fault of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, PowerCut):
            self.seen.append(self.format(record))
