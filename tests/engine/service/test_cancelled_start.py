"""A start that is cancelled holds the profile until it writes nothing any more."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from exai_desktop.bootstrap.joining import open_service
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.user_profile.profile_lock import ProfileLock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes there")


async def _start() -> None:
    async with open_service():
        pass


async def _reader_of(pipe: Path) -> int:
    """Wait until somebody reads it; what is written then is what they get."""
    async with asyncio.timeout(60):
        while True:
            with suppress(OSError):
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            await asyncio.sleep(0.01)


async def test_the_lock_is_held_until_the_last_thread_has_written(profile_home: Path) -> None:
    await _start()
    file = profile_home / "profile.json"
    content = file.read_bytes()
    file.unlink()
    os.mkfifo(file, 0o600)
    starting = asyncio.ensure_future(_start())
    # The thread that opens the secrets stands still here, as it does at a keyring that asks.
    pipe = await _reader_of(file)
    try:
        starting.cancel()
        await asyncio.wait({starting}, timeout=0.2)
        with pytest.raises(EngineError) as caught:
            ProfileLock(profile_home / "locks" / "profile.lock").acquire()
        assert caught.value.code is ErrorCode.ANOTHER_INSTANCE
    finally:
        os.write(pipe, content)
        os.close(pipe)
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert file.is_file()
    # And now it is free.
    await _start()
