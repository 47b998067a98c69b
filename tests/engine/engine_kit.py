"""A real engine on a real database, with providers in memory: what the engine tests work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.audit_key import KeptAnchor
from exai_desktop.config.credentials import AccountKeys, check_key, key_fingerprint
from exai_desktop.config.resources import load_provider_table
from exai_desktop.config.secret_store import SessionStore, StoreInUse
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.ports import SharedTurns, StateStore
from exai_desktop.core.audit.audit import Seal
from exai_desktop.core.copies.provider import ProviderFactory
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, ErrorView
from exai_desktop.core.events import (
    NO_METRICS,
    BatchFinished,
    BatchScanned,
    Event,
    EventBus,
    Metrics,
)
from exai_desktop.core.files.files import Fingerprints, MalwareScanner
from exai_desktop.core.jobs.claims import ContentClaims
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState, JobView
from exai_desktop.core.machine import PauseBook, Surroundings
from exai_desktop.core.mirror.link import ProjectLink
from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import ContentStorage, StorageDoor
from exai_desktop.core.planning.plan import PlannedFile
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.editor import KeyRules
from exai_desktop.engine.assembly.assembly import Assembly
from exai_desktop.engine.assembly.open_engine import open_engine
from exai_desktop.engine.assembly.parts import AccountParts, EngineParts, MachineParts, Record
from exai_desktop.engine.background.mirroring import MirrorParts
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.files.file_checks import MalwareCheck
from exai_desktop.engine.service.engine import Engine
from exai_desktop.engine.service.folder_watch import WatchPace
from exai_desktop.engine.service.watched_folders import WatchParts
from exai_desktop.engine.waiting import GrowingThreads, SystemClock
from exai_desktop.storage.audit.trail import AuditTrail, SqliteAuditStore
from exai_desktop.storage.record.copies import SqliteCopyStore, SqliteFingerprints
from exai_desktop.storage.record.health import SqliteBalances, SqliteHealthBook, SqliteStateStore
from exai_desktop.storage.record.jobs import SqliteJobStore
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.storage.record.outbox import SqliteOutbox
from exai_desktop.storage.record.past_files import SqliteHistory
from exai_desktop.storage.record.receipts import SqliteReceipts
from exai_desktop.storage.record.recovery_log import SqliteRecoveryLog
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk
from exai_desktop.storage.record.storage_copies import SqliteStorageCopies
from exai_desktop.storage.record.watched_folders import SqliteWatchStore
from exai_desktop.storage.text_cache import kept_texts
from exai_desktop.storage.user_profile.opening import Opened, open_profile

from .scripted_provider import ScriptedProvider

AUDIT_KEY = bytes(range(32))
KIMI = Account("kimi", "kimi", "intl", "https://kimi.invalid/v1", max_in_flight=2, order=0)
QUICK_PACE = WatchPace(tick_s=0.05, poll_s=0.3)
GLM = Account("glm", "glm", "zai", "https://glm.invalid/v4", max_in_flight=2, order=1)


class MemorySettings:
    def __init__(self) -> None:
        self.saved: list[Settings] = []

    def save(self, settings: Settings, *changed: str) -> None:
        self.saved.append(settings)

    def fixed(self) -> dict[str, str]:
        return {}


class MemoryBook:
    def __init__(self, accounts: Sequence[Account]) -> None:
        self.accounts = tuple(accounts)

    def load(self) -> tuple[Account, ...]:
        return self.accounts

    def put(self, account: Account, before: Account | None = None) -> None:
        others = [a for a in self.accounts if a.name != account.name]
        self.accounts = (*others, account)

    def remove(self, name: str) -> None:
        self.accounts = tuple(a for a in self.accounts if a.name != name)


@dataclass
class Bench:
    """An engine under test, its providers, and everything it announced."""

    engine: Engine
    # For what no user can see.
    parts: Assembly
    opened: Opened
    providers: dict[str, ScriptedProvider]
    events: list[Event] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    async def until(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until something announced makes it true."""
        async with asyncio.timeout(seconds):
            while not holds():
                self.news.clear()
                await self.news.wait()

    async def finished(self, batch_id: int) -> BatchFinished:
        def found() -> BatchFinished | None:
            return next(
                (e for e in self.events if isinstance(e, BatchFinished) and e.batch_id == batch_id),
                None,
            )

        await self.until(lambda: found() is not None)
        result = found()
        assert result is not None
        return result

    async def scanned(self, batch_id: int) -> None:
        await self.until(
            lambda: any(isinstance(e, BatchScanned) and e.batch_id == batch_id for e in self.events)
        )

    async def upload(self, *paths: Path, **options: object) -> list[JobView]:
        """Add, wait for all, return the rows in order."""
        given = AddOptions(**options)  # type: ignore[arg-type]
        batch_id = await self.engine.queue.add([str(p) for p in paths], given)
        await self.finished(batch_id)
        return await self.rows(batch_id)

    async def planned(self, *paths: Path, **options: object) -> list[PlannedFile]:
        """All files of a plan."""
        given = AddOptions(**options)  # type: ignore[arg-type]
        number = await self.engine.queue.plan([str(p) for p in paths], given, by_file=True)
        files: list[PlannedFile] = []
        while True:
            part = await self.engine.queue.planned(number)
            files += part.files
            if part.plan.is_whole:
                return files

    async def rows(self, batch_id: int | None = None) -> list[JobView]:
        page = await self.engine.queue.page(
            JobQuery(batch_id=batch_id, descending=False, limit=1000)
        )
        return list(page.rows)

    async def job(self, job_id: int) -> JobView:
        return (await self.engine.queue.job(job_id)).view

    async def until_state(self, job_id: int, *states: JobState, seconds: float = 60.0) -> JobView:
        async with asyncio.timeout(seconds):
            while True:
                job = await self.job(job_id)
                if job.state in states:
                    return job
                self.news.clear()
                await asyncio.wait({asyncio.ensure_future(self.news.wait())}, timeout=0.05)


