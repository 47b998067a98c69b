"""One watched folder: it is looked through, its files settle, and go to the queue.

Events of the system only say where to look sooner; what is true is found by looking, at the start,
after a sleep, and now and then. Before and after each look the folder must be the one that was
chosen: what was seen in another one does not count.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.jobs.watched_folders import (
    IGNORE_FILE,
    FolderMark,
    FoundFile,
    SkippedFile,
    SkipReason,
    WatchedFolder,
    WatchState,
    WatchStore,
)
from exai_desktop.core.machine import Clock
from exai_desktop.engine.files.folder_events import FolderEvents, NoEventsError
from exai_desktop.engine.files.folder_mark import mark_of, why_no_events
from exai_desktop.engine.files.settling import Settling, being_written
from exai_desktop.engine.files.watched_tree import Found, FoundFolder, WatchedTree
from exai_desktop.engine.service.found_files import FoundFiles
from exai_desktop.engine.waiting import Readers, Wakeup

log = logging.getLogger(__name__)
E = ErrorCode
T = TypeVar("T")

# Looked at in one go of a reader, and written in one transaction.
PIECE: Final = 500
# A look takes at most this part of the time.
REST: Final = 20.0
RARELY: Final = 100.0
# Between two rounds the wall clock went on so much further than the other: it has slept.
SLEPT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class WatchPace:
    """Seconds: between two rounds, between two looks at everything where the system tells of
    changes, and where it does not; and how long a drive may take for one answer."""

    tick_s: float = 2.0
    slow_s: float = 600.0
    poll_s: float = 30.0
    answer_s: float = 30.0


@dataclass(frozen=True, slots=True)
class WatchTools:
    """`tree_of` blocks; it raises IGNORE_FILE_UNUSABLE."""

    store: WatchStore
    found: FoundFiles
    tree_of: Callable[[WatchedFolder], WatchedTree]
    readers: Readers
    clock: Clock
    pace: WatchPace


class FolderWatch:
    """As long as its task runs, it is watched."""

    def __init__(self, folder: WatchedFolder, tools: WatchTools) -> None:
        self.folder = folder
        self.state = WatchState.WATCHING
        self.reason = ""
        self.error: ErrorView | None = None
        self.skipped: Counter[SkipReason] = Counter()
        self._tools = tools
        self._settling = Settling()
        self._events: FolderEvents | None = None
        # The folders whose events are told; None: not yet, or not any more.
        self._heard: frozenset[str] | None = None
        self._why_polled = ""
        self._changed: set[str] = set()
        self._next_look = self._not_before = self._took_s = 0.0
        self._is_away = True
        self._clocks = (tools.clock.now(), tools.clock.monotonic())
        self._wake = Wakeup(tools.clock)

    @property
    def settling(self) -> int:
        return len(self._settling)

    def look_soon(self) -> None:
        """Something that decides on its files is another."""
        self._next_look = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self._round()
                except AppError as error:
                    self._stop(error)
                    self._next_look = 0.0  # what it was about to look at is looked at again
                except Exception as error:
                    # One folder must not end the others.
                    log.exception("watched folder %d could not be looked through", self.folder.id)
                    name = type(error).__name__
                    self._stop(EngineError(ErrorCode.UNEXPECTED_ERROR, name))
                    self._next_look = 0.0
                await self._wake.wait(self._wait_s())
        finally:
            self._hear_nothing()

    def _wait_s(self) -> float:
        tick_s = self._tools.pace.tick_s
        left = self._settling.next_s(self._tools.clock.monotonic(), self._settle_s)
        # What has settled and cannot be sent waits: for it nothing changes by looking at once.
        if left is None or self.state is WatchState.STOPPED:
            return tick_s
        return min(tick_s, left + 0.05)

    @property
    def _settle_s(self) -> float:
        return self.folder.options.settle_s

    def _stop(self, error: AppError) -> None:
        self.state, self.error, self.reason = WatchState.STOPPED, ErrorView.of(error), ""

    async def _read(self, call: Callable[..., T], *args: object) -> T:
        """In a thread. While a drive hangs, one call waits for it and nothing else is asked; who
        ends this task does not wait."""
        answer = asyncio.ensure_future(self._tools.readers.read(call, *args))
        try:
            done, _ = await asyncio.wait({answer}, timeout=self._tools.pace.answer_s)
            if not done:
                log.warning("watched folder %d does not answer", self.folder.id)
                self.state, self.reason, self.error = WatchState.NOT_ANSWERING, "", None
            return await answer
        finally:
            answer.cancel()

    # -- one round

    async def _round(self) -> None:
        self._note_sleep()
        mark, paths = await self._read(_glance, self.folder.path, self._events)
        if not self._is_mark(mark):
            return
        self._take_events(paths)
        if self._is_away:
            await self._tools.store.forget_unsent(self.folder.id)
            self._why_polled = await self._read(why_no_events, self.folder.path)
            self._is_away, self._next_look = False, 0.0
        now = self._tools.clock.monotonic()
        if now >= max(self._next_look, self._not_before):
            await self._look(None)
        elif self._changed:
            await self._look(sorted(self._changed))
        await self._send_settled()
        if self._is_away:
            return
        self.error, self.reason = None, self._why_polled
        self.state = WatchState.POLLING if self._why_polled else WatchState.WATCHING

    def _note_sleep(self) -> None:
        before, self._clocks = (
            self._clocks,
            (self._tools.clock.now(), self._tools.clock.monotonic()),
        )
        wall, steady = (now - then for now, then in zip(self._clocks, before, strict=True))
        if abs(wall - steady) > SLEPT_S:
            log.info("the computer has slept: watched folders are looked through")
            self._hear_nothing()
            self._next_look = 0.0

    async def _is_there(self) -> bool:
        """Whether the folder at the path is the one that was chosen."""
        return self._is_mark(await self._read(mark_of, self.folder.path))

    def _is_mark(self, mark: FolderMark | None) -> bool:
        if mark == self.folder.mark:
            return True
        self.state = WatchState.NOT_THERE if mark is None else WatchState.REPLACED
        self.reason, self.error = "", None
        if not self._is_away:
            log.info("watched folder %d: %s", self.folder.id, self.state)
        self._is_away = True
        self._settling = Settling()
        self._hear_nothing()
        return False

    # -- events

    def _hear_nothing(self) -> None:
        if self._events is not None:
            self._events.close()
        self._events, self._heard = None, None
        self._changed.clear()

    def _take_events(self, paths: set[str] | None) -> None:
        if paths is None:
            self._hear_nothing()
            self._next_look = 0.0
            return
        root = self.folder.path.rstrip(os.sep) + os.sep
        self._changed |= {path.removeprefix(root) for path in paths if path.startswith(root)}
        if IGNORE_FILE in self._changed:
            self._next_look = self._not_before = 0.0

    async def _hear(self, folders: frozenset[str]) -> None:
        """Be told of changes in these from now on; what is new is looked through once more, for
        what came in between."""
        if folders == self._heard:
            return
        tools = self._tools
        if await self._read(why_no_events, self.folder.path):
            return
        whole = [str(Path(self.folder.path, folder)) for folder in sorted(folders)]
        try:
            events = await self._read(FolderEvents, whole)
        except NoEventsError as error:
            if str(error) != self._why_polled:
                log.warning("watched folder %d is polled: %s", self.folder.id, error)
            self._hear_nothing()
            self._why_polled = str(error)
            self._next_look = min(self._next_look, tools.clock.monotonic() + tools.pace.poll_s)
            return
        self._why_polled = ""
        new = folders - (self._heard or frozenset())
        before = self._events
        if before is not None:
            # What has happened since the round began.
            self._take_events(await self._read(before.take))
        changed, next_look = self._changed | new, self._next_look
        self._hear_nothing()
        self._events, self._heard, self._changed = events, folders, changed
        self._next_look = next_look

    # -- looking

    async def _look(self, paths: Sequence[str] | None) -> None:
        """None: everything."""
        tools, started = self._tools, self._tools.clock.monotonic()
        self._changed.clear()
        # They may be there again, or another one in their place.
        unread = (
            (E.FILE_NOT_FOUND,) if paths is not None else (E.FILE_NOT_FOUND, E.WATCHED_FILE_CHANGED)
        )
        await tools.store.forget_unsent(self.folder.id, unread)
        tree = await self._read(tools.tree_of, self.folder)
        found = tree.all() if paths is None else tree.at(paths)
        folders: set[str] = set()
        skipped: Counter[SkipReason] = Counter()
        is_cut = False
        while piece := await self._read(next_piece, found):
            folders |= {each.path for each in piece if isinstance(each, FoundFolder)}
            skipped.update(each.reason for each in piece if isinstance(each, SkippedFile))
            await self._see([each for each in piece if isinstance(each, FoundFile)])
            if self._settling.is_full:
                is_cut = True
                break
        if not await self._is_there():
            return
        if paths is None:
            await self._looked_at_all(skipped, started, is_cut=is_cut)
        elif is_cut:
            self._next_look = 0.0
        elif skipped:
            # They are counted with the next look at everything: soon, but no ignored log file that
            # somebody writes to all the time makes a look of each line.
            soon = max(tools.pace.poll_s, self._took_s * RARELY)
            self._next_look = min(self._next_look, tools.clock.monotonic() + soon)
        heard = self._heard or frozenset()
        await self._hear(frozenset(folders) if paths is None and not is_cut else heard | folders)

    async def _looked_at_all(
        self, skipped: Counter[SkipReason], started: float, *, is_cut: bool
    ) -> None:
        now = self._tools.clock.monotonic()
        self._took_s = now - started
        self._not_before = now + self._took_s * REST
        pace = self._tools.pace
        if is_cut:
            # The rest is found when these have gone.
            self._next_look = now + self._settle_s
            self._not_before = now
            return
        self.skipped = skipped
        self._next_look = now + (pace.poll_s if self._why_polled else pace.slow_s)
        if not self.folder.is_listed:
            self.folder = replace(self.folder, is_listed=True)
            await self._tools.store.save(self.folder)

    async def _see(self, files: list[FoundFile]) -> None:
        store, folder = self._tools.store, self.folder
        fresh = await store.unknown(folder.id, files) if files else []
        if fresh and not folder.is_listed:
            there = [file for file in fresh if self._was_there(file)]
            await store.note(folder.id, there)
            fresh = [file for file in fresh if not self._was_there(file)]
        now = self._tools.clock.monotonic()
        for file in fresh:
            self._settling.see(file, now)

    def _was_there(self, file: FoundFile) -> bool:
        """Before the folder was watched. The clock of a network drive is another one."""
        return bool(self._why_polled) or file.changed_at <= self.folder.added_at

    # -- sending

    async def _send_settled(self) -> None:
        """Enqueue what has not changed for long enough; nothing while it could not be sent."""
        tools = self._tools
        if not self._settled():
            return
        tools.found.check(self.folder)
        batch = None
        try:
            for ready in iter(self._settled, []):
                tree = await self._read(tools.tree_of, self.folder)
                good = await self._still_the_same(tree, ready)
                if not await self._is_there():
                    break
                if good:
                    batch = batch or await tools.found.open(self.folder)
                    await tools.found.enqueue(batch, self.folder, good)
                    for file in good:
                        self._settling.forget(file.path)
        finally:
            if batch is not None:
                tools.found.close(batch)

    def _settled(self) -> list[FoundFile]:
        return self._settling.settled(self._tools.clock.monotonic(), self._settle_s, PIECE)

    async def _still_the_same(
        self, tree: WatchedTree, ready: Sequence[FoundFile]
    ) -> list[FoundFile]:
        """Those that are; the others are forgotten, or wait anew."""
        looks = await self._read(_again, tree, self.folder.path, ready)
        now = self._tools.clock.monotonic()
        good = []
        for before, after, is_written in looks:
            if after is None:
                self._settling.forget(before.path)
            elif after.id != before.id:
                self._settling.see(after, now)
            elif is_written:
                self._settling.wait_anew(after, now)
            else:
                good.append(after)
        return good


def _glance(path: str, events: FolderEvents | None) -> tuple[FolderMark | None, set[str] | None]:
    """What a round begins with. Blocks."""
    return mark_of(path), events.take() if events is not None else set()


def next_piece(found: Iterator[Found]) -> list[Found]:
    """Empty at the end. Blocks."""
    return list(itertools.islice(found, PIECE))


def _again(
    tree: WatchedTree, root: str, files: Iterable[FoundFile]
) -> list[tuple[FoundFile, FoundFile | None, bool]]:
    looks = [(file, tree.again(file)) for file in files]
    written: set[str] = set()
    with suppress(OSError):
        whole = {str(Path(root, file.path)) for file, now in looks if now is not None}
        written = being_written(whole)
    return [(file, now, str(Path(root, file.path)) in written) for file, now in looks]
