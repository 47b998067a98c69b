"""A history: actions are carried out one after the other, and nothing promised may break."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.core.settings import Settings

from . import actions as do
from . import promises
from .faults import BrokenPromiseError
from .network import LAG_S
from .process import ErrorLog, Process, Surroundings, wanted
from .virtual_loop import VirtualLoop

# Each look lets some minutes pass; the longest wait is five minutes and there are five attempts.
_LOOKS = 40
_LOOK_S = 150.0


def play(history: Sequence[do.Action], settings: Settings | None = None) -> list[str]:
    """Play it to its end; returns the trace. Raises `BrokenPromiseError`."""
    return play_in(lambda loop, log: World(loop, log, settings or wanted()), history)


def play_in(make: Callable[[VirtualLoop, ErrorLog], World], history: Sequence[object]) -> list[str]:
    """The same in a world of another kind."""
    logger = logging.getLogger("exai_desktop")
    level, log = logger.level, ErrorLog()
    logger.setLevel(logging.ERROR)
    logger.addHandler(log)
    loop = VirtualLoop()
    complaints: list[str] = []
    loop.set_exception_handler(lambda _, about: complaints.append(str(about)))
    try:
        world = make(loop, log)
        loop.run_until_complete(world.live(history))
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)
        loop.close()
    return world.around.trace


class World:
    def __init__(self, loop: VirtualLoop, log: ErrorLog, settings: Settings) -> None:
        self._broken: list[str] = []
        self.around = Surroundings(loop, settings, self._broken.append)
        self._log = log
        self._process: Process | None = None
        self._commands: list[asyncio.Task[Any]] = []
        self._accepted: set[int] = set()
        self._removed: set[int] = set()
        self._removing = 0

    @property
    def process(self) -> Process:
        assert self._process is not None
        return self._process

    async def live(self, history: Sequence[object]) -> None:
        try:
            await self._start()
            for action in history:
                self.around.note(f"* {action}")
                await self._do(action)
                self._look()
            await self._end()
        except BaseException:
            if self._process is not None:
                await self._process.crash()
            raise
        finally:
            self.around.disk.close()

    # -- what happens

    async def _start(self) -> None:
        self._process = Process(self.around)
        await asyncio.sleep(0.1)

    async def _do(self, action: object) -> None:  # noqa: C901 - one case an action
        around = self.around
        match action:
            case do.Add():
                self._add(action)
            case do.Wait():
                await asyncio.sleep(action.seconds)
            case do.Restart():
                await self._restart(cleanly=action.cleanly)
            case do.Command():
                self._command(action.verb, action.job)
            case do.Change():
                self._change(action)
            case do.Fates():
                around.providers[action.account].fates.extend(action.fates)
            case do.Lists():
                self._lists(action)
            case do.Disk():
                around.disk.is_full = action.how == "full"
                around.disk.failing = int(action.how[-1]) if action.how.startswith("fail") else 0
            case do.Clock():
                around.clock.off_s += action.jump_s
            case do.Stranger():
                there = list(around.providers[action.account].files.values())
                if there:
                    there[action.file % len(there)].deleted = True

    def _add(self, action: do.Add) -> None:
        files = self.around.files
        paths = []
        for folder, name, content in action.files:
            path = f"/user/{do.FOLDERS[folder]}/{do.NAMES[name]}"
            if path not in files.by_path:
                files.write(path, do.CONTENTS[content])
            paths.append(path)
        options = AddOptions(account=action.account, allow_fallback=action.allow_fallback)
        if self.process.is_up:
            self._call(self.process.add(paths, options, self._accepted.update))

    def _change(self, action: do.Change) -> None:
        path = f"/user/{do.FOLDERS[action.folder]}/{do.NAMES[action.name]}"
        if action.behind_read:
            self.around.files.behind_read[path] = action.how
        else:
            self.around.files.change(path, action.how)

    def _lists(self, action: do.Lists) -> None:
        provider = self.around.providers[action.account]
        provider.list_lag_s = LAG_S if action.how == "lag" else 0.0
        errors = {"fail": ErrorCode.NETWORK_ERROR, "unsupported": ErrorCode.NOT_SUPPORTED}
        provider.list_error = errors.get(action.how)
        provider.delete_error = ErrorCode.ANSWER_LOST if action.how == "deletes fail" else None

    async def _restart(self, *, cleanly: bool) -> None:
        if cleanly and self.process.is_up:
            await self._end_commands()
            await self.process.stop()
            await self._no_task_is_left()
        else:
            await self.process.crash()
            promises.excuse_deleting(self.around)
        if self._removing:
            # Cut off, or cancelled behind its last write.
            self._removed |= promises.missing(self.around, self._accepted)
            self._removing = 0
        self._commands.clear()
        await self._start()

    def _command(self, verb: str, number: int | None) -> None:  # noqa: C901 - one case a verb
        if not self.process.is_up:
            return
        engine = self.process.engine
        if number is None:
            self._for_all(verb)
            return
        known = sorted(self._accepted - self._removed, reverse=True)
        if not known:
            return
        job = known[number % len(known)]
        match verb:
            case "cancel":
                promises.excuse_review(self.around, job)
                self._call(engine.queue.cancel([job]))
            case "hold":
                self._call(engine.queue.pause([job]))
            case "resume":
                self._call(engine.queue.resume([job]))
            case "retry":
                self._call(engine.queue.retry([job], allow_fallback=bool(number % 2)))
            case "remove":
                self._call(self._remove([job]))
            case "delete":
                self._call(engine.files.delete_of_job(job))
            case "settle":
                self._settle(job)

    def _for_all(self, verb: str) -> None:
        engine = self.process.engine
        match verb:
            case "pause":
                self._call(engine.queue.pause())
            case "resume":
                self._call(engine.queue.resume())
            case "retry":
                self._call(engine.queue.retry(None))
            case "remove":
                self._call(self._remove(None))
            case "mend":
                for account in self.around.providers:
                    self._call(engine.accounts.test(account))

    def _settle(self, job: int) -> None:
        """The user looks at the provider's page: what is there is there."""
        word = promises.whose(self.around, job)
        if word is not None:
            self._call(self.process.engine.queue.settle(job, word.remote_id))

    async def _remove(self, jobs: list[int] | None) -> None:
        if jobs is not None:
            self._removed |= promises.final_jobs(self.around) & set(jobs)
            await self.process.engine.queue.remove(jobs)
            return
        # Also what becomes final while it is at work: then what is gone is what was removed.
        self._removing += 1
        await self.process.engine.queue.remove(None)
        self._removed |= promises.missing(self.around, self._accepted)
        self._removing -= 1

    def _call(self, verb: Any) -> None:
        self._commands.append(self.process.call(verb))

    # -- what must hold

    def _look(self) -> None:
        for command in [c for c in self._commands if c.done()]:
            self._commands.remove(command)
            error = None if command.cancelled() else command.exception()
            if error is not None and not isinstance(error, AppError):
                raise BrokenPromiseError(f"a command ended with {error!r}") from error
        if self._log.seen:
            raise BrokenPromiseError(self._log.seen[0])
        if self._broken:
            raise BrokenPromiseError(self._broken[0])
        if self._removing:
            self._removed |= promises.missing(self.around, self._accepted)
        promises.kept(self.around, self._accepted, self._removed)

    async def _end_commands(self) -> None:
        """As the program does before its engine ends: what is begun on disk is finished."""
        for command in self._commands:
            command.cancel()
        if self._commands:
            await asyncio.wait(self._commands, timeout=60)

    async def _no_task_is_left(self) -> None:
        await asyncio.sleep(0.01)
        left = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        if left:
            raise BrokenPromiseError(f"tasks are left after the end: {left}")

    async def _end(self) -> None:
        """The sun comes out: everything must be settled within hours."""
        around = self.around
        for provider in around.providers.values():
            provider.clear_up()
        around.disk.is_full, around.disk.failing = False, 0
        around.clock.off_s = 0.0
        around.files.behind_read.clear()
        if self.process.is_up:
            # First without a restart, which would hide that something is stuck.
            await self._settle_all(retry=False)
        await self._restart(cleanly=False)
        await self._settle_all(retry=True)
        self._look()
        promises.at_the_end(around)
        await self._end_commands()
        await self.process.stop()
        await self._no_task_is_left()
        self._process = None
        self._look()

    async def _settle_all(self, *, retry: bool) -> None:
        """What needs the user gets the user's word; everything else goes on by itself."""
        around = self.around
        await asyncio.sleep(_LOOK_S)
        has_retried = not retry
        for _ in range(_LOOKS):
            self._look()
            self._for_all("mend")
            self._for_all("resume")
            open_jobs = promises.open_jobs(around)
            for job, state in open_jobs.items():
                if state == "held":
                    self._call(self.process.engine.queue.resume([job]))
                elif state == "needs_review":
                    self._settle(job)
            if not open_jobs and has_retried:
                break
            if not open_jobs:
                has_retried = True
                self._call(self.process.engine.queue.retry(None))
            await asyncio.sleep(_LOOK_S)
        else:
            raise BrokenPromiseError(f"not settled after hours: {open_jobs}")
