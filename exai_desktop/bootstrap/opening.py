"""An engine of our own: which class stands behind each port, and the order of opening."""

from __future__ import annotations

import asyncio
import getpass
import platform
import random
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from exai_desktop import __version__
from exai_desktop.bootstrap.fleet import Shared, shared_parts, why_no_fleet
from exai_desktop.bootstrap.newer_versions import update_parts
from exai_desktop.bootstrap.profile_secrets import OpenedSecrets, open_secrets, sandbox_secrets
from exai_desktop.bootstrap.project_link import LateLink, project_parts
from exai_desktop.bootstrap.sandbox_process import SandboxServers
from exai_desktop.config.address_passwords import KeysBehindProxy, ProxyLogin
from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.audit_key import KeptAnchor, load_seal
from exai_desktop.config.audit_signing import StoredSigner
from exai_desktop.config.background.login_start import BookWithLogin
from exai_desktop.config.background.pause_file import PauseFile
from exai_desktop.config.credentials import check_key, key_fingerprint
from exai_desktop.config.logs import log_nothing, start_logging, stop_logging
from exai_desktop.config.paths import Places
from exai_desktop.config.profile_identity import Choice
from exai_desktop.config.resources import load_provider_table
from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import SettingsAccountBook, SettingsFile
from exai_desktop.config.surroundings import SystemSurroundings
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.ports import AccountBook
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError, ErrorView
from exai_desktop.core.events import NO_METRICS, EventBus, Metrics
from exai_desktop.core.machine import BackupContent, BackupMaker
from exai_desktop.core.routing.capabilities import Provider, ProviderTable
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.editor import KeyRules
from exai_desktop.engine.assembly.open_engine import open_engine
from exai_desktop.engine.assembly.parts import AccountParts, EngineParts, MachineParts, Record
from exai_desktop.engine.background.mirroring import MirrorParts
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.files.confinement import can_confine
from exai_desktop.engine.files.file_checks import MalwareCheck, system_scanner
from exai_desktop.engine.ipc import server as ipc
from exai_desktop.engine.service.engine import Engine
from exai_desktop.engine.service.watched_folders import WatchParts
from exai_desktop.engine.waiting import GrowingThreads, SystemClock, uninterrupted
from exai_desktop.storage.audit.trail import AuditTrail, SqliteAuditStore
from exai_desktop.storage.record import recovery_log
from exai_desktop.storage.record.copies import SqliteCopyStore, SqliteFingerprints
from exai_desktop.storage.record.health import SqliteBalances, SqliteHealthBook
from exai_desktop.storage.record.jobs import SqliteJobStore
from exai_desktop.storage.record.past_files import SqliteHistory
from exai_desktop.storage.record.receipts import SqliteReceipts
from exai_desktop.storage.record.recovery_log import SqliteRecoveryLog
from exai_desktop.storage.record.watched_folders import SqliteWatchStore
from exai_desktop.storage.sqlite.driver import library_version
from exai_desktop.storage.text_cache import kept_texts
from exai_desktop.storage.user_profile.later_check import LaterCheck
from exai_desktop.storage.user_profile.opening import Opened, open_profile, open_to_read

T = TypeVar("T")
ProviderClass = Callable[[Account, str, Provider, Settings, Executor], FileProvider]


@dataclass(frozen=True, slots=True)
class Given:
    """What an engine is made from: the user's, or the sandbox's."""

    where: Places
    face: str
    settings: Settings
    settings_file: SettingsFile
    book: AccountBook
    secrets: OpenedSecrets
    # Why nothing may be sent, "" if it may.
    refusal: str = ""
    is_sandbox: bool = False

    def backups(self, opened: Opened) -> BackupMaker | None:
        """None: nothing of the sandbox is worth one."""
        if self.is_sandbox:
            return None

        def make(file: Path, *, texts: bool, passphrase: str) -> BackupContent:
            from exai_desktop.bootstrap.backups import ProfileBackup  # late: few runs make one

            backup = ProfileBackup(self.where, opened.read_path, self.secrets.store)
            return backup(file, texts=texts, passphrase=passphrase)

        return make


@dataclass(frozen=True, slots=True)
class AuditToKeep:
    """The trail, and what is noted of it outside the database."""

    trail: AuditTrail
    anchors: KeptAnchor


