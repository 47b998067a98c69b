"""A service that plays what a test tells it: for states the real engine reaches only rarely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace

from exai_desktop.core.accounts.accounts import (
    HERE,
    Account,
    AccountDraft,
    AccountEdit,
    AccountStatus,
    ConnectionReport,
    KeyPlace,
)
from exai_desktop.core.accounts.health import HealthSample
from exai_desktop.core.accounts.secret_store import StoreState, StoreStatus
from exai_desktop.core.audit.activity import ActivityQuery, DaySum, kind_of
from exai_desktop.core.audit.audit import AuditRow
from exai_desktop.core.audit.check import AuditReport
from exai_desktop.core.audit.signing import AuditSignature
from exai_desktop.core.copies.models import Copy, RemoteListing
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.events import (
    AccountsChanged,
    Event,
    JobChanged,
    JobsAdded,
    LineChanged,
    SummaryChanged,
    WindowWish,
)
from exai_desktop.core.files.files import ScanResult
from exai_desktop.core.jobs.jobs import (
    AddOptions,
    HistoryEntry,
    JobDetail,
    JobPage,
    JobQuery,
    JobState,
    JobView,
    Moment,
    QueueSummary,
    SortKey,
)
from exai_desktop.core.jobs.line import LinePlace
from exai_desktop.core.jobs.ranges import FileIds, JobRange, RangeOrder
from exai_desktop.core.jobs.reasons import group_of
from exai_desktop.core.machine import BackupContent, UpdateStatus
from exai_desktop.core.planning.plan import ChangedPlan, PlanChange, PlanPart, UploadPlan

from .scripted_files import ScriptedFiles
from .scripted_history import ScriptedHistory
from .scripted_mirror import ScriptedMirror
from .scripted_receipts import ScriptedReceipts
from .scripted_settings import ScriptedSettings
from .scripted_storage import ScriptedStorage
from .scripted_watch import ScriptedWatch

NOW = 1_800_000_000.0


def job(number: int, state: JobState = JobState.DONE, **values: object) -> JobView:
    """A job with plausible facts."""
    name = str(values.pop("name", f"file {number:06}.pdf"))
    path = str(values.pop("path", f"/home/lin/Documents/{name}"))
    size = int(str(values.pop("size", 1_000 + number)))
    view = JobView(number, 1, path, name, state, size, NOW, NOW + number)
    return replace(view, **values)  # type: ignore[arg-type]


def error(code: ErrorCode, detail: str = "") -> ErrorView:
    return ErrorView.of(AppError(code, detail))


def account(name: str, provider: str = "kimi", region: str = "intl") -> AccountStatus:
    return AccountStatus(Account(name, provider, region, "https://127.0.0.1:1/v1", "fp"))


class ScriptedEvents:
    """The stream a subscriber reads."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    def __aiter__(self) -> ScriptedEvents:
        return self

    async def __anext__(self) -> Event:
        return await self.queue.get()

    async def aclose(self) -> None:
        """Nothing to let go."""


