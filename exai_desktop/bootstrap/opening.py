"""Opening the service: an engine of our own, or the one of the process that holds the profile."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import Final

from exai_desktop.bootstrap.assembly import Given, engine_parts
from exai_desktop.bootstrap.sandbox_process import sandbox_process
from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.audit_key import load_seal
from exai_desktop.config.credentials import choose_credentials
from exai_desktop.config.logs import start_logging, stop_logging
from exai_desktop.config.paths import Places, places
from exai_desktop.config.settings_document import SettingsDocument
from exai_desktop.config.settings_file import SettingsAccountBook, SettingsFile
from exai_desktop.core.accounts.ports import AccountBook, Credentials
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.events import EventBus
from exai_desktop.core.service import UploadService
from exai_desktop.engine.assembly.open_engine import open_engine
from exai_desktop.engine.ipc import client
from exai_desktop.engine.ipc import server as ipc
from exai_desktop.engine.waiting import SystemClock
from exai_desktop.storage.audit.trail import AuditTrail
from exai_desktop.storage.user_profile.opening import open_profile
from exai_desktop.storage.user_profile.profile_lock import ProfileLock

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
            service = await client.connect(where.socket, max(0.1, patient_until - time.monotonic()))
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
        opened = stack.enter_context(closing(open_profile(where.database, now, write_file)))
        bus = EventBus()
        refusal = "; ".join(loaded.refusals)
        given = Given(where, face, settings, settings_file, book, credentials, refusal)
        problems: list[AppError] = list(opened.problems)
        parts = engine_parts(given, opened, trail, bus, stack, problems)
        assembly = await stack.enter_async_context(open_engine(parts))
        engine = assembly.engine
        await stack.enter_async_context(ipc.serve(engine, where.socket))
        for problem in (*map(ErrorView.of, problems), *loaded.problems):
            engine.tell(problem)
        yield engine


def _user() -> str:
    """Who is logged in, for the audit trail; a container may have nobody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