def engine_parts(
    given: Given,
    opened: Opened,
    audit: AuditToKeep,
    bus: EventBus,
    stack: AsyncExitStack,
    problems: list[AppError],
) -> EngineParts:
    """`problems` takes what is wrong and does not keep the program from running."""
    settings = given.settings
    readers = stack.enter_context(GrowingThreads(settings.readers, "reader"))
    senders = stack.enter_context(GrowingThreads(settings.readers, "sender"))
    table, known_problems = load_provider_table(), Problems(bus)
    login = ProxyLogin(given.secrets.store, settings)
    mirror, claims = _project(given, opened, login)
    shared = shared_parts(
        *(given.where, given.secrets, settings, opened.database, stack, known_problems, claims)
    )
    return EngineParts(
        bus=bus,
        problems=known_problems,
        record=_record(given, opened, audit, shared, stack),
        accounts=AccountParts(
            given.book,
            KeysBehindProxy(given.secrets.keys, login),
            given.secrets.store,
            _provider_factory(table, given, senders, login, shared.learn),
            table,
            KeyRules(check_key, key_fingerprint),
        ),
        machine=MachineParts(
            SystemClock(),
            readers,
            random.SystemRandom().random,
            *(shared.claims, shared.turns),
            None if opened.is_read_only else opened.snapshots,
            opened.reserved_space,
            SystemSurroundings(),
            given.backups(opened),
            None if opened.is_read_only else PauseFile.of(given.where),
        ),
        settings=settings,
        settings_book=BookWithLogin(given.settings_file, is_sandbox=given.is_sandbox),
        malware=MalwareCheck(
            settings.malware_scan, partial(system_scanner, settings.clamd_address, readers)
        ),
        facts=lambda: _facts(given.where, given.face) | shared.words(),
        metrics=_metrics(settings, stack, problems),
        # More than threads: while some are read, the others' writes share a transaction.
        prepared_at_once=max(8, settings.readers * 4),
        is_read_only=opened.is_read_only,
        refusal=given.refusal,
        mirror=mirror,
        watching=WatchParts(SqliteWatchStore(opened.database, audit.trail), given.where.own),
        updates=update_parts(
            *(given.where, given.settings_file, login), given.is_sandbox or opened.is_read_only
        ),
    )


def _project(
    given: Given, opened: Opened, login: ProxyLogin
) -> tuple[MirrorParts, LateLink] | tuple[None, None]:
    """The sandbox has no project, and a record that is only read has nothing to tell."""
    if given.is_sandbox or opened.is_read_only:
        return None, None
    return project_parts(given.secrets, opened.database, login)


def _record(
    given: Given, opened: Opened, audit: AuditToKeep, shared: Shared, stack: AsyncExitStack
) -> Record:
    database, is_kept = opened.database, not opened.is_read_only
    keep_texts = given.settings.keep_texts if is_kept else None
    return Record(
        jobs=SqliteJobStore(database, audit.trail),
        copies=SqliteCopyStore(database, audit.trail),
        fingerprints=SqliteFingerprints(database),
        receipts=SqliteReceipts(database),
        history=SqliteHistory(database),
        states=shared.states,
        audit=SqliteAuditStore(database, audit.trail),
        anchor_file=audit.anchors,
        signer=StoredSigner(given.secrets.store),
        recovery=SqliteRecoveryLog(database) if is_kept else None,
        texts=stack.enter_context(kept_texts(given.where.texts, keep_texts)),
        balances=SqliteBalances(database) if is_kept else None,
        health_book=SqliteHealthBook(database) if is_kept else None,
    )


def _metrics(settings: Settings, stack: AsyncExitStack, problems: list[AppError]) -> Metrics:
    if not settings.metrics_port:
        return NO_METRICS
    from exai_desktop.config.metrics import PrometheusMetrics, served  # late: an extra

    try:
        metrics = PrometheusMetrics(names_accounts=settings.metrics_account_names)
        stack.enter_context(served(metrics, settings.metrics_port))
    except EngineError as error:
        problems.append(error)
        return NO_METRICS
    return metrics


def _facts(where: Places, face: str) -> dict[str, str]:
    return {
        "version": __version__,
        "face": face,
        "python": platform.python_version(),
        "sqlite": library_version(),
        "system": f"{platform.system()} {platform.release()}",
        "frozen": str(bool(getattr(sys, "frozen", False))).lower(),
        "data": str(where.data),
        "logs": str(where.logs),
        "settings": str(where.settings_file),
        "pdf_check": "confined" if can_confine() else "not confined: this system has no seccomp",
    }


def _provider_factory(
    table: ProviderTable,
    given: Given,
    senders: Executor,
    login: ProxyLogin,
    learn: Callable[[Account, str], None],
) -> Callable[[Account, str], FileProvider]:
    def make(account: Account, key: str) -> FileProvider:
        if given.refusal:
            raise AccountError(ErrorCode.UNUSABLE_SETTING, given.refusal)
        info, provider_class = table.of(account), provider_classes().get(account.provider)
        if info is None or provider_class is None:
            raise AccountError(ErrorCode.INVALID_ACCOUNT, f"provider {account.provider}")
        if info.region(account.region) is None:
            # Rules are for regions: nobody knows which one this is.
            raise AccountError(ErrorCode.INVALID_ACCOUNT, f"region {account.region}")
        learn(account, key)
        return provider_class(account, key, info, login.settings, senders)

    return make


