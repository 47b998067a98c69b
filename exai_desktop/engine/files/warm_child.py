"""Guarded children that stay for the next file: starting one takes longer than its work.

A child that waits has parsed nothing. For each file it makes a copy of itself where the system can
(`fork`), which alone gets the limits of one file, confines itself, parses, and ends: no file meets
what another one has left behind. Windows cannot: there one child judges some files one after the
other. Whatever goes wrong, the child is ended and a new one is started for the next file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from exai_desktop.engine.files.open_file import RegularFile
from exai_desktop.engine.files.pdf_child import SERVE

IDLE_S: Final = 60.0
_FILES: Final = 100
_LONGEST_ANSWER: Final = 4 * 1024


class WarmChild:
    """One child. Not for two files at once."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket | None) -> None:
        self._process = process
        self._control = control
        self.files = 0

    @property
    def is_usable(self) -> bool:
        return self._process.returncode is None and self.files < _FILES

    async def ask(self, file: RegularFile, wall_s: float) -> dict[str, Any] | None:
        """None: it gave no answer, and has been ended."""
        assert self._process.stdout is not None
        self.files += 1
        found: object = None
        is_sound = False
        try:
            async with asyncio.timeout(wall_s):
                await self._send(file)
                line = await self._process.stdout.readline()
            found = json.loads(line)
            is_sound = found is not None
        except (TimeoutError, ValueError, OSError):  # too late, too much, no JSON, or gone
            pass
        finally:
            if not is_sound:
                await self.end()
        return found if isinstance(found, dict) else None

    async def _send(self, file: RegularFile) -> None:
        if self._control is not None:
            socket.send_fds(self._control, [b"f"], [file.fileno()])
            return
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(file.path).encode() + b"\n")
        await self._process.stdin.drain()

    async def end(self) -> None:
        """With the copy of it that may be at work."""
        self.stop()
        await self._process.communicate()  # a pipe that was not read would stay open

    def stop(self) -> None:
        if self._control is not None:
            self._control.close()
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            elif self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)


class WarmChildren:
    """Those that wait. After an idle time none does."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], idle_s: float = IDLE_S
    ) -> None:
        self._command = (*command, SERVE)
        self._environment = dict(environment)
        self._idle_s = idle_s
        self._free: list[WarmChild] = []
        self._timer: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        return len(self._free)

    async def ask(self, file: RegularFile, wall_s: float) -> dict[str, Any] | None:
        """The answer about the file, None when there is none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        child = self._free.pop() if self._free else await self._start()
        if child is None:
            return None
        try:
            return await child.ask(file, wall_s)
        finally:
            await self._keep(child)

    async def _keep(self, child: WarmChild) -> None:
        if child.is_usable:
            self._free.append(child)
        else:
            await child.end()
        if self._free and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._idle_s, self._idle)

    def _idle(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._end_all())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_all(self) -> None:
        while self._free:
            await self._free.pop().end()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._end_all()
        await asyncio.gather(*self._ending)

    async def _start(self) -> WarmChild | None:
        if sys.platform == "win32":
            return await self._start_with(subprocess.PIPE, None)
        ours, theirs = socket.socketpair()
        child = None
        try:
            with theirs:
                child = await self._start_with(theirs.fileno(), ours)
        finally:
            if child is None:
                ours.close()
        return child

    async def _start_with(self, stdin: int, control: socket.socket | None) -> WarmChild | None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                limit=_LONGEST_ANSWER,
                env=self._environment,
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError:
            return None
        return WarmChild(process, control)
