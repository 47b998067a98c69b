"""Copies to Storage beside the uploads: begun by themselves, one at a time, never in their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import (
    PIECE,
    ContentStorage,
    CopyRoom,
    PiecePace,
    RoomEnd,
    StorageState,
)
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.background.copying import BesideUploads
from tests.engine.engine_kit import Bench, open_bench, settings

from .test_mirroring import _file, _Link, _QuickClock, _sign_in, _until

E, S = ErrorCode, StorageState
ON = settings(copy_to_storage=True)


class _Storage:
    """Meets `ContentStorage`; keeps what it is given, and fails as the test says."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.held: dict[str, str] = {}
        self.fails: Callable[[str], AppError | None] = lambda _: None
        self._parts: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}

    async def __call__(self, target: MirrorTarget) -> ContentStorage:
        return self

    def _call(self, name: str) -> None:
        self.calls.append(name)
        error = self.fails(name)
        if error is not None:
            raise error

    async def reserve(self, number: str, size: int) -> CopyRoom:
        self._call("reserve")
        self.held.setdefault(number, "held")
        return CopyRoom(self.held[number] in ("held", "committed"), self.held[number])

    async def settle(self, number: str, to: RoomEnd) -> str | None:
        self._call(f"settle {to.value}")
        if number in self.held:
            self.held[number] = to.value
        return self.held.get(number)

    async def size_of(self, key: str) -> int | None:
        self._call("size_of")
        return len(self.objects[key]) if key in self.objects else None

    async def create(self, key: str, size: int, mime: str) -> str:
        self._call("create")
        self._parts[key], self._sizes[key] = b"", size
        return key

    async def offset(self, upload: str) -> int | None:
        return len(self._parts[upload]) if upload in self._parts else None

    async def send(self, upload: str, offset: int, piece: bytes, pace: PiecePace) -> int | None:
        self._call("send")
        async for block in pace.blocks(piece):
            self._parts[upload] += block
        if len(self._parts[upload]) == self._sizes[upload]:
            self.objects[upload] = self._parts[upload]
        return len(self._parts[upload])

    async def abandon(self, upload: str) -> None:
        self._call("abandon")

    async def delete(self, key: str) -> None:
        self._call("delete")
        del self.objects[key]

    async def content(self, key: str) -> AsyncIterator[bytes]:
        self._call("content")
        yield self.objects[key]


async def _noticed(bench: Bench, *, is_on: bool = True) -> None:
    """That copies are wanted, for who is signed in."""
    sql = "SELECT keeps_copies FROM mirror_targets WHERE active = 1"

    async def found() -> bool:
        return await bench.opened.database.read(
            lambda connection: connection.execute(sql).fetchone()["keeps_copies"] == int(is_on)
        )

    async with asyncio.timeout(60):
        while not await found():
            await asyncio.sleep(0.005)


async def test_what_was_sent_is_copied_by_itself(tmp_path: Path) -> None:
    storage = _Storage()
    async with open_bench(
        tmp_path, wanted=ON, clock=_QuickClock(), link=_Link(), storage=storage
    ) as bench:
        await _sign_in(bench)
        await _noticed(bench)
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE
        await _until(lambda: "settle committed" in storage.calls)
        assert list(storage.objects.values()) == [b"content of a.txt"]
        status = await bench.engine.storage.copy_now()
        assert (status.is_on, status.copied, status.waiting) == (True, 1, 0)
        # The same content once more: nothing of it is sent.
        (tmp_path / "b.txt").write_text("content of a.txt")
        await bench.upload(tmp_path / "b.txt")
        await bench.engine.storage.copy_now()
    assert storage.calls.count("send") == 1
    assert list(storage.held.values()) == ["committed"]


async def test_off_nothing_is_noted_or_sent(tmp_path: Path) -> None:
    storage = _Storage()
    async with open_bench(tmp_path, clock=_QuickClock(), link=_Link(), storage=storage) as bench:
        await _sign_in(bench)
        await bench.upload(_file(tmp_path))
        for call in (bench.engine.storage.copy((1,)), bench.engine.storage.copy_now()):
            with pytest.raises(AppError, match="COPIES_OFF"):
                await call
        assert await bench.engine.storage.rows() == []
        # Switched on, what is sent from now on is copied; the setting holds at once.
        await bench.engine.settings.change("copy_to_storage", "true")
        await _noticed(bench)
        await bench.upload(_file(tmp_path, "b.txt"))
        await _until(lambda: "settle committed" in storage.calls)
        await bench.engine.storage.copy_now()
        (row,) = await bench.engine.storage.rows()
        assert (row.name, row.state) == ("b.txt", S.COPIED)


