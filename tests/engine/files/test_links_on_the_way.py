"""A watched folder does not lead out of itself, whatever becomes of its subfolders meanwhile."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.watched_folders import WatchOptions
from exai_desktop.engine.files import open_file
from exai_desktop.engine.files.open_file import open_without_links
from tests.engine.engine_kit import KIMI, open_bench
from tests.unit.nobody import folder_for_all, run_as_nobody

OURS, PRIVATE = b"what was found", b"quite private!"


class Place:
    """A watched folder with a subfolder, and another folder with a file of the same name."""

    def __init__(self, folder: Path) -> None:
        self.below = folder / "in" / "below"
        self.away = folder / "in" / "away"
        self.outside = folder / "outside"
        self.below.mkdir(parents=True)
        self.outside.mkdir()
        self.file = self.below / "a.txt"
        self.file.write_bytes(OURS)
        (self.outside / "a.txt").write_bytes(PRIVATE)

    def turn(self) -> None:
        """The subfolder becomes a link out of the watched folder."""
        self.below.rename(self.away)
        self.below.symlink_to(self.outside)

    def turn_back(self) -> None:
        self.below.unlink()
        self.away.rename(self.below)

    @contextmanager
    def turning(self) -> Iterator[None]:
        """All the time, as fast as can be."""
        is_over = threading.Event()

        def turn() -> None:
            while not is_over.is_set():
                self.turn()
                self.turn_back()

        thread = threading.Thread(target=turn)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def read(path: Path) -> bytes | ErrorCode:
    try:
        file = open_without_links(str(path))
    except FileError as error:
        return error.code
    try:
        return file.read_at(0, 100)
    finally:
        file.close()


def test_a_folder_that_is_swapped_all_the_time(place: Place) -> None:
    """Each look finds the file or nothing; until each has happened some hundred times."""
    found = {OURS: 0, ErrorCode.WATCHED_FILE_CHANGED: 0, ErrorCode.FILE_NOT_FOUND: 0}
    end = time.monotonic() + 60
    with place.turning():
        while found[OURS] < 300 or found[ErrorCode.WATCHED_FILE_CHANGED] < 300:
            assert time.monotonic() < end
            what = read(place.file)
            assert what in found, "a file outside the folder was opened"
            found[what] += 1


@pytest.mark.parametrize("can_step", [True, False], ids=["step by step", "looked at afterwards"])
def test_a_link_on_the_way_is_not_followed(
    place: Place, can_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_file, "_CAN_STEP", can_step and open_file._CAN_STEP)
    assert read(place.file) == OURS
    place.turn()
    assert read(place.file) is ErrorCode.WATCHED_FILE_CHANGED
    place.turn_back()
    place.file.unlink()
    assert read(place.file) is ErrorCode.FILE_NOT_FOUND
    place.file.symlink_to(place.outside / "a.txt")
    assert read(place.file) is ErrorCode.WATCHED_FILE_CHANGED
    place.file.unlink()
    place.file.mkdir()
    assert read(place.file) is ErrorCode.NOT_A_FILE


def test_a_folder_that_cannot_be_listed_is_no_hindrance() -> None:
    with folder_for_all() as folder:
        (folder / "closed").mkdir()
        file = folder / "closed" / "a.txt"
        file.write_bytes(OURS)
        file.chmod(0o644)
        (folder / "closed").chmod(0o711)
        code = (
            "file = open_file.open_without_links(paths[0])\n"
            "print(json.dumps(file.read_at(0, 100).decode()))"
        )
        assert run_as_nobody(code, file) == OURS.decode()


async def test_nothing_outside_is_read_for_a_job(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even to find out that it is another file."""
    opened: list[str] = []
    os_open = os.open

    def noted(path: str, flags: int, *args: int, **more: int | None) -> int:
        fd = os_open(path, flags, *args, **more)  # type: ignore[arg-type]
        opened.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        return fd

    (tmp_path / "profile").mkdir()
    async with open_bench(tmp_path / "profile", accounts=[KIMI]) as bench:
        await bench.engine.queue.pause()
        assert await bench.engine.watched.begin()
        await bench.engine.watched.add(str(place.below.parent), WatchOptions(settle_s=0.1))
        async with asyncio.timeout(60):
            while not (rows := await bench.rows()):
                await asyncio.sleep(0.02)
        [job] = rows
        place.turn()
        monkeypatch.setattr(os, "open", noted)
        await bench.engine.queue.resume()
        refused = await bench.until_state(job.id, JobState.REFUSED)
        assert refused.error is not None
        assert refused.error.code == ErrorCode.WATCHED_FILE_CHANGED
    assert str(place.below.parent) in opened
    assert str(place.outside / "a.txt") not in opened
