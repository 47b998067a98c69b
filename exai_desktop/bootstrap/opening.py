"""Opening the service: an engine of our own, or the one of the process that holds the profile."""

from __future__ import annotations

import asyncio
import getpass
import platform
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from typing import Final

from exai_desktop import __version__
from exai_desktop.bootstrap.sandbox_process import sandbox_process
from exai_desktop.config.audit_key import AnchorFile, load_seal
from exai_desktop.config.credentials import check_key, choose_credentials, key_fingerprint
from exai_desktop.config.logs import start_logging, stop_logging
from exai_desktop.config.paths import Places, places
from exai_desktop.config.provider_table import load_provider_table
from exai_desktop.config.settings_document import SettingsDocument
from exai_desktop.config.settings_file import SettingsAccountBook, SettingsFile
from exai_desktop.core.accounts import Account
from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AccountError, EngineError, ErrorView
from exai_desktop.core.events import EventBus
from exai_desktop.core.ports import AccountBook, Credentials, FileProvider
from exai_desktop.core.service import UploadService
from exai_desktop.core.settings import Settings
from exai_desktop.engine import ipc, ipc_client
from exai_desktop.engine.accounts import Accounts
from exai_desktop.engine.clock import SystemClock
from exai_desktop.engine.context import Context
from exai_desktop.engine.lanes import Lane
from exai_desktop.engine.malware import MalwareCheck, system_scanner
from exai_desktop.engine.progress_board import ProgressBoard
from exai_desktop.engine.scheduler import Scheduler
from exai_desktop.engine.service import Engine, running
from exai_desktop.storage.audit import SqliteAuditStore
from exai_desktop.storage.audit_trail import AuditTrail
from exai_desktop.storage.balances import SqliteBalances
from exai_desktop.storage.content_locks import ContentLocks
from exai_desktop.storage.copies import SqliteCopyStore
from exai_desktop.storage.driver import library_version
from exai_desktop.storage.fingerprints import SqliteFingerprints
from exai_desktop.storage.jobs import SqliteJobStore
from exai_desktop.storage.opening import Opened, open_profile
from exai_desktop.storage.profile_lock import ProfileLock
from exai_desktop.storage.recovery_log import SqliteRecoveryLog
from exai_desktop.storage.texts import kept_texts

WINDOW: Final = "window"
COMMAND_LINE: Final = "command line"

# How long the process that holds the profile may take to answer.
OWNER_ANSWERS_S: Final = 10.0

# How often a window looks whether a command that holds the profile has ended.
OWNER_POLL_S: Final = 0.3


@asynccontextmanager
async def open_service(
    *, sandbox: bool = False, face: str = COMMAND_LINE
) -> AsyncIterator[UploadService]:
    """The service of this profile, in the running loop.

    A command uses the engine of whoever holds the profile. A window needs its own: it asks
    another window to come to the front and raises ALREADY_OPEN, and waits for a command to
    end.
    """
    where = places(sandbox=sandbox)
    lock = ProfileLock(where.locks / "profile.lock")
    patient_until = time.monotonic() + OWNER_ANSWERS_S
    while True:
        try:
            lock.acquire()
            break
        except EngineError as error:
            if error.code is not ErrorCode.ANOTHER_INSTANCE:
                raise
        try:
            service = await ipc_client.connect(
                where.socket, max(0.1, patient_until - time.monotonic())
            )
            owner = (await service.facts()).get("face")
        except EngineError:
            # It holds the lock a moment before it listens, and a moment after.
            if time.monotonic() > patient_until:
                raise
            await asyncio.sleep(0.1)
            continue
        if face == COMMAND_LINE:
            yield service
            return
        if owner == WINDOW:
            await service.show_window()
            raise EngineError(ErrorCode.ALREADY_OPEN)
        await asyncio.sleep(OWNER_POLL_S)
        patient_until = time.monotonic() + OWNER_ANSWERS_S
    try:
        async with _own_engine(where, sandbox=sandbox, face=face) as engine:
            yield engine
    finally:
        lock.release()


