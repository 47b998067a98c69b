"""The service for watched folders: each has a task of its own while they are watched."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import AccountsChanged, Event
from exai_desktop.core.jobs.watched_folders import (
    LONGEST_SETTLE_S,
    SHORTEST_SETTLE_S,
    FolderMark,
    SkippedFile,
    SkippedFiles,
    SkipReason,
    WatchedFolder,
    WatchOptions,
    WatchState,
    WatchStatus,
    WatchStore,
)
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.files.folder_choice import check_apart, check_width, chosen_folder
from exai_desktop.engine.files.folder_mark import has_inodes, mark_of
from exai_desktop.engine.files.ignore_rules import check_patterns, rules_in
from exai_desktop.engine.files.watched_tree import TreeRules, WatchedTree
from exai_desktop.engine.service.folder_watch import (
    FolderWatch,
    WatchPace,
    WatchTools,
    next_piece,
)
from exai_desktop.engine.service.found_files import FoundFiles, add_options
from exai_desktop.engine.service.job_queue import Intake
from exai_desktop.engine.service.upload_plans import check_options
from exai_desktop.engine.waiting import GrowingThreads, Readers

# Folders that are looked through at the same time.
_THREADS: Final = 2
T = TypeVar("T")
_NOWHERE: Final = EngineError(ErrorCode.WATCH_FOLDER_UNUSABLE, "nothing can be watched here")


@dataclass(frozen=True, slots=True)
class WatchParts:
    """`store` None: nothing can be watched. `own`: folders of the program itself."""

    store: WatchStore | None = None
    own: Sequence[str] = ()
    pace: WatchPace = field(default_factory=WatchPace)


class WatchedFolders:
    """Meets `core.jobs.watched_folders.WatchService`."""

    def __init__(
        self,
        parts: WatchParts,
        intake: Intake,
        accounts: Accounts,
        *,
        is_read_only: bool,
    ) -> None:
        self._parts = parts
        self._intake = intake
        self._accounts = accounts
        # Of their own: a drive that hangs must not keep uploads from being read.
        silent_s = parts.pace.answer_s / 3
        self._threads = GrowingThreads(_THREADS, "watcher", silent_s=silent_s)
        self._readers = Readers(self._threads)
        self._is_read_only = is_read_only
        self._is_wanted = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._watches: dict[int, tuple[FolderWatch, asyncio.Task[None]]] = {}
        self._known_accounts: set[tuple[str, bool]] = set()
        # One change of the list after the other.
        self._turn = asyncio.Lock()
        intake.bus.subscribe(self._heard)

    @property
    def _store(self) -> WatchStore:
        if self._parts.store is None:
            raise _NOWHERE
        return self._parts.store

    def _heard(self, event: Event) -> None:
        """Other accounts take other files."""
        if not isinstance(event, AccountsChanged):
            return
        known = {(each.account.name, each.account.enabled) for each in event.accounts}
        if known != self._known_accounts:
            self._known_accounts = known
            for watch, _ in self._watches.values():
                watch.look_soon()

    # -- watching

    async def run(self) -> None:
        """Until cancelled; nothing before `begin`."""
        try:
            await self._is_wanted.wait()
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                async with self._turn:
                    for folder in await self._store.all():
                        self._start(folder)
                # The group would end with the last folder.
                await asyncio.Event().wait()
        finally:
            self._threads.shutdown(wait=False)

    async def begin(self) -> bool:
        if self._parts.store is None or self._is_read_only:
            return False
        self._is_wanted.set()
        return True

    def _start(self, folder: WatchedFolder) -> None:
        if self._tasks is None or folder.is_paused or folder.id in self._watches:
            return
        intake, store = self._intake, self._store
        tools = WatchTools(
            store,
            FoundFiles(store, intake, self._accounts),
            self._tree,
            self._readers,
            intake.clock,
            self._parts.pace,
        )
        watch = FolderWatch(folder, tools)
        self._watches[folder.id] = (watch, self._tasks.create_task(watch.run()))

    async def _end(self, folder_id: int) -> None:
        found = self._watches.pop(folder_id, None)
        if found is not None:
            found[1].cancel()
            await asyncio.wait({found[1]})

    def _tree(self, folder: WatchedFolder) -> WatchedTree:
        """Blocks. Raises IGNORE_FILE_UNUSABLE."""
        found = FoundFiles(self._store, self._intake, self._accounts)
        rules = TreeRules(
            rules_in(folder.path, folder.options.ignore),
            self._intake.settings.value.max_file_bytes,
            found.taker(folder.options),
            tuple(str(Path(each).resolve()) for each in self._parts.own),
            folder.options.with_subfolders,
            has_inodes(folder.path),
        )
        return WatchedTree(folder.path, rules)

    async def _read(self, call: Callable[..., T], *args: object) -> T:
        """In a thread; the user is told when the drive does not answer."""
        try:
            async with asyncio.timeout(self._parts.pace.answer_s):
                return await self._readers.read(call, *args)
        except TimeoutError as error:
            raise EngineError(
                ErrorCode.WATCH_FOLDER_UNUSABLE, "the drive does not answer"
            ) from error

    # -- the list

    async def all(self) -> list[WatchStatus]:
        if self._parts.store is None:
            return []
        return [await self._status(folder) for folder in await self._store.all()]

    async def one(self, which: str) -> WatchStatus:
        return await self._status(await self._find(which))

    async def _status(self, folder: WatchedFolder) -> WatchStatus:
        counts = await self._store.counts(folder.id)
        if folder.is_paused:
            return WatchStatus(folder, WatchState.PAUSED, counts=counts)
        found = self._watches.get(folder.id)
        if found is None:
            return WatchStatus(folder, WatchState.OFF, counts=counts)
        watch = found[0]
        counts = replace(counts, settling=watch.settling, skipped=watch.skipped.total())
        return WatchStatus(folder, watch.state, watch.reason, watch.error, counts)

    async def _find(self, which: str) -> WatchedFolder:
        """Raises UNKNOWN_WATCH."""
        folders = await self._store.all()
        for folder in folders:
            if which in (str(folder.id), folder.path):
                return folder
        real = await self._read(_real, which)
        for folder in folders:
            if real == folder.path:
                return folder
        raise EngineError(ErrorCode.UNKNOWN_WATCH, which)

    async def add(
        self,
        folder: str,
        options: WatchOptions,
        *,
        only_new: bool = False,
        is_confirmed: bool = False,
    ) -> WatchStatus:
        self._check(options)
        async with self._turn:
            path, mark = await self._read(chosen_folder, folder, self._parts.own)
            await self._read(check_apart, path, await self._store.all())
            if not is_confirmed:
                await self._read(check_width, path)
            now = self._intake.clock.now()
            added = await self._store.add(path, mark, options, now, only_new=only_new)
            self._start(added)
        return await self._status(added)

    def _check(self, options: WatchOptions) -> None:
        check_patterns(options.ignore)
        if not SHORTEST_SETTLE_S <= options.settle_s <= LONGEST_SETTLE_S:
            raise EngineError(
                ErrorCode.INVALID_SETTING,
                f"the settle time must be {SHORTEST_SETTLE_S:g} to {LONGEST_SETTLE_S:g} seconds",
            )
        check_options(self._accounts, add_options(options))

    async def edit(self, which: str, options: WatchOptions) -> WatchStatus:
        self._check(options)
        return await self._changed(which, options=options)

    async def pause(self, which: str) -> WatchStatus:
        return await self._changed(which, is_paused=True)

    async def resume(self, which: str, *, is_same: bool = False) -> WatchStatus:
        return await self._changed(which, is_paused=False, is_same=is_same)

    async def _changed(
        self,
        which: str,
        *,
        options: WatchOptions | None = None,
        is_paused: bool | None = None,
        is_same: bool = False,
    ) -> WatchStatus:
        async with self._turn:
            folder = await self._find(which)
            # Its task may have saved that it is listed: after its end nobody else writes.
            await self._end(folder.id)
            in_force = folder
            try:
                in_force = folder = await self._find(str(folder.id))
                if options is not None:
                    folder = replace(folder, options=options)
                if is_paused is not None:
                    folder = replace(folder, is_paused=is_paused)
                if is_same:
                    folder = replace(folder, mark=await self._mark(folder.path))
                await self._store.save(folder)
                in_force = folder
            finally:
                self._start(in_force)
        return await self._status(folder)

    async def _mark(self, path: str) -> FolderMark:
        mark = await self._read(mark_of, path)
        if mark is None:
            raise EngineError(ErrorCode.WATCH_FOLDER_UNUSABLE, f"{path} is not there")
        return mark

    async def remove(self, which: str) -> None:
        async with self._turn:
            folder = await self._find(which)
            await self._end(folder.id)
            is_removed = False
            try:
                await self._store.remove(folder.id)
                is_removed = True
            finally:
                if not is_removed:
                    self._start(folder)

    async def skipped(self, which: str, limit: int = 1_000) -> SkippedFiles:
        folder = await self._find(which)
        if await self._mark(folder.path) != folder.mark:
            raise EngineError(
                ErrorCode.WATCH_FOLDER_UNUSABLE, f"another folder is in the place of {folder.path}"
            )
        tree = await self._read(self._tree, folder)
        looked = tree.all()
        counts: Counter[SkipReason] = Counter()
        first: list[SkippedFile] = []
        while piece := await self._read(next_piece, looked):
            skipped = [each for each in piece if isinstance(each, SkippedFile)]
            counts.update(each.reason for each in skipped)
            first += skipped[: limit - len(first)]
        return SkippedFiles(dict(counts), tuple(first))


def _real(path: str) -> str:
    try:
        return str(Path(path).resolve())
    except (OSError, ValueError):
        return path
