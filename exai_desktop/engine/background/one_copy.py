"""One copy of a file in Storage, from the reservation to its end; each step can be taken again.

What is asked of the project is noted before: after a crash the same is asked again, with the same
numbers, and is answered as before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, FileError
from exai_desktop.core.files.files import FileId
from exai_desktop.core.jobs.jobs import JobView
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import (
    PIECE,
    ContentStorage,
    CopyBook,
    CopyWork,
    PiecePace,
    RoomEnd,
    StorageState,
)
from exai_desktop.engine.waiting import Readers

_READ_AT_ONCE: Final = 1024 * 1024
# The name may be a secret: the kind of a file is not told, its content is enough.
_MIME: Final = "application/octet-stream"
# So often an upload is looked at anew when the project has another part of it than we think.
_MOST_LOOKS: Final = 5
# So many reservations for one content are passed over that have ended.
_MOST_HOLDS: Final = 32
# The copy is put aside until the user asks; with every other error it is tried again.
_FOR_GOOD: Final = frozenset(
    {
        *(ErrorCode.COPY_TOO_LARGE, ErrorCode.COPY_OVER_QUOTA, ErrorCode.COPY_SOURCE_CHANGED),
        ErrorCode.COPY_REFUSED,
    }
)


class OpenSource(Protocol):
    """The file of a job, open."""

    @property
    def id(self) -> FileId: ...

    def read_at(self, offset: int, size: int) -> bytes: ...

    def has_changed(self) -> bool: ...


class SourceOpener(Protocol):
    def opened(self, job: JobView) -> AbstractAsyncContextManager[OpenSource]:
        """Raises `FileError`."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the files of jobs are read."""

    jobs: JobStore
    opener: SourceOpener
    readers: Readers