def settings(**changes: object) -> Settings:
    """Quick ones: a settle time of seconds would only make the tests slow."""
    return Settings(**{"settle_s": 0.05, "confirm_timeout_s": 1.0, "health_check_s": 0, **changes})  # type: ignore[arg-type]


@asynccontextmanager
async def open_bench(
    folder: Path,
    *,
    providers: dict[str, ScriptedProvider] | None = None,
    accounts: Sequence[Account] = (KIMI, GLM),
    wanted: Settings | None = None,
    clock: SystemClock | None = None,
    claims: ContentClaims | None = None,
    scanner: MalwareScanner | None = None,
    states: StateStore | None = None,
    turns: SharedTurns | None = None,
    metrics: Metrics = NO_METRICS,
    surroundings: Surroundings | None = None,
    prints: Callable[[Fingerprints], Fingerprints] | None = None,
    secrets: StoreInUse | None = None,
    refusal: str = "",
    make_provider: ProviderFactory | None = None,
    link: ProjectLink | None = None,
    storage: StorageDoor | None = None,
    network: Callable[[], object] = lambda: "here",
    pace: WatchPace = QUICK_PACE,
    pauses: PauseBook | None = None,
) -> AsyncIterator[Bench]:
    """An engine over `folder`'s database; opening the same folder again is a restart."""
    made = providers if providers is not None else {}
    for account in accounts:
        made.setdefault(account.name, ScriptedProvider())
    wanted = wanted or settings()
    secrets = secrets or StoreInUse(None, None)
    credentials = AccountKeys(secrets)
    if secrets.available():
        for account in accounts:
            credentials.set(account, f"sk-test-{account.name}-not-a-real-key")
    bus, clock = EventBus(), clock or SystemClock()
    trail = AuditTrail(Seal(AUDIT_KEY, "the test"), "tester", clock.now)
    opened = open_profile(folder / "engine.db", clock.now, write_file)
    database = opened.database
    made_prints = SqliteFingerprints(database)
    with (
        GrowingThreads(2, "reader", silent_s=1.0) as readers,
        kept_texts(folder / "texts.db", wanted.keep_texts) as texts,
        closing(opened),
    ):
        is_kept = not opened.is_read_only
        parts = EngineParts(
            bus=bus,
            problems=Problems(bus),
            record=Record(
                jobs=SqliteJobStore(database, trail),
                copies=SqliteCopyStore(database, trail),
                fingerprints=prints(made_prints) if prints else made_prints,
                receipts=SqliteReceipts(database),
                history=SqliteHistory(database),
                states=states or SqliteStateStore(database),
                audit=SqliteAuditStore(database, trail),
                anchor_file=KeptAnchor(folder / "audit-anchor.json", SessionStore()),
                recovery=SqliteRecoveryLog(database) if is_kept else None,
                texts=texts,
                balances=SqliteBalances(database) if is_kept else None,
                health_book=SqliteHealthBook(database) if is_kept else None,
            ),
            accounts=AccountParts(
                MemoryBook(accounts),
                credentials,
                secrets,
                make_provider
                or (lambda account, _: made.setdefault(account.name, ScriptedProvider())),
                load_provider_table(),
                KeyRules(check_key, key_fingerprint),
            ),
            machine=MachineParts(
                clock,
                readers,
                lambda: 0.0,
                claims,
                turns,
                opened.snapshots if is_kept else None,
                opened.reserved_space,
                surroundings,
                pauses=pauses,
            ),
            settings=wanted,
            settings_book=MemorySettings(),
            malware=MalwareCheck(wanted.malware_scan, lambda: scanner),
            facts=dict,
            metrics=metrics,
            prepared_at_once=4,
            is_read_only=opened.is_read_only,
            refusal=refusal,
            watching=WatchParts(SqliteWatchStore(database, trail), (str(folder),), pace),
            mirror=None
            if link is None
            else MirrorParts(
                link,
                SqliteOutbox(database),
                SqliteOtherRecords(database),
                SqliteQuotaDesk(database),
                SqliteStorageCopies(database),
                storage or no_storage,
                network,
                lambda: 0.5,
            ),
        )
        async with open_engine(parts) as assembly:
            bench = Bench(assembly.engine, assembly, opened, made)
            bus.subscribe(bench.note)
            for problem in opened.problems:
                assembly.engine.tell(ErrorView.of(problem))
            yield bench


async def no_storage(target: MirrorTarget) -> ContentStorage:
    """Tests of copies bring a real one: see tests/supabase."""
    raise EngineError(ErrorCode.NOT_SIGNED_IN)


async def answered(bench: Bench, job: JobView, *codes: str) -> JobView:
    """A question about the file is answered by consent to these."""
    assert await bench.engine.queue.retry([job.id], accepted=codes) == [job.id]
    return await bench.until_state(job.id, JobState.DONE, JobState.REFUSED)


def code(job: JobView) -> str | None:
    return job.error.code if job.error else None