class ScriptedQueue:
    """Meets `QueueService`."""

    def __init__(self, script: ScriptedService) -> None:
        self._script = script

    async def add(self, paths: Sequence[str], options: AddOptions) -> int:
        self._script.note("queue.add", tuple(paths), options)
        first = max((row.id for row in self._script.rows), default=0) + 1
        added = tuple(
            job(first + place, JobState.QUEUED, path=path, name=path.rpartition("/")[2])
            for place, path in enumerate(paths)
        )
        self._script.rows.extend(added)
        self._script.tell(JobsAdded(1, added))
        self._script.tell(SummaryChanged(await self.summary()))
        return 1

    async def plan(
        self,
        paths: Sequence[str],
        options: AddOptions,
        *,
        by_file: bool = False,
        editable: bool = False,
    ) -> int:
        self._script.note("queue.plan", tuple(paths), options)
        return 1

    async def change_plan(self, number: int, change: PlanChange) -> ChangedPlan:
        self._script.note("queue.change_plan", number, change)
        return self._script.changed_plan

    async def send_plan(self, number: int) -> int:
        self._script.note("queue.send_plan", number)
        return 1

    async def drop_plan(self, number: int) -> None:
        self._script.note("queue.drop_plan", number)

    async def planned(self, number: int) -> PlanPart:
        script = self._script
        script.note("queue.planned", number)
        while not script.plan_parts:
            await asyncio.sleep(0.01)
        rest = script.plan_parts
        return PlanPart(rest.pop(0) if len(rest) > 1 or not rest[0].is_whole else rest[0])

    def _found(self, query: JobQuery) -> list[JobView]:
        return [
            row
            for row in self._script.rows
            if (not query.states or row.state in query.states)
            and query.search.lower() in row.name.lower()
            and (query.file is None or (row.account, row.file_id) == query.file)
            and (not query.gone or row.file_state is not None)
            and (query.reason is None or group_of(row) == query.reason)
            and group_of(row) not in query.without
            and (query.ids is None or row.id in query.ids)
        ]

    async def page(self, query: JobQuery) -> JobPage:
        found = self._found(query)
        key: Callable[[JobView], object] = {
            SortKey.NAME: lambda row: row.name,
            SortKey.SIZE: lambda row: row.size,
        }.get(query.sort, lambda row: row.id)
        found.sort(key=key, reverse=query.descending)  # type: ignore[arg-type]
        page = found[query.offset : query.offset + query.limit]
        newest = max((row.id for row in self._script.rows), default=0)
        return JobPage(tuple(page), len(found), newest, self._script.moment)

    async def job(self, job_id: int) -> JobDetail:
        for row in self._script.rows:
            if row.id == job_id:
                history = (HistoryEntry(NOW, None, JobState.QUEUED),)
                return JobDetail(row, self._script.copy, history=history, scan=self._script.scan)
        raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))

    async def summary(self) -> QueueSummary:
        counts: dict[JobState, int] = {}
        for row in self._script.rows:
            counts[row.state] = counts.get(row.state, 0) + 1
        left = sum(row.size for row in self._script.rows if not row.state.is_final)
        return QueueSummary(counts, open_bytes=left, paused=self._script.paused)

    async def reorder(self, job_ids: Sequence[int], to: LinePlace) -> list[int]:
        self._script.note("queue.reorder", list(job_ids), to)
        self._script.tell(LineChanged())
        return list(job_ids)

    async def order(self, order: RangeOrder, jobs: JobRange) -> int:
        self._script.note("queue.order", order, jobs)
        return sum(row.id <= jobs.newest for row in self._found(jobs.query))

    async def file_ids(self, jobs: JobRange, after: int = 0) -> FileIds:
        self._script.note("queue.file_ids", jobs, after)
        found = [row for row in self._script.rows if row.id > after and row.file_id][:1_000]
        text = "\n".join(row.file_id or "" for row in found)
        return FileIds(text, len(found), 0, found[-1].id if len(found) == 1_000 else None)

    async def _change(self, ids: Sequence[int], state: JobState) -> list[int]:
        for place, row in enumerate(self._script.rows):
            if row.id in ids:
                self._script.rows[place] = replace(row, state=state)
                self._script.tell(JobChanged(self._script.rows[place]))
        self._script.tell(SummaryChanged(await self.summary()))
        return list(ids)

    async def pause(self, job_ids: Sequence[int] | None = None, for_s: float | None = None) -> None:
        self._script.note("queue.pause", job_ids, *([for_s] if for_s else []))
        if job_ids is None:
            self._script.paused = True
        await self._change(job_ids or (), JobState.HELD)

    async def resume(self, job_ids: Sequence[int] | None = None) -> None:
        self._script.note("queue.resume", job_ids)
        if job_ids is None:
            self._script.paused = False
        await self._change(job_ids or (), JobState.QUEUED)

    async def cancel(self, job_ids: Sequence[int]) -> list[int]:
        self._script.note("queue.cancel", list(job_ids))
        return await self._change(job_ids, JobState.CANCELLED)

    async def retry(
        self,
        job_ids: Sequence[int] | None,
        *,
        allow_fallback: bool = False,
        accepted: Sequence[str] = (),
        gone: bool = False,
    ) -> list[int]:
        self._script.note("queue.retry", job_ids, allow_fallback, *accepted, *(["gone"] * gone))
        return await self._change(job_ids or (), JobState.QUEUED)

    async def settle(self, job_id: int, remote_id: str | None) -> None:
        self._script.note("queue.settle", job_id, remote_id)

    async def remove(self, job_ids: Sequence[int] | None) -> int:
        self._script.note("queue.remove", job_ids)
        self._script.rows = [
            row for row in self._script.rows if job_ids is not None and row.id not in job_ids
        ]
        return 1


