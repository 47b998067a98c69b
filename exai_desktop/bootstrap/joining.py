"""The service of a profile: the engine of the process that holds it, else one of our own.

Only for an engine of our own are its parts loaded: a verb that another process carries out needs
a socket and nothing else.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exai_desktop.bootstrap.owner import WINDOW_TAKES_WITHIN_S
from exai_desktop.bootstrap.passphrases import clear_environment
from exai_desktop.config.paths import Places, places
from exai_desktop.core.errors.codes import ONLY_READ, ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import WindowWish
from exai_desktop.core.service import UploadService
from exai_desktop.engine.ipc import client

if TYPE_CHECKING:
    from exai_desktop.engine.service.engine import Engine

WINDOW: Final = "window"
COMMAND_LINE: Final = "command line"

NO_WISH: Final = WindowWish()

# How long the process that holds the profile may take to answer.
OWNER_ANSWERS_S: Final = 10.0

# How often a window looks whether a command that holds the profile has ended.
OWNER_POLL_S: Final = 0.3


@asynccontextmanager
async def open_service(
    *,
    sandbox: bool = False,
    face: str = COMMAND_LINE,
    passphrase: str | None = None,
    wish: WindowWish = NO_WISH,
) -> AsyncIterator[UploadService]:
    """The service of this profile, in the running loop.

    A command uses the engine of whoever holds the profile. A window needs its own: it asks
    another window to come to the front with the files of `wish` and raises ALREADY_OPEN, and
    waits for a command to end. `passphrase` opens the vault, if the profile has one and the
    engine is our own.
    """
    clear_environment()
    where = places(sandbox=sandbox)
    patient_until = time.monotonic() + OWNER_ANSWERS_S
    owner = await _answering(where, patient_until) if face == COMMAND_LINE else None
    if owner is not None:
        yield owner
        return
    async with _locked_or_joined(
        where, passphrase, patient_until, sandbox=sandbox, face=face, wish=wish
    ) as service:
        yield service


async def _answering(where: Places, patient_until: float) -> UploadService | None:
    """Whoever answers on the profile's socket holds its lock; None: nobody does, as far as seen."""
    if not where.socket.exists():
        return None
    try:
        return await client.connect(where.socket, patient_until - time.monotonic())
    except EngineError:
        return None


@asynccontextmanager
async def _locked_or_joined(
    where: Places,
    passphrase: str | None,
    patient_until: float,
    *,
    sandbox: bool,
    face: str,
    wish: WindowWish,
) -> AsyncIterator[UploadService]:
    """The lock alone decides who has an engine of his own."""
    # Late: what only the holder of the lock needs.
    from exai_desktop.config.atomic_write import write_file
    from exai_desktop.storage.user_profile.profile_lock import ProfileLock
    from exai_desktop.storage.user_profile.restoring import Restoring

    lock = ProfileLock(where.locks / "profile.lock")
    while True:
        try:
            lock.acquire()
            break
        except EngineError as error:
            if error.code in ONLY_READ and where.database.exists():
                async with _own_engine(where, passphrase, error, sandbox=sandbox, face=face) as own:
                    yield own
                return
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
            await _hand_over(service, wish)
        else:
            await asyncio.sleep(OWNER_POLL_S)
        patient_until = time.monotonic() + OWNER_ANSWERS_S
    try:
        Restoring(where.data, where.settings_file, write_file).finish()
        async with _own_engine(where, passphrase, None, sandbox=sandbox, face=face) as own:
            yield own
            if face == COMMAND_LINE:
                await own.finish_begun()
    finally:
        lock.release()


async def _hand_over(service: UploadService, wish: WindowWish) -> None:
    """To the window that is open. Returns if it has just ended, and has not taken the files.

    Raises ALREADY_OPEN: it has; WINDOW_NOT_ANSWERING; and FILES_NOT_CONFIRMED: it has them in hand
    for too long.
    """
    try:
        async with asyncio.timeout(WINDOW_TAKES_WITHIN_S):
            await service.window.show(wish.paths, wish.token)
    except TimeoutError:
        code = ErrorCode.FILES_NOT_CONFIRMED if wish.paths else ErrorCode.WINDOW_NOT_ANSWERING
        raise EngineError(code) from None
    except EngineError as error:
        if error.code is not ErrorCode.OWNER_GONE:
            raise
        return
    raise EngineError(ErrorCode.ALREADY_OPEN)


@asynccontextmanager
async def _own_engine(
    where: Places,
    passphrase: str | None,
    only_read: EngineError | None,
    *,
    sandbox: bool,
    face: str,
) -> AsyncIterator[Engine]:
    """The servers of the sandbox begin first: they start while the engine is loaded."""
    async with AsyncExitStack() as stack:
        servers = None
        if sandbox:
            from exai_desktop.bootstrap.sandbox_process import sandbox_process  # late: few need it

            servers = await stack.enter_async_context(sandbox_process(where.data / "servers"))
        gc.freeze()  # what is loaded stays: the collector need not look through it, again and again
        from exai_desktop.bootstrap.opening import own_engine  # late: the whole engine

        gc.freeze()
        engine = own_engine(where, passphrase, face=face, servers=servers, only_read=only_read)
        yield await stack.enter_async_context(engine)


def place_for_stdin(*, sandbox: bool) -> tuple[Path, int]:
    """The folder for what a command reads from standard input, and the most bytes of a file."""
    # Late: pydantic.
    from exai_desktop.config.settings.document import SettingsDocument
    from exai_desktop.config.settings.file import SettingsFile

    where = places(sandbox=sandbox)
    settings = SettingsFile(SettingsDocument(where.settings_file)).load().settings
    return where.data / "from-stdin", settings.max_file_bytes