class OneCopy:
    """For one user at one project. `go_on` raises what ends the work between two pieces."""

    def __init__(
        self,
        target: MirrorTarget,
        book: CopyBook,
        storage: ContentStorage,
        sources: Sources,
        pace: PiecePace,
        go_on: Callable[[], None],
    ) -> None:
        self._target = target
        self._book = book
        self._storage = storage
        self._sources = sources
        self._pace = pace
        self._go_on = go_on

    async def carry_out(self, work: CopyWork, most_bytes: int) -> None:
        """Raises what keeps all copies from being made. `most_bytes` 0: no limit of our own."""
        if work.state is StorageState.DELETING:
            await self._delete(work)
        elif work.settle not in (RoomEnd.NOTHING, RoomEnd.HELD):
            await self._settle(work)
        else:
            await self._copy(work, most_bytes)

    async def _save(self, work: CopyWork) -> CopyWork:
        await self._book.save(self._target, work)
        return work

    # -- making it

    async def _copy(self, work: CopyWork, most_bytes: int) -> None:
        try:
            if most_bytes and work.size > most_bytes:
                why = f"the file has {work.size:,} bytes, the setting allows {most_bytes:,}"
                raise EngineError(ErrorCode.COPY_TOO_LARGE, why)
            await self._make(work)
        except AppError as error:
            if error.code not in _FOR_GOOD:
                raise
            known = await self._book.find(self._target, work.sha256) or work
            await self._refuse(known, error)
            return
        done = await self._book.find(self._target, work.sha256)
        if done is not None and done.settle is RoomEnd.COMMITTED:
            await self._settle(done)

    async def _make(self, work: CopyWork) -> None:
        """Until the content is there. Raises why not."""
        job = await self._sources.jobs.get(work.job_id)
        if job is None:
            raise _changed("its entry was removed from the list")
        try:
            async with self._sources.opener.opened(job) as file:
                await self._check(work, file)
                await self._send(work, file)
        except FileError as error:
            raise _changed(f"{error.code} {error.detail}".rstrip()) from error

    async def _check(self, work: CopyWork, file: OpenSource) -> None:
        """Nothing leaves of another content than the one that was sent to the provider."""
        found = ""
        if file.id.size == work.size:
            found = (await self._hashed(file, work.size)).hexdigest()
        if found != work.sha256 or await self._sources.readers.read(file.has_changed):
            raise _changed("its content is another one now")

    async def _hashed(self, file: OpenSource, size: int) -> hashlib._Hash:
        """Of the first bytes; in small steps, as others read as well."""
        digest, done = hashlib.sha256(), 0
        while done < size:
            piece = await self._read(file, done, min(_READ_AT_ONCE, size - done))
            await self._sources.readers.read(digest.update, piece)
            done += len(piece)
        return digest

    async def _read(self, file: OpenSource, offset: int, size: int) -> bytes:
        """Exactly so many bytes."""
        pieces, left = [], size
        while left:
            piece = await self._sources.readers.read(file.read_at, offset + size - left, left)
            if not piece:
                raise _changed("it has become shorter")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    async def _send(self, work: CopyWork, file: OpenSource) -> None:
        if work.upload and work.source != str(file.id):
            # Another file may have been read when it was begun.
            await self._storage.abandon(work.upload)
            work = await self._save(replace(work, upload="", sent=0))
        if await self._is_there(work):
            # Another device's, or our own whose answer was lost.
            await self._copied(work, is_ours=work.settle is RoomEnd.HELD)
            return
        work = await self._reserve(work)
        for _ in range(_MOST_LOOKS):
            self._go_on()
            if not work.upload:
                work = await self._begin(work, file)
                if not work.upload:
                    break
            arrived = await self._storage.offset(work.upload)
            if arrived is None or arrived > work.size:
                work = await self._save(replace(work, upload="", sent=0))
                continue
            if await self._send_rest(work, file, arrived):
                break
        if not await self._is_there(work):
            raise EngineError(ErrorCode.PROJECT_UNREACHABLE, "the copy has not arrived")
        await self._copied(work, is_ours=True)

    async def _is_there(self, work: CopyWork) -> bool:
        size = await self._storage.size_of(work.key(self._target))
        if size is not None and size != work.size:
            why = f"the project has another file of {size:,} bytes under this name"
            raise EngineError(ErrorCode.COPY_REFUSED, why)
        return size is not None

    async def _begin(self, work: CopyWork, file: OpenSource) -> CopyWork:
        """Without an upload when another device was faster."""
        key = work.key(self._target)
        upload = await self._storage.create(key, work.size, _MIME)
        return await self._save(replace(work, upload=upload, source=str(file.id), sent=0))

    async def _send_rest(self, work: CopyWork, file: OpenSource, arrived: int) -> bool:
        """False: the project has another part of it than we think."""
        digest = await self._hashed(file, arrived)
        while arrived < work.size:
            self._go_on()
            piece = await self._read(file, arrived, min(PIECE, work.size - arrived))
            await self._sources.readers.read(digest.update, piece)
            if arrived + len(piece) == work.size and (
                digest.hexdigest() != work.sha256
                or await self._sources.readers.read(file.has_changed)
            ):
                # Without its last piece it never becomes an object.
                raise _changed("it has changed while it was copied")
            now = await self._storage.send(work.upload, arrived, piece, self._pace)
            if now is not None:
                await self._save(replace(work, sent=now))
            if now != arrived + len(piece):
                return False
            arrived = now
        return True

    async def _copied(self, work: CopyWork, *, is_ours: bool) -> None:
        settle = RoomEnd.COMMITTED if is_ours else RoomEnd.NOTHING
        await self._save(
            replace(
                work,
                state=StorageState.COPIED,
                upload="",
                source="",
                sent=work.size,
                settle=settle,
                code="",
                detail="",
            )
        )

    async def _refuse(self, work: CopyWork, error: AppError) -> None:
        if work.upload:
            await self._storage.abandon(work.upload)
        is_held = work.settle is RoomEnd.HELD
        work = await self._save(
            replace(
                work,
                state=StorageState.REFUSED,
                upload="",
                source="",
                sent=0,
                settle=RoomEnd.RELEASED if is_held else RoomEnd.NOTHING,
                code=error.code.value,
                detail=error.detail,
            )
        )
        if is_held:
            await self._settle(work)

    # -- room

    async def _reserve(self, work: CopyWork) -> CopyWork:
        """Raises COPY_OVER_QUOTA, COPY_TOO_LARGE."""
        for hold in range(work.hold, work.hold + _MOST_HOLDS):
            work = await self._save(replace(work, hold=hold, settle=RoomEnd.HELD))
            answer = await self._storage.reserve(work.reservation(self._target), work.size)
            if answer.granted:
                return work
            if answer.state is None:
                await self._save(replace(work, settle=RoomEnd.NOTHING))
                if answer.largest is not None and work.size > answer.largest:
                    why = f"the file has {work.size:,} bytes, the project takes at most"
                    raise EngineError(ErrorCode.COPY_TOO_LARGE, f"{why} {answer.largest:,}")
                left = "" if answer.left is None else f", {answer.left:,} are left"
                why = f"the file has {work.size:,} bytes{left}"
                raise EngineError(ErrorCode.COPY_OVER_QUOTA, why)
        raise EngineError(ErrorCode.COPY_REFUSED, "no reservation for it is free")

    async def _settle(self, work: CopyWork) -> None:
        """What is done, and noted as done, is told; it may be told twice, and counts once."""
        state = await self._storage.settle(work.reservation(self._target), work.settle)
        if work.settle is RoomEnd.COMMITTED and state != RoomEnd.COMMITTED.value:
            # Another device has given it back meanwhile: the bytes are there, so they count.
            again = replace(work, hold=work.hold + 1)
            number = again.reservation(self._target)
            if (await self._storage.reserve(number, work.size)).granted:
                await self._storage.settle(number, RoomEnd.COMMITTED)
            work = again
        await self._save(replace(work, settle=RoomEnd.NOTHING))

    async def _delete(self, work: CopyWork) -> None:
        if work.upload:
            await self._storage.abandon(work.upload)
        await self._storage.delete(work.key(self._target))
        # Another device may have made it: its reservation has a number of its own.
        for hold in range(max(work.hold + 1, _MOST_HOLDS)):
            state = await self._storage.settle(
                work.reservation(self._target, hold), RoomEnd.RETURNED
            )
            if state == RoomEnd.HELD.value:
                number = work.reservation(self._target, hold)
                await self._storage.settle(number, RoomEnd.RELEASED)
            if state is None and hold >= work.hold:
                break
        await self._book.remove(self._target, work.sha256)


def _changed(why: str) -> EngineError:
    return EngineError(ErrorCode.COPY_SOURCE_CHANGED, why)