@asynccontextmanager
async def _own_engine(where: Places, *, sandbox: bool, face: str) -> AsyncIterator[UploadService]:
    async with AsyncExitStack() as stack:
        document = SettingsDocument(where.settings_file)
        settings_file = SettingsFile(document)
        loaded = settings_file.load()
        settings = loaded.settings
        start_logging(where, settings.log_level)
        stack.callback(stop_logging)
        book: AccountBook = SettingsAccountBook(document)
        credentials: Credentials
        if sandbox:
            rehearsal = await stack.enter_async_context(
                sandbox_process(where.data / "servers", settings.max_in_flight)
            )
            book, credentials = rehearsal.book, rehearsal.credentials
        else:
            credentials = await asyncio.to_thread(choose_credentials, where.profile_id)
        now = SystemClock().now
        seal = await asyncio.to_thread(load_seal, credentials, where.data / "audit.key")
        trail = AuditTrail(seal, _user(), now)
        opened = stack.enter_context(closing(open_profile(where.database, now, trail)))
        bus = EventBus()
        given = _Given(where, face, settings, settings_file, book, credentials)
        make = _engine_maker(given, opened, bus, stack)
        engine = await stack.enter_async_context(running(make))
        await stack.enter_async_context(ipc.serve(engine, where.socket))
        for problem in (*map(ErrorView.of, opened.problems), *loaded.problems):
            engine.tell(problem)
        yield engine


@dataclass(frozen=True, slots=True)
class _Given:
    """What an engine is made from: the user's, or the sandbox's."""

    where: Places
    face: str
    settings: Settings
    settings_file: SettingsFile
    book: AccountBook
    credentials: Credentials


def _engine_maker(
    given: _Given, opened: Opened, bus: EventBus, stack: AsyncExitStack
) -> Callable[[asyncio.TaskGroup], Engine]:
    settings = given.settings
    database, clock = opened.database, SystemClock()
    table = load_provider_table()
    readers = stack.enter_context(ThreadPoolExecutor(settings.readers, "reader"))
    senders = stack.enter_context(ThreadPoolExecutor(settings.readers, "sender"))
    make_provider = _provider_factory(table, settings, senders)
    accounts = Accounts(
        given.book, given.credentials, make_provider, table, settings, clock, bus, readers
    )
    stack.push_async_callback(accounts.close)
    keep = None if opened.is_read_only else settings.keep_texts
    jobs = SqliteJobStore(database)
    # More than threads: while some are read, the others' writes share a transaction.
    prepare = Lane("prepare", max(8, settings.readers * 4), clock)
    scheduler = Scheduler(jobs, bus, clock, prepare, accounts.lane)
    ctx = Context(
        jobs=jobs,
        copies=SqliteCopyStore(database),
        fingerprints=SqliteFingerprints(database),
        audit=SqliteAuditStore(database),
        anchor_file=AnchorFile(given.where.settings_file.with_name("audit-anchor.json")),
        accounts=accounts,
        scheduler=scheduler,
        board=ProgressBoard(bus, clock),
        clock=clock,
        settings=settings,
        readers=readers,
        random=random.SystemRandom().random,
        malware=MalwareCheck(
            settings.malware_scan, partial(system_scanner, settings.clamd_address, readers)
        ),
        recovery=None if opened.is_read_only else SqliteRecoveryLog(database),
        balances=None if opened.is_read_only else SqliteBalances(database),
        texts=stack.enter_context(kept_texts(given.where.texts, keep)),
        snapshots=None if opened.is_read_only else opened.snapshots,
        disk=opened.ballast,
        claims=ContentLocks(given.where.shared_locks, given.where.profile_id),
        is_read_only=opened.is_read_only,
    )

    return lambda tasks: Engine(
        ctx,
        bus,
        tasks,
        given.settings_file,
        check_key,
        key_fingerprint,
        partial(_facts, given.where, given.face),
    )


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
    }


def _user() -> str:
    """Who is logged in, for the audit trail; a container may have nobody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def _provider_factory(
    table: ProviderTable, settings: Settings, senders: ThreadPoolExecutor
) -> Callable[[Account, str], FileProvider]:
    def make(account: Account, key: str) -> FileProvider:
        # Late: the HTTP stack is not needed to show a window or a list.
        from exai_desktop.providers.glm import GlmProvider
        from exai_desktop.providers.kimi import KimiProvider

        info = table.provider(account.provider)
        if info is not None and account.provider == "kimi":
            return KimiProvider(account, key, info, settings, senders)
        if info is not None and account.provider == "glm":
            return GlmProvider(account, key, info, settings, senders)
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"provider {account.provider}")

    return make
