"""Watched folders that a test tells of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.watched_folders import (
    FolderMark,
    SkippedFiles,
    WatchedFolder,
    WatchOptions,
    WatchState,
    WatchStatus,
)

if TYPE_CHECKING:
    from .scripted_service import ScriptedService


@dataclass
class ScriptedWatch:
    """Meets `WatchService`."""

    script: ScriptedService
    folders: dict[str, WatchStatus] = field(default_factory=dict)
    left_out: SkippedFiles = field(default_factory=SkippedFiles)
    # Raised by the next `add` or `edit` without a confirmation.
    refusal: AppError | None = None

    async def begin(self) -> bool:
        return True

    async def all(self) -> list[WatchStatus]:
        return list(self.folders.values())

    async def one(self, which: str) -> WatchStatus:
        return self.folders[which]

    async def add(
        self,
        folder: str,
        options: WatchOptions,
        *,
        only_new: bool = False,
        is_confirmed: bool = False,
    ) -> WatchStatus:
        self.script.note("watched.add", folder, options, only_new, is_confirmed)
        self._refuse(is_confirmed=is_confirmed)
        number = len(self.folders) + 1
        known = WatchedFolder(number, folder, FolderMark(number, "disk"), options, 0.0)
        self.folders[str(number)] = WatchStatus(known, WatchState.WATCHING)
        return self.folders[str(number)]

    def _refuse(self, *, is_confirmed: bool) -> None:
        if self.refusal is not None and not is_confirmed:
            raise self.refusal

    async def edit(self, which: str, options: WatchOptions) -> WatchStatus:
        self.script.note("watched.edit", which, options)
        self._refuse(is_confirmed=False)
        old = self.folders[which]
        self.folders[which] = replace(old, folder=replace(old.folder, options=options))
        return self.folders[which]

    async def pause(self, which: str) -> WatchStatus:
        self.script.note("watched.pause", which)
        return self._is(which, WatchState.PAUSED)

    async def resume(self, which: str, *, is_same: bool = False) -> WatchStatus:
        self.script.note("watched.resume", which, is_same)
        return self._is(which, WatchState.WATCHING)

    def _is(self, which: str, state: WatchState) -> WatchStatus:
        self.folders[which] = replace(self.folders[which], state=state)
        return self.folders[which]

    async def remove(self, which: str) -> None:
        self.script.note("watched.remove", which)
        del self.folders[which]

    async def skipped(self, which: str, limit: int = 1_000) -> SkippedFiles:
        self.script.note("watched.skipped", which, limit)
        return self.left_out
