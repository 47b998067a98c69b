"""What the stages of a job work with, and the tasks that are at it now."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from exai_desktop.core.accounts.accounts import BalanceBook
from exai_desktop.core.accounts.health import HealthBook
from exai_desktop.core.accounts.ports import SharedTurns, StateStore
from exai_desktop.core.audit.ports import AnchorFile, AuditStore
from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.queries import TextCache
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.files.ports import Fingerprints
from exai_desktop.core.jobs.claims import ContentClaims
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import Clock, Disk, Snapshots, Surroundings
from exai_desktop.core.metrics import NO_METRICS, Metrics
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.breakers import Breakers
from exai_desktop.engine.accounts.health import Health, Settling
from exai_desktop.engine.accounts.limiter import Bandwidth
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.disk_guard import DiskGuard
from exai_desktop.engine.files.malware import MalwareCheck
from exai_desktop.engine.files.open_file import AllowedPlaces, RegularFile, open_regular
from exai_desktop.engine.scheduling.progress_board import ProgressBoard
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.waiting import uninterrupted

T = TypeVar("T")


class Intent(StrEnum):
    """Why a running job is being stopped."""

    CANCEL = "cancel"
    HOLD = "hold"
    QUIT = "quit"


@dataclass(slots=True)
class Run:
    """A job under way. `all_left`: its last block has left, only the answer is missing."""

    task: asyncio.Task[None]
    intent: Intent | None = None
    all_left: bool = False
    begun: bool = False

    def stop(self, intent: Intent) -> None:
        """Once: a second cancel would break off what the first one made it wait for."""
        is_first, self.intent = self.intent is None, self.intent or intent
        if self.begun and is_first:
            self.task.cancel()

    def begin(self) -> None:
        """First thing in the task: asyncio never runs a task that is cancelled before."""
        self.begun = True
        if self.intent is not None:
            self.task.cancel()


@dataclass(slots=True)
class Context:
    jobs: JobStore
    copies: CopyStore
    fingerprints: Fingerprints
    audit: AuditStore
    states: StateStore
    anchor_file: AnchorFile
    accounts: Accounts
    scheduler: Scheduler
    board: ProgressBoard
    clock: Clock
    settings: Settings
    readers: Executor
    random: Callable[[], float]
    malware: MalwareCheck
    # None: there is none, as in a test or beside a database that is only read.
    claims: ContentClaims | None = None
    turns: SharedTurns | None = None
    recovery: RecoveryLog | None = None
    texts: TextCache | None = None
    balances: BalanceBook | None = None
    surroundings: Surroundings | None = None
    health_book: HealthBook | None = None
    metrics: Metrics = NO_METRICS
    snapshots: Snapshots | None = None
    disk: Disk | None = None
    is_read_only: bool = False
    # Another one is for tests whose files exist in memory only.
    open_file: Callable[[str], RegularFile] = open_regular
    # Each guarded child may take 1 GiB.
    guarded_turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    # Called when a setting changes that is in force at once.
    on_settings: Callable[[], object] = lambda: None
    # Where files really lie, by job, as far as rules for folders have to know.
    real_paths: dict[int, str] = field(default_factory=dict)
    running: dict[int, Run] = field(default_factory=dict)
    # How often a file has changed under our hands, by job.
    unsettled: Counter[int] = field(default_factory=Counter)
    # By job: the accounts whose provider has seen the file and refused it.
    refusals: dict[int, dict[str, AppError]] = field(default_factory=dict)
    # Lists of the providers that are being fetched now, shared by all who wait for one.
    listing: dict[tuple[str, str], asyncio.Task[Sequence[RemoteFile]]] = field(default_factory=dict)
    # Made by the runner, which knows what to do when the way is clear again.
    guard: DiskGuard = field(init=False)
    settling: Settling = field(init=False)
    breakers: Breakers = field(init=False)
    health: Health = field(init=False)
    bandwidth: Bandwidth = field(init=False)

    def __post_init__(self) -> None:
        self.settling = Settling(self.settings)
        self.bandwidth = Bandwidth(self.settings.upload_bytes_per_s, self.clock)
        self.health = Health(self.clock, self.health_book, self.metrics)
        self.breakers = Breakers(
            self.states, self.clock, self.settings, self.random, self.accounts.identity
        )

    async def read(self, call: Callable[..., T], *args: object) -> T:
        """Run a blocking call in a reader thread, to its end even when cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.readers, call, *args)

    @asynccontextmanager
    async def opened(self, job: JobView) -> AsyncIterator[RegularFile]:
        """The file, open; closed again whatever happens, a cancel while opening included.

        What comes in unattended must lie in an allowed folder: PATH_TRAVERSAL.
        """
        opening = asyncio.ensure_future(self.read(self.open_file, job.path))
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                (await uninterrupted(_wait(opening))).close()
            raise
        try:
            if job.unattended:
                places = AllowedPlaces(self.settings.allowed_folders)
                await uninterrupted(self.read(places.check_open, file))
            yield file
        finally:
            file.close()


async def _wait(future: asyncio.Future[RegularFile]) -> RegularFile:
    return await future
