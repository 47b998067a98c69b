"""The engine, put together: the one place that knows which part is given which."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from exai_desktop.core.events import SettingChanged
from exai_desktop.core.jobs.jobs import JobView
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.health import Breakers, Health
from exai_desktop.engine.accounts.identity import identity_of
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Bandwidth, Timing
from exai_desktop.engine.assembly.parts import EngineParts
from exai_desktop.engine.background.background import Background, JobLanes, Memory, Runner
from exai_desktop.engine.background.health_watch import HealthWatch
from exai_desktop.engine.background.idle_connections import IdleConnections
from exai_desktop.engine.background.one_copy import Sources
from exai_desktop.engine.background.pausing import Pausing
from exai_desktop.engine.background.prober import Prober
from exai_desktop.engine.background.problems import BreakerNews
from exai_desktop.engine.background.quota_watch import quota_services
from exai_desktop.engine.background.snapshots import SnapshotTask
from exai_desktop.engine.background.store_watch import StoreParts, StoreWatch
from exai_desktop.engine.background.totals import Totals
from exai_desktop.engine.files.file_checks import ContentCheck
from exai_desktop.engine.files.open_file import FileOpener
from exai_desktop.engine.provider_files.compare_all import CompareAll
from exai_desktop.engine.provider_files.remote_files import RemoteFiles
from exai_desktop.engine.provider_files.remote_lists import RemoteLists
from exai_desktop.engine.provider_files.texts import Texts
from exai_desktop.engine.reconciliation.reconciler import Reconciler, Settlement
from exai_desktop.engine.reconciliation.restart import Restart
from exai_desktop.engine.reconciliation.suspects import Suspects
from exai_desktop.engine.reconciliation.uncertain import UncertainJobs
from exai_desktop.engine.scheduling.copy_moves import CopyMoves
from exai_desktop.engine.scheduling.in_hand import JobsInHand, ProgressBoard
from exai_desktop.engine.scheduling.lanes import DiskGuard, Lane
from exai_desktop.engine.scheduling.scheduler import Listeners, Scheduler
from exai_desktop.engine.service import accounts as account_service
from exai_desktop.engine.service.audit import Audit, AuditParts
from exai_desktop.engine.service.backups import Backups
from exai_desktop.engine.service.engine import Engine, Services
from exai_desktop.engine.service.files import ProviderFiles
from exai_desktop.engine.service.history import History
from exai_desktop.engine.service.job_commands import Commands
from exai_desktop.engine.service.job_queue import Intake, JobQueue
from exai_desktop.engine.service.keys import KeyStore
from exai_desktop.engine.service.mirror import copying, mirroring
from exai_desktop.engine.service.receipts import Receipts
from exai_desktop.engine.service.settings import SettingsChanges
from exai_desktop.engine.service.updates import Updates
from exai_desktop.engine.service.upload_plans import UploadPlans
from exai_desktop.engine.service.watched_folders import WatchedFolders
from exai_desktop.engine.upload.admission import (
    AccountCheck,
    Admission,
    Diversion,
    Pace,
    Routes,
    WaitReasons,
)
from exai_desktop.engine.upload.attempt import Answers, AttemptMetrics, Attempts, Line
from exai_desktop.engine.upload.delivery import Delivery, KnownContent, Readiness
from exai_desktop.engine.upload.failures import AccountHold, Failures, TryLater
from exai_desktop.engine.upload.prepare import FileChecks, Hashing, Preparation, Routing
from exai_desktop.engine.upload.sent_before import Claims, RecoveredRecord
from exai_desktop.engine.upload.shared_room import shared_room
from exai_desktop.engine.upload.stored_copies import Confirmation, Reuse
from exai_desktop.engine.waiting import Readers


class Assembly:
    """All parts of one engine, in the order in which they need each other.

    Parts that must call what is made after them are given a method of this class. For tests, the
    parts are public.
    """

    def __init__(self, parts: EngineParts, tasks: asyncio.TaskGroup) -> None:
        self._parts = parts
        self.record = parts.record
        self.clock = parts.machine.clock
        self.settings = CurrentSettings(parts.settings, parts.refusal)
        self.readers = Readers(parts.machine.readers)
        self.problems = parts.problems
        self.in_hand = JobsInHand()
        self.board = ProgressBoard(parts.bus, self.clock)
        self.bandwidth = Bandwidth(parts.settings.upload_bytes_per_s, self.clock)
        self.timing = Timing(self.clock, parts.machine.chance, parts.settings.settle_s)
        self._make_accounts()
        self._make_lanes()
        self._make_stages()
        self._make_background(tasks)
        self._make_services(tasks)

    def _make_accounts(self) -> None:
        parts, machine = self._parts, self._parts.machine
        given = parts.accounts
        self.accounts = Accounts(
            given.book,
            given.credentials,
            given.make_provider,
            given.table,
            parts.settings,
            self.clock,
            parts.bus,
            machine.readers,
        )
        self.editor = given.editor(self.accounts, parts.settings, self.clock, machine.readers)
        self.breakers = Breakers(
            self.record.states,
            self.clock,
            parts.settings,
            machine.chance,
            lambda name: identity_of(self.accounts.get(name)),
            on_change=self._breaker_changed,
            on_fleet=self.problems.of_fleet,
        )
        self.health = Health(self.clock, self.record.health_book, parts.metrics)
        self.guard = DiskGuard(
            machine.disk,
            self.clock,
            self.problems.of_storage,
            self._restore_jobs,
            parts.settings.min_free_bytes,
        )

    def _breaker_changed(self, account: str, *, is_new_phase: bool) -> None:
        self.breaker_news.changed(account, is_new_phase=is_new_phase)

    def _job_waits(self, job: JobView) -> None:
        self.breaker_news.waits(job)

    async def _restore_jobs(self) -> None:
        await self.lanes.restore()

    def _make_lanes(self) -> None:
        parts, record = self._parts, self.record
        self.mirroring = mirroring(parts.mirror, self.accounts, record.audit, parts.bus, self.clock)
        self.uncertain = UncertainJobs(self.clock)
        reasons = WaitReasons(self.breakers, self.accounts, self.settings, self.clock)
        self.scheduler = Scheduler(
            self.record.jobs,
            parts.bus,
            self.clock,
            Lane("prepare", parts.prepared_at_once, self.clock, self.accounts.places),
            self.accounts.lane,
            Listeners(self.uncertain.add, self._job_waits, reasons.shown),
        )
        self.admission = Admission(self.breakers, self.accounts, self.scheduler)
        self.pace = Pace(
            self.accounts, self.scheduler, self.clock, parts.machine.turns, self.problems.of_fleet
        )
        self.routes = Routes(
            record.jobs, self.accounts, self.breakers, self.settings, self.in_hand, self.readers
        )
        self.moves = CopyMoves(record.copies, record.jobs, self.scheduler, self.clock)
        self.reuse = Reuse(self.moves, self.accounts, self.scheduler, self.settings, self.clock)
        self.later = TryLater(
            self.scheduler, self.accounts, self.in_hand, self.settings, self.timing
        )
        self.account_hold = AccountHold(self.accounts, record.jobs, self.scheduler, self.timing)
        self.confirmation = Confirmation(
            self.record.jobs, self.scheduler, self.accounts, self.settings, self.clock
        )
        claims, jobs = parts.machine.claims, record.jobs
        self.claims = Claims(
            claims, jobs, record.copies, self.scheduler, self.accounts, self.readers, self.clock
        )
        self.recovered = RecoveredRecord(self.record.recovery, self.record.jobs, self.settings)

    def _make_stages(self) -> None:
        parts, record, scheduler = self._parts, self.record, self.scheduler
        self.content = ContentCheck(self.readers)
        self.opener = opener = FileOpener(self.readers, self.settings, parts.machine.open_file)
        self.preparation = Preparation(
            record.jobs,
            scheduler,
            self.in_hand,
            opener,
            FileChecks(scheduler, self.routes, self.content, parts.malware, self.settings),
            Hashing(record.fingerprints, self.readers, self.board, self.clock),
            Routing(scheduler, self.routes, self.reuse, parts.metrics),
            self.later,
        )
        failures = Failures(
            *(record.jobs, scheduler, self.accounts, self.routes, self.pace, self.later),
            *(self.account_hold, self.timing, self.in_hand),
        )
        answers = Answers(
            scheduler,
            self.pace,
            self.timing,
            failures,
            self.confirmation,
            AttemptMetrics(parts.metrics, self.health, self.breakers, self.clock),
        )
        line = Line(self.bandwidth, self.accounts, self.board, self.in_hand, self.clock)
        attempts = Attempts(
            record.jobs, scheduler, line, self.claims, self.recovered, self.reuse, answers
        )
        self.delivery = Delivery(
            record.jobs,
            scheduler,
            self.in_hand,
            Readiness(scheduler, self.accounts, self.routes, self.later),
            self.admission,
            KnownContent(
                *(self.accounts, self.reuse, self.pace, self.claims, opener, self.routes),
                attempts,
                parts.mirror.others if parts.mirror is not None else None,
                shared_room(parts.mirror, self.mirroring.room_for, self.settings, self.clock),
            ),
            failures,
        )

    def _make_background(self, tasks: asyncio.TaskGroup) -> None:
        parts, record = self._parts, self.record
        self.runner = Runner(tasks, self.guard, self.in_hand)
        self.check = AccountCheck(self.accounts, self.breakers, self.health, self.clock)
        self.prober = Prober(self.check, self.account_hold, self.settings, self.clock)
        diversion = Diversion(
            record.jobs, self.scheduler, self.accounts, self.breakers, self.routes
        )
        self.breaker_news = BreakerNews(
            self.breakers,
            self.admission,
            diversion,
            self.prober,
            self.problems,
            parts.metrics,
            self.runner.aside,
        )
        secrets = parts.accounts.secrets
        store = StoreParts(secrets, self.accounts, record.audit, self.readers, self.clock)
        self.store_watch = StoreWatch(store, self.account_hold, self.problems, parts.bus)
        self.pausing = Pausing(
            self.scheduler.prepare,
            self.accounts,
            parts.machine.surroundings,
            self.settings,
            self.readers,
            self.clock,
            lambda: self.totals.changed(),  # noqa: PLW0108 - it is made behind this
            parts.machine.pauses,
        )
        self.totals = Totals(
            record.jobs, self.board, self.pace, self.pausing, self.in_hand, parts.bus, parts.metrics
        )
        self.copying = copying(
            *(parts.mirror, self.settings, parts.bus, self.clock, self.bandwidth, self.in_hand),
            Sources(record.jobs, self.opener, self.readers),
        )
        self.lanes = JobLanes(
            self.runner,
            self.scheduler,
            self.accounts,
            self.admission,
            self.preparation,
            self.delivery,
            self.confirmation,
            Restart(record.jobs, self.scheduler, self.accounts, self.timing),
        )

    def _setting_changed(self, name: str) -> None:
        self._parts.bus.publish(SettingChanged(name))
        self.pausing.wake()
        self.copying.wake()

    def _reconciler(self) -> Reconciler:
        record, settings = self.record, self.settings
        return Reconciler(
            self.uncertain,
            Suspects(record.jobs, record.copies, self.recovered, settings, self.clock),
            Settlement(
                *(record.jobs, self.scheduler, self.accounts, self.uncertain),
                *(self.recovered, self.claims, self.timing),
            ),
            self.guard,
            settings.value.settle_s,
        )

    def _make_services(self, tasks: asyncio.TaskGroup) -> None:
        parts, record = self._parts, self.record
        jobs, copies, guard, clock = record.jobs, record.copies, self.guard, self.clock
        commands = Commands(jobs, copies, self.scheduler, self.accounts, self.in_hand, guard, clock)
        audit = Audit(
            AuditParts(record.audit, record.anchor_file, record.signer),
            self.readers,
            self.clock,
            is_read_only=parts.is_read_only,
        )
        self.texts = Texts(record.texts, record.copies, self.accounts, self.clock)
        lists = RemoteLists(self.moves, self.accounts, record.recovery, self.texts, self.clock)
        accounts, announce = self._account_changes(commands, audit, lists)
        intake = Intake(jobs, self.scheduler, self.settings, guard, clock, parts.bus)
        plans = UploadPlans(self.accounts, self.breakers, record.jobs, self.pace, self.settings)
        remote_files = RemoteFiles(jobs, self.moves, self.accounts, self.texts, record.audit, clock)
        self.watched = WatchedFolders(
            *(parts.watching, intake, self.accounts), is_read_only=parts.is_read_only
        )
        receipts = Receipts(record.receipts, self.accounts, self.readers)
        self.updates = Updates(parts.updates, self.settings, self.clock)
        services = Services(
            JobQueue(
                self.scheduler, intake, plans, commands, self.pausing, self.totals, parts.bus, tasks
            ),
            ProviderFiles(remote_files, lists, self.texts, commands, parts.metrics, announce),
            accounts,
            audit,
            SettingsChanges(
                parts.settings_book,
                self.settings,
                self.bandwidth,
                parts.malware,
                self.readers,
                parts.accounts.table,
                parts.accounts.secrets,
                self._setting_changed,
            ),
            KeyStore(self.store_watch.parts, self.store_watch.wake),
            Backups(
                parts.machine.backups, record.audit, self.clock, is_read_only=parts.is_read_only
            ),
            self.mirroring,
            self.copying,
            receipts,
            History(record.history, self.texts, receipts),
            self.watched,
            self.updates,
        )
        self.engine = Engine(services, self._background(audit), parts.bus, parts.facts)

    def _account_changes(
        self, commands: Commands, audit: Audit, lists: RemoteLists
    ) -> tuple[account_service.AccountChanges, Callable[[], Awaitable[None]]]:
        """With what announces the accounts anew."""
        parts, record = self._parts, self.record
        balances = account_service.Balances(record.balances, self.accounts, self.clock)
        account_board = account_service.AccountBoard(
            self.accounts,
            self.breakers,
            self.health,
            record.copies,
            balances,
            self.scheduler,
            parts.bus,
        )
        changes = account_service.AccountChanges(
            account_board,
            self.editor,
            record.jobs,
            account_service.AccountLanes(self.lanes.serve, self.runner.end_lane),
            self.check,
            lists,
            commands,
            audit,
        )
        return changes, account_board.announce

    def _background(self, audit: Audit) -> Background:
        parts, record = self._parts, self.record
        self.health_watch = HealthWatch(
            *(record.jobs, record.copies, self.accounts, self.breakers, self.health),
            *(self.problems, parts.metrics, self.clock),
        )
        comparison = CompareAll(
            record.recovery, self.moves, self.accounts, self.settings, self.timing, self.guard
        )
        services = [
            *(self.guard.run, self._reconciler().run, self.totals.run, comparison.run),
            *(self.prober.run, self.health_watch.run, self.pausing.run, self.store_watch.run),
            *(self.texts.sweep, audit.anchor_hourly, self.mirroring.run, self.watched.run),
            *quota_services(parts.mirror, self.scheduler, parts.bus, self.clock),
            *(self.copying.run, IdleConnections(self.accounts, self.clock).run, self.updates.run),
        ]
        at_end = [self.totals.stop, self.pausing.finish]
        at_end += [self.health_watch.finish, self.store_watch.finish]
        at_end += [self.reuse.stop, self.mirroring.finish]
        if parts.machine.snapshots is not None:
            snapshots = SnapshotTask(parts.machine.snapshots, self.clock, parts.bus)
            services.append(snapshots.run)
            at_end.append(snapshots.finish)
        return Background(
            Memory(record.jobs, self.accounts, self.breakers, self.health, self.timing),
            self.guard,
            self.runner,
            self.lanes,
            self.problems,
            services,
            at_end,
            self.pausing.take_up,
            parts.is_read_only,
        )
