"""Opening the service: an engine of our own, or the one of the process that holds the profile."""

from __future__ import annotations

import asyncio
import platform
import random
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import Final

from exai_desktop import __version__
from exai_desktop.bootstrap.sandbox_process import sandbox_process
from exai_desktop.config.credentials import check_key, choose_credentials, key_fingerprint
from exai_desktop.config.logs import start_logging, stop_logging
from exai_desktop.config.paths import Places, places
from exai_desktop.config.provider_table import load_provider_table
from exai_desktop.config.settings_document import SettingsDocument
from exai_desktop.config.settings_file import SettingsAccountBook, SettingsFile
from exai_desktop.core.accounts import Account
from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AccountError, EngineError
from exai_desktop.core.events import EventBus, ProblemRaised
from exai_desktop.core.ports import AccountBook, Credentials, FileProvider
from exai_desktop.core.service import UploadService
from exai_desktop.core.settings import Settings
from exai_desktop.engine import ipc
from exai_desktop.engine.accounts import Accounts
from exai_desktop.engine.clock import SystemClock
from exai_desktop.engine.context import Context
from exai_desktop.engine.lanes import Lane
from exai_desktop.engine.progress_board import ProgressBoard
from exai_desktop.engine.scheduler import Scheduler
from exai_desktop.engine.service import Engine, running
from exai_desktop.storage.copies import SqliteCopyStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.driver import library_version
from exai_desktop.storage.fingerprints import SqliteFingerprints
from exai_desktop.storage.jobs import SqliteJobStore
from exai_desktop.storage.profile_lock import ProfileLock

WINDOW: Final = "window"
COMMAND_LINE: Final = "command line"

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
    while True:
        try:
            lock.acquire()
            break
        except EngineError as error:
            if error.code is not ErrorCode.ANOTHER_INSTANCE:
                raise
        service = await ipc.connect(where.socket)
        if face == COMMAND_LINE:
            yield service
            return
        if (await service.facts()).get("face") == WINDOW:
            await service.show_window()
            raise EngineError(ErrorCode.ALREADY_OPEN)
        await asyncio.sleep(OWNER_POLL_S)
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
        database = stack.enter_context(closing(Database(where.database)))
        bus = EventBus()
        make = _engine_maker(
            where, settings, settings_file, book, credentials, database, bus, stack, face
        )
        engine = await stack.enter_async_context(running(make))
        await stack.enter_async_context(ipc.serve(engine, where.socket))
        for problem in loaded.problems:
            bus.publish(ProblemRaised(problem))
        yield engine


def _engine_maker(
    where: Places,
    settings: Settings,
    settings_file: SettingsFile,
    book: AccountBook,
    credentials: Credentials,
    database: Database,
    bus: EventBus,
    stack: AsyncExitStack,
    face: str,
) -> Callable[[asyncio.TaskGroup], Engine]:
    clock = SystemClock()
    table = load_provider_table()
    readers = stack.enter_context(ThreadPoolExecutor(settings.readers, "reader"))
    senders = stack.enter_context(ThreadPoolExecutor(settings.readers, "sender"))
    make_provider = _provider_factory(table, settings, senders)
    accounts = Accounts(book, credentials, make_provider, table, settings, clock, bus, readers)
    stack.push_async_callback(accounts.close)
    jobs = SqliteJobStore(database)
    # Twice as many as threads: one is read while the other waits for the database.
    prepare = Lane("prepare", settings.readers * 2, clock)
    scheduler = Scheduler(jobs, bus, clock, prepare, accounts.lane)
    ctx = Context(
        jobs=jobs,
        copies=SqliteCopyStore(database),
        fingerprints=SqliteFingerprints(database),
        accounts=accounts,
        scheduler=scheduler,
        board=ProgressBoard(bus, clock),
        clock=clock,
        settings=settings,
        readers=readers,
        random=random.SystemRandom().random,
    )

    def facts() -> dict[str, str]:
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

    return lambda tasks: Engine(ctx, bus, tasks, settings_file, check_key, key_fingerprint, facts)


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