def provider_classes() -> dict[str, ProviderClass]:
    """The class of each provider in resources/providers.toml, by the provider's name there."""
    # Late: the HTTP stack is not needed to show a window or a list.
    from exai_desktop.providers.custom import CustomProvider
    from exai_desktop.providers.glm import GlmProvider
    from exai_desktop.providers.kimi import KimiProvider

    return {"kimi": KimiProvider, "glm": GlmProvider, "custom": CustomProvider}


@asynccontextmanager
async def own_engine(
    where: Places,
    passphrase: str | None,
    *,
    face: str,
    servers: SandboxServers | None = None,
    only_read: EngineError | None = None,
) -> AsyncIterator[Engine]:
    """`servers`: of the sandbox, if it is the sandbox's profile. `only_read`: the profile cannot be
    written, and this is what a write is answered."""
    async with AsyncExitStack() as stack:
        document = SettingsDocument(where.settings_file)
        settings_file = SettingsFile(document)
        loaded = settings_file.load()
        settings = loaded.settings
        if only_read is None:
            start_logging(where, settings.log_level)
            stack.callback(stop_logging)
        else:
            log_nothing()
        book: AccountBook = SettingsAccountBook(document)
        if servers is not None:
            secrets = await _to_end(sandbox_secrets, where)
        else:
            secrets = await _to_end(open_secrets, where, book.load(), passphrase)
        opened, audit = await _opened_record(where, secrets, only_read)
        stack.enter_context(closing(opened))
        if servers is not None:
            book = await _sandbox_book(servers, secrets, settings.max_in_flight)
        bus = EventBus()
        no_fleet = why_no_fleet(settings)
        refusal = "; ".join([*loaded.refusals, *([no_fleet] if no_fleet else [])])
        given = Given(
            where, face, settings, settings_file, book, secrets, refusal, servers is not None
        )
        problems: list[AppError] = list(opened.problems)
        if no_fleet:
            problems.append(EngineError(ErrorCode.UNUSABLE_SETTING, no_fleet))
        parts = engine_parts(given, opened, audit, bus, stack, problems)
        assembly = await stack.enter_async_context(open_engine(parts))
        engine = assembly.engine
        if only_read is None:
            await stack.enter_async_context(ipc.serve(engine, where.socket))
            if secrets.copied is not None and not opened.is_read_only:
                await engine.audit.note_profile(secrets.copied.choice)
                await _to_end(secrets.identity.choice_noted)
        for problem in (*map(ErrorView.of, problems), *loaded.problems):
            engine.tell(problem)
        if opened.check is not None:
            await stack.enter_async_context(_checked_behind(opened.check, engine))
        yield engine


async def _sandbox_book(
    servers: SandboxServers, secrets: OpenedSecrets, in_flight: int
) -> AccountBook:
    """Waits for the servers, as late as can be: so long they have had to start."""
    accounts = await servers.accounts(in_flight)
    for account, key in accounts.keys:
        secrets.keys.set(account, key)
    return accounts.book


async def _to_end(call: Callable[..., T], *args: object) -> T:
    """In a thread. A start that is cancelled waits for it: what it writes belongs to whoever holds
    the profile's lock."""
    return await uninterrupted(asyncio.to_thread(call, *args))


# A window is usable by then, and most commands have ended.
CHECK_AFTER_S: Final = 5.0


@asynccontextmanager
async def _checked_behind(check: LaterCheck, engine: Engine) -> AsyncIterator[None]:
    """The check that a large database is still owed; it ends with the engine."""

    async def run() -> None:
        await asyncio.sleep(CHECK_AFTER_S)
        try:
            await asyncio.to_thread(check.run)
        except EngineError as error:
            await engine.queue.pause()
            engine.tell(ErrorView.of(error))

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        check.stop()
        task.cancel()
        await asyncio.wait({task})


async def _opened_record(
    where: Places, secrets: OpenedSecrets, only_read: EngineError | None
) -> tuple[Opened, AuditToKeep]:
    now, key_file = SystemClock().now, where.data / "audit.key"
    load = partial(load_seal, secrets.store, key_file, is_kept=only_read is None)
    seal = await _to_end(load)
    file = where.settings_file.with_name("audit-anchor.json")
    audit = AuditToKeep(AuditTrail(seal, _user(), now), KeptAnchor(file, secrets.store, seal))
    if only_read is not None:
        return open_to_read(where.database, only_read, write_file), audit
    anchoring = await asyncio.to_thread(audit.anchors.load)
    opened = open_profile(where.database, now, write_file, seal.genuine(anchoring.anchor))
    copied = secrets.copied
    # A restored one has this noted already, beside its database.
    is_noted = copied is None or copied.choice is Choice.RESTORED
    if copied is not None and not is_noted and not opened.is_read_only:
        # Both may have sent: the providers' lists are compared before anything is sent.
        since, cause = copied.since, ErrorCode.PROFILE_COPIED.value
        try:
            await _to_end(recovery_log.begin, where.database, now(), since, cause)
        except BaseException:
            opened.close()
            raise
    return opened, audit


def _user() -> str:
    """Who is logged in, for the audit trail; a container may have nobody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