class ScriptedAccounts:
    """Meets `AccountService`."""

    def __init__(self, script: ScriptedService) -> None:
        self._script = script

    async def all(self) -> list[AccountStatus]:
        return list(self._script.statuses)

    async def add(self, draft: AccountDraft, key: str) -> AccountStatus:
        self._script.note("accounts.add", draft, key)
        status = account(draft.name, draft.provider, draft.region or "intl")
        self._script.statuses.append(status)
        self._script.tell(AccountsChanged(tuple(self._script.statuses)))
        return status

    async def set_key(
        self, name: str, key: str, place: KeyPlace = HERE, *, untested: bool = False
    ) -> AccountStatus:
        self._script.note("accounts.set_key", name, key, place, untested)
        return await self._change(name, lambda account: replace(account, key_fingerprint="new"))

    async def edit(self, name: str, changes: AccountEdit) -> AccountStatus:
        self._script.note("accounts.edit", name, changes)
        at_once = changes.max_in_flight
        return await self._change(
            name,
            lambda account: replace(account, max_in_flight=at_once or account.max_in_flight),
        )

    async def _change(self, name: str, change: Callable[[Account], Account]) -> AccountStatus:
        self._script.statuses = [
            replace(status, account=change(status.account))
            if status.account.name == name
            else status
            for status in self._script.statuses
        ]
        return next(s for s in self._script.statuses if s.account.name == name)

    async def remove(self, name: str) -> None:
        self._script.note("accounts.remove", name)
        self._script.statuses = [
            status for status in self._script.statuses if status.account.name != name
        ]
        self._script.tell(AccountsChanged(tuple(self._script.statuses)))

    async def test(self, name: str) -> ConnectionReport:
        self._script.note("accounts.test", name)
        return self._script.report

    async def test_draft(self, draft: AccountDraft, key: str) -> ConnectionReport:
        self._script.note("accounts.test_draft", draft, key)
        return self._script.reports.get(draft.region or "", self._script.report)

    async def health(self, account: str | None, limit: int) -> list[HealthSample]:
        found = [s for s in self._script.samples if account in (None, s.account)]
        return found[::-1][:limit]

    async def reconcile(self, name: str) -> list[RemoteListing]:
        self._script.note("accounts.reconcile", name)
        return []


class ScriptedAudit:
    """Meets `AuditService`: as if all were well."""

    def __init__(self, script: ScriptedService) -> None:
        self._script = script
        self.trail: list[AuditRow] = []  # the newest first
        self.sums: list[DaySum] = []

    async def verify(self) -> AuditReport:
        return AuditReport(0, ok=True, protected_by="nothing")

    async def rows(self, after: int, limit: int, since: float | None = None) -> list[AuditRow]:
        return []

    async def activity(self, query: ActivityQuery) -> list[AuditRow]:
        self._script.calls.append(("audit.activity", query))
        rows = [row for row in self.trail if query.before is None or row.seq < query.before]
        rows = [row for row in rows if not query.kinds or kind_of(row) in query.kinds]
        return rows[: query.limit]

    async def days(self, count: int) -> list[DaySum]:
        return self.sums

    async def accept(self) -> AuditReport:
        return await self.verify()

    async def public_key(self) -> str:
        return "0" * 64

    async def signed_end(self) -> AuditSignature:
        raise NotImplementedError


class ScriptedWindow:
    """Meets `WindowService`: what other processes ask is what the test says."""

    def __init__(self) -> None:
        self.asked: list[WindowWish] = []
        self.answers: list[tuple[WindowWish, bool]] = []

    async def show(self, paths: Sequence[str] = (), token: str = "") -> None:
        self.asked.append(WindowWish(tuple(paths), token))

    async def wishes(self) -> list[WindowWish]:
        asked, self.asked = self.asked, []
        return asked

    async def answer(self, wish: WindowWish, *, is_taken: bool) -> None:
        self.answers.append((wish, is_taken))


class ScriptedUpdates:
    """Meets `UpdateService`: what is known, and what a check finds."""

    def __init__(self) -> None:
        self.known = UpdateStatus("0.1.0", "deb")
        self.published: UpdateStatus | AppError = self.known

    async def status(self) -> UpdateStatus:
        return self.known

    async def check(self) -> UpdateStatus:
        if isinstance(self.published, AppError):
            raise self.published
        self.known = self.published
        return self.known