async def test_an_upload_does_not_wait_for_a_copy_that_hangs(tmp_path: Path) -> None:
    hangs = asyncio.Event()

    class _Hanging(_Storage):
        async def send(self, upload: str, offset: int, piece: bytes, pace: PiecePace) -> int | None:
            self.calls.append("send")
            await hangs.wait()
            return None

    storage = _Hanging()
    async with open_bench(tmp_path, wanted=ON, link=_Link(), storage=storage) as bench:
        await _sign_in(bench)
        await bench.engine.storage.retry_refused()
        await _noticed(bench)
        await bench.upload(_file(tmp_path))
        copying = asyncio.create_task(bench.engine.storage.copy_now())
        await _until(lambda: "send" in storage.calls)
        (job,) = await bench.upload(_file(tmp_path, "b.txt"))
        assert job.state is JobState.DONE
        copying.cancel()
        await asyncio.wait({copying})
        counts = await bench.engine.storage.status()
        assert (counts.waiting, counts.copied) == (2, 0)


async def test_after_failures_the_waits_grow_and_a_wish_ends_them(tmp_path: Path) -> None:
    storage = _Storage()
    storage.fails = lambda name: EngineError(E.PROJECT_UNREACHABLE) if name == "create" else None
    async with open_bench(
        tmp_path, wanted=ON, clock=_QuickClock(1_000), link=_Link(), storage=storage
    ) as bench:
        await _sign_in(bench)
        await _noticed(bench)
        await bench.upload(_file(tmp_path))
        await _until(lambda: storage.calls.count("create") >= 4)
        status = await bench.engine.storage.status()
        assert (status.code, status.waiting) == ("PROJECT_UNREACHABLE", 1)
        storage.fails = lambda _: None
        await bench.engine.storage.retry_refused()
        await _until(lambda: "settle committed" in storage.calls)
        assert (await bench.engine.storage.copy_now()).code == ""
    # It was asked for once, and held all the time.
    assert list(storage.held.values()) == ["committed"]


async def test_it_is_not_ready_and_nothing_is_refused(tmp_path: Path) -> None:
    storage = _Storage()
    storage.fails = lambda name: EngineError(E.STORAGE_NOT_READY) if name == "create" else None
    clock = _QuickClock()
    async with open_bench(tmp_path, wanted=ON, clock=clock, link=_Link(), storage=storage) as bench:
        await _sign_in(bench)
        await _noticed(bench)
        await bench.upload(_file(tmp_path))
        await _until(lambda: "create" in storage.calls)
        # Half a minute later it has not asked again.
        later = clock.monotonic() + 30.0
        await _until(lambda: clock.monotonic() > later)
        assert storage.calls.count("create") == 1
        status = await bench.engine.storage.status()
        assert (status.code, status.refused) == ("STORAGE_NOT_READY", 0)


async def test_what_changes_meanwhile_never_becomes_a_copy(tmp_path: Path) -> None:
    storage, path = _Storage(), tmp_path / "long.txt"
    path.write_bytes(b"as it was sent. " * (PIECE // 16 + 1))

    def change(name: str) -> None:
        if name == "send":
            path.write_bytes(b"another content " * (PIECE // 16 + 1))

    storage.fails = change
    async with open_bench(
        tmp_path, wanted=ON, clock=_QuickClock(), link=_Link(), storage=storage
    ) as bench:
        await _sign_in(bench)
        await _noticed(bench)
        await bench.upload(path)
        status = await bench.engine.storage.copy_now()
        (row,) = await bench.engine.storage.rows()
    assert (status.refused, row.code) == (1, "COPY_SOURCE_CHANGED")
    assert storage.objects == {}
    assert storage.calls[-2:] == ["abandon", "settle released"]


async def test_a_piece_waits_for_uploads_but_not_for_ever() -> None:
    clock, asked = _QuickClock(1_000), []

    def is_busy() -> bool:
        asked.append(clock.monotonic())
        return True

    pace = BesideUploads(Bandwidth(0, clock), is_busy, clock)
    piece = bytes(200_000)
    assert b"".join([block async for block in pace.blocks(piece)]) == piece
    assert asked[-1] - asked[0] >= 29.0


async def test_a_piece_keeps_within_the_speed_limit() -> None:
    clock = _QuickClock(1_000)
    pace = BesideUploads(Bandwidth(100_000, clock), lambda: False, clock)
    began = clock.monotonic()
    assert sum([len(block) async for block in pace.blocks(bytes(1_000_000))]) == 1_000_000
    assert clock.monotonic() - began >= 9.0


async def test_where_there_can_be_no_project(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        storage = bench.engine.storage
        assert (await storage.status()).is_on is False
        assert await storage.rows() == []
        target = str(tmp_path / "new")
        for call in (
            *(storage.copy((1,)), storage.copy_now(), storage.retry_refused()),
            *(storage.fetch("a" * 64, target), storage.delete("a" * 64)),
        ):
            with pytest.raises(AppError, match="NOT_SIGNED_IN"):
                await call