class ScriptedKeys:
    """Meets `KeyStoreService`."""

    def __init__(self, script: ScriptedService) -> None:
        self._script = script

    async def status(self) -> StoreStatus:
        return self._script.store

    async def unlock(self, passphrase: str) -> StoreStatus:
        return self._now(StoreStatus("vault", StoreState.READY, True), "keys.unlock", passphrase)

    async def create_vault(self, passphrase: str, key_file: str = "") -> StoreStatus:
        return self._now(StoreStatus("vault", StoreState.READY, True), "keys.create", passphrase)

    async def change_passphrase(self, old: str, new: str, key_file: str = "") -> StoreStatus:
        return self._now(self._script.store, "keys.change_passphrase", old, new)

    async def keep_for_session(self) -> StoreStatus:
        return self._now(StoreStatus("this session only", StoreState.READY), "keys.session")

    async def try_again(self) -> StoreStatus:
        return self._now(self._script.store, "keys.try_again")

    def _now(self, status: StoreStatus, *call: object) -> StoreStatus:
        self._script.note(*call)
        self._script.store = status
        return status


class ScriptedBackups:
    """Meets `BackupService`."""

    def __init__(self, script: ScriptedService) -> None:
        self._script = script

    async def create(
        self, file: str, *, texts: bool = False, passphrase: str = ""
    ) -> BackupContent:
        self._script.note("backups.create", file, texts, passphrase)
        return BackupContent(0.0, "0", 3, 2, ("main",), texts, bool(passphrase), 4_096)


@dataclass
class ScriptedService:
    """Meets `UploadService`. `calls` notes every command with its arguments."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    rows: list[JobView] = field(default_factory=list)
    statuses: list[AccountStatus] = field(default_factory=list)
    plan_parts: list[UploadPlan] = field(default_factory=lambda: [UploadPlan(0, 0, (), (), None)])
    changed_plan: ChangedPlan = field(
        default_factory=lambda: ChangedPlan(UploadPlan(0, 0, (), (), None))
    )
    samples: list[HealthSample] = field(default_factory=list)
    streams: list[ScriptedEvents] = field(default_factory=list)
    reports: dict[str, ConnectionReport] = field(default_factory=dict)  # by region
    report: ConnectionReport = field(
        default_factory=lambda: ConnectionReport(True, "kimi", "api.moonshot.ai", 87, 3)
    )
    failure: AppError | None = None
    warnings: list[str] = field(default_factory=list)
    copy: Copy | None = None
    scan: ScanResult | None = None
    moment: Moment = field(default_factory=lambda: Moment(7, NOW))
    paused: bool = False
    store: StoreStatus = field(
        default_factory=lambda: StoreStatus("Secret Service", StoreState.READY)
    )
    loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        self.queue = ScriptedQueue(self)
        self.files = ScriptedFiles(self)
        self.accounts = ScriptedAccounts(self)
        self.audit = ScriptedAudit(self)
        self.settings = ScriptedSettings(self)
        self.keys = ScriptedKeys(self)
        self.backups = ScriptedBackups(self)
        self.mirror = ScriptedMirror(self)
        self.storage = ScriptedStorage(self)
        self.receipts = ScriptedReceipts(self)
        self.history = ScriptedHistory(self)
        self.watched = ScriptedWatch(self)
        self.window = ScriptedWindow()
        self.updates = ScriptedUpdates()

    def publish(self, event: Event) -> None:
        """From the window's thread: as if the engine had said it."""
        assert self.loop is not None
        for stream in self.streams:
            self.loop.call_soon_threadsafe(stream.queue.put_nowait, event)

    def note(self, *call: object) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure

    def tell(self, event: Event) -> None:
        for stream in self.streams:
            stream.queue.put_nowait(event)

    async def facts(self) -> dict[str, str]:
        return {"face": "window"}

    async def events(self) -> ScriptedEvents:
        stream = ScriptedEvents()
        self.streams.append(stream)
        return stream

    def factory(self, _sandbox: bool) -> Callable[[], AbstractAsyncContextManager[ScriptedService]]:
        """What `EngineSession` wants."""

        @asynccontextmanager
        async def run() -> AsyncIterator[ScriptedService]:
            self.loop = asyncio.get_running_loop()
            yield self
            self.streams.clear()

        return run
