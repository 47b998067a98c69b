"""Watched folders with a real file system, a real database and the system's own events."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.watched_folders import (
    SkipReason,
    WatchOptions,
    WatchState,
    WatchStatus,
)
from exai_desktop.engine.files import settling
from exai_desktop.engine.files.folder_events import NoEventsError
from exai_desktop.engine.service import folder_watch
from exai_desktop.engine.service.found_files import FoundFiles
from exai_desktop.engine.waiting import SystemClock
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider

QUICK = WatchOptions(settle_s=0.1)
Providers = dict[str, ScriptedProvider]


@pytest.fixture
def providers() -> Providers:
    """The same before and after a restart."""
    return {}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    return folder


@asynccontextmanager
async def watching(tmp_path: Path, **given: object) -> AsyncIterator[Bench]:
    async with open_bench(_profile(tmp_path), **given) as bench:  # type: ignore[arg-type]
        assert await bench.engine.watched.begin()
        yield bench


def _profile(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    folder.mkdir(exist_ok=True)
    return folder


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or f"the words of {path.name}")
    return path


async def until(
    bench: Bench, holds: Callable[[WatchStatus], bool], which: str = "1"
) -> WatchStatus:
    async with asyncio.timeout(60):
        while True:
            status = await bench.engine.watched.one(which)
            if holds(status):
                return status
            await asyncio.sleep(0.02)


async def sent(bench: Bench, count: int) -> WatchStatus:
    return await until(bench, lambda status: status.counts.done >= count)


async def names(bench: Bench) -> list[str]:
    return [job.name for job in await bench.rows()]


async def test_what_is_there_and_what_comes_is_sent_once(
    tmp_path: Path, place: Path, providers: Providers
) -> None:
    write(place / "a.txt")
    write(place / "below" / "deep" / "b.txt")
    async with watching(tmp_path, providers=providers) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        await sent(bench, 2)
        write(place / "c.txt")
        write(place / "new" / "d.txt")
        status = await sent(bench, 4)
        assert status.state is WatchState.WATCHING
        assert status.folder.last_path is not None
    async with watching(tmp_path, providers=providers) as bench:
        write(place / "e.txt")
        status = await sent(bench, 5)
        assert sorted(await names(bench)) == ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"]
        assert status.counts.taken == 5


async def test_only_new_files_if_wanted(tmp_path: Path, place: Path) -> None:
    write(place / "old.txt")
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK, only_new=True)
        await until(bench, lambda status: status.folder.is_listed)
        write(place / "new.txt")
        await sent(bench, 1)
        assert await names(bench) == ["new.txt"]
        write(place / "old.txt", "it was changed since")
        await sent(bench, 2)
        assert await names(bench) == ["new.txt", "old.txt"]


async def test_what_came_while_no_program_ran_is_not_missed(
    tmp_path: Path, place: Path, providers: Providers
) -> None:
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK, only_new=True)
        await until(bench, lambda status: status.folder.is_listed)
    write(place / "meanwhile.txt")
    async with watching(tmp_path) as bench:
        await sent(bench, 1)
        assert await names(bench) == ["meanwhile.txt"]


async def test_a_growing_file_waits_until_it_is_complete(
    tmp_path: Path, place: Path, providers: Providers
) -> None:
    async with watching(tmp_path, providers=providers) as bench:
        await bench.engine.watched.add(str(place), WatchOptions(settle_s=1.0))
        file = place / "log.txt"
        for number in range(12):
            with file.open("a") as lines:
                lines.write(f"line {number}\n")
            await asyncio.sleep(0.2)
            assert not await names(bench)
        await sent(bench, 1)
    [body] = providers["kimi"].bodies.values()
    assert body == file.read_bytes()


async def test_a_file_that_is_open_elsewhere_waits(tmp_path: Path, place: Path) -> None:
    script = "import sys; f = open(sys.argv[1], 'w'); f.write('half'); f.flush(); input()"
    async with watching(tmp_path) as bench:
        writer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, str(place / "open.txt")), stdin=asyncio.subprocess.PIPE
        )
        assert writer.stdin is not None
        await bench.engine.watched.add(str(place), QUICK)
        await until(bench, lambda status: status.counts.settling == 1)
        write(place / "closed.txt")
        await sent(bench, 1)
        assert await names(bench) == ["closed.txt"]
        assert (await bench.engine.watched.one("1")).counts.settling == 1
        writer.stdin.write(b"\n")
        await writer.communicate()
        await sent(bench, 2)


async def test_a_changed_file_is_sent_anew_and_a_renamed_one_is_not(
    tmp_path: Path, place: Path, providers: Providers
) -> None:
    async with watching(tmp_path, providers=providers) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        file = write(place / "a.txt", "the first words")
        await sent(bench, 1)
        write(file, "other words")
        await sent(bench, 2)
        file.rename(place / "b.txt")
        status = await until(bench, lambda status: status.counts.same_content == 1)
        assert status.counts.done == 2
    assert len(providers["kimi"].uploads) == 2


async def test_moved_in_is_sent_and_moved_out_before_its_time_is_not(
    tmp_path: Path, place: Path
) -> None:
    outside = write(tmp_path / "elsewhere" / "in.txt")
    os.utime(outside, (1_000_000_000, 1_000_000_000))
    tree = write(tmp_path / "tree" / "below" / "deep.txt").parents[1]
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), WatchOptions(settle_s=0.6))
        leaving = write(place / "leaving.txt")
        await until(bench, lambda status: status.counts.settling == 1)
        leaving.rename(tmp_path / "left.txt")
        outside.rename(place / "in.txt")
        tree.rename(place / "tree")
        await sent(bench, 2)
        assert sorted(await names(bench)) == ["deep.txt", "in.txt"]


async def test_nothing_is_sent_from_a_folder_that_was_replaced(
    tmp_path: Path, place: Path, providers: Providers
) -> None:
    async with watching(tmp_path, providers=providers) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        write(place / "ours.txt")
        await sent(bench, 1)
        await bench.engine.queue.pause()
        write(place / "queued.txt", "what was found")
        await until(bench, lambda status: status.counts.open == 1)
        # Another folder, with other files of the same names and sizes.
        place.rename(tmp_path / "away")
        write(place / "queued.txt", "quite private!")
        write(place / "more.txt", "private, too")
        await until(bench, lambda status: status.state is WatchState.REPLACED)
        await bench.engine.queue.resume()
        await until(bench, lambda status: status.counts.open == 0)
        [refused] = [job for job in await bench.rows() if job.name == "queued.txt"]
        assert refused.state is JobState.REFUSED
        assert refused.error is not None and refused.error.code == ErrorCode.WATCHED_FILE_CHANGED
        # It is back: what could not be sent is found anew.
        place.rename(tmp_path / "other")
        (tmp_path / "away").rename(place)
        await sent(bench, 2)
    bodies = providers["kimi"].bodies.values()
    assert sorted(bodies) == [b"the words of ours.txt", b"what was found"]


async def test_a_replaced_folder_is_watched_when_the_user_says_it_is_the_one(
    tmp_path: Path, place: Path
) -> None:
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        await until(bench, lambda status: status.state is WatchState.WATCHING)
        place.rename(tmp_path / "away")
        write(place / "a.txt")
        await until(bench, lambda status: status.state is WatchState.REPLACED)
        await bench.engine.watched.resume("1")
        await until(bench, lambda status: status.state is WatchState.REPLACED)
        await bench.engine.watched.resume("1", is_same=True)
        await sent(bench, 1)


async def test_an_unplugged_folder_goes_on_when_it_is_back(tmp_path: Path, place: Path) -> None:
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        await bench.engine.queue.pause()
        write(place / "queued.txt")
        await until(bench, lambda status: status.counts.open == 1)
        place.rename(tmp_path / "away")
        await until(bench, lambda status: status.state is WatchState.NOT_THERE)
        await bench.engine.queue.resume()
        await until(bench, lambda status: status.counts.refused == 1)
        write(tmp_path / "away" / "meanwhile.txt")
        (tmp_path / "away").rename(place)
        await sent(bench, 2)


async def test_a_subfolder_that_was_away_for_a_moment_is_found_again(
    tmp_path: Path, place: Path
) -> None:
    write(place / "below" / "a.txt")
    async with watching(tmp_path) as bench:
        await bench.engine.queue.pause()
        await bench.engine.watched.add(str(place), QUICK)
        await until(bench, lambda status: status.counts.open == 1)
        (place / "below").rename(tmp_path / "away")
        await bench.engine.queue.resume()
        await until(bench, lambda status: status.counts.refused == 1)
        (tmp_path / "away").rename(place / "below")
        await sent(bench, 1)


async def test_what_is_in_the_record_is_sent_also_if_the_watch_ends_meanwhile() -> None:
    is_writing, may_go_on = asyncio.Event(), asyncio.Event()
    admitted: list[object] = []

    async def enqueue(*_given: object) -> list[object]:
        is_writing.set()
        await may_go_on.wait()
        return [SimpleNamespace(state=JobState.QUEUED)]

    async def insist(work: Callable[[], Awaitable[object]]) -> object:
        return await work()

    intake = SimpleNamespace(
        guard=SimpleNamespace(insist=insist),
        clock=SimpleNamespace(now=lambda: 0.0),
        scheduler=SimpleNamespace(admit=lambda _batch, views: admitted.extend(views)),
    )
    found: Any = FoundFiles(SimpleNamespace(enqueue=enqueue), intake, None)  # type: ignore[arg-type]
    folder: Any = None
    views: Any = SimpleNamespace(id=1, jobs=0, refused=0)
    task = asyncio.create_task(found.enqueue(views, folder, []))
    await is_writing.wait()
    task.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(admitted) == views.jobs == 1


async def test_a_link_in_its_place_is_not_followed(tmp_path: Path, place: Path) -> None:
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        place.rename(tmp_path / "away")
        place.symlink_to(tmp_path / "away")
        write(tmp_path / "away" / "a.txt")
        await until(bench, lambda status: status.state is WatchState.NOT_THERE)
        assert not await names(bench)


async def test_a_question_is_shown_and_never_answered(tmp_path: Path, place: Path) -> None:
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        write(place / "env.txt", "DB_PASSWORD=dGhpc2lzbm90cmVhbA9x\n")
        status = await until(bench, lambda status: status.counts.asking == 1)
        assert status.counts.done == 0
        [job] = await bench.rows()
        assert job.error is not None and job.error.code == ErrorCode.SECRET_INSIDE


async def test_another_company_is_asked_for(tmp_path: Path, place: Path) -> None:
    """Only one of the two accounts accepts this kind, and it is not the wanted one."""
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), replace(QUICK, account="glm"))
        write(place / "notes.md", "# some words")
        await until(bench, lambda status: status.counts.asking == 1)
        [job] = await bench.rows()
        assert job.error is not None and job.error.code == ErrorCode.CONSENT_NEEDED


async def test_what_is_passed_over_is_counted_and_listed(tmp_path: Path, place: Path) -> None:
    write(place / "a.txt")
    write(place / "draft.txt")
    write(place / ".DS_Store")
    write(place / "video.xyz")
    (place / "empty.txt").touch()
    write(tmp_path / "outside.txt")
    (place / "out.txt").symlink_to(tmp_path / "outside.txt")
    (place / "in.txt").symlink_to(place / "a.txt")
    write(place / ".git" / "config.txt")
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), replace(QUICK, ignore=("draft*",)))
        status = await sent(bench, 1)
        assert await names(bench) == ["a.txt"]
        assert status.counts.skipped == 7
        found = await bench.engine.watched.skipped(str(place))
        write(place / "another draft.xyz")
        await until(bench, lambda status: status.counts.skipped == 8)
    assert found.total == 7
    assert {file.path: file.reason for file in found.files} == {
        "draft.txt": SkipReason.PATTERN,
        ".DS_Store": SkipReason.SYSTEM,
        "video.xyz": SkipReason.KIND,
        "empty.txt": SkipReason.EMPTY,
        "out.txt": SkipReason.LINK_OUT,
        "in.txt": SkipReason.LINK,
        ".git": SkipReason.FOLDER,
    }


async def test_a_bad_ignore_file_stops_everything(tmp_path: Path, place: Path) -> None:
    async with watching(tmp_path) as bench:
        write(place / ".exaiignore", "private/\n")
        write(place / "private" / "a.txt")
        write(place / "b.txt")
        await bench.engine.watched.add(str(place), QUICK)
        await sent(bench, 1)
        write(place / ".exaiignore", "private/\n!\n")
        status = await until(bench, lambda status: status.state is WatchState.STOPPED)
        assert status.error is not None
        assert (
            status.error.code == ErrorCode.IGNORE_FILE_UNUSABLE and "line 2" in status.error.detail
        )
        write(place / "c.txt")
        await asyncio.sleep(0.5)
        assert await names(bench) == ["b.txt"]
        write(place / ".exaiignore", "c.txt\n")
        await sent(bench, 2)
        assert await names(bench) == ["b.txt", "a.txt"]


async def test_where_the_system_tells_nothing_it_is_looked_through(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folders: list[str]) -> None:
        raise NoEventsError("the system's limit of watched folders is reached")

    monkeypatch.setattr(folder_watch, "FolderEvents", refuse)
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        status = await until(bench, lambda status: status.state is WatchState.POLLING)
        assert "limit of watched folders" in status.words
        write(place / "below" / "a.txt")
        await sent(bench, 1)
        monkeypatch.undo()
        await until(bench, lambda status: status.state is WatchState.WATCHING)


async def test_after_a_sleep_everything_is_looked_through(tmp_path: Path, place: Path) -> None:
    clock = SleepingClock()
    async with watching(tmp_path, clock=clock) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        write(place / "a.txt")
        await sent(bench, 1)
        watch = next(iter(bench.engine.watched._watches.values()))[0]
        await until(bench, lambda _: not watch._changed and watch._events is not None)
        # As if the events of this file were lost.
        watch._events = None
        write(place / "b.txt")
        await asyncio.sleep(0.5)
        assert await names(bench) == ["a.txt"]
        clock.slept = 3_600.0
        await sent(bench, 2)


class SleepingClock(SystemClock):
    slept = 0.0

    def now(self) -> float:
        return super().now() + self.slept


async def test_more_than_memory_holds_is_sent_all_the_same(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MOST", 40)
    monkeypatch.setattr(folder_watch, "PIECE", 20)
    for number in range(150):
        write(place / f"{number % 7}" / f"{number}.txt")
    async with watching(tmp_path) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        most = 0
        while (status := await bench.engine.watched.one("1")).counts.done < 150:
            most = max(most, status.counts.settling)
            await asyncio.sleep(0.02)
        assert most <= 60


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("relative", ErrorCode.WATCH_FOLDER_UNUSABLE),
        ("{tmp}/none", ErrorCode.WATCH_FOLDER_UNUSABLE),
        ("{tmp}/file.txt", ErrorCode.WATCH_FOLDER_UNUSABLE),
        ("{tmp}/.ssh/in", ErrorCode.WATCH_FOLDER_UNUSABLE),
        ("{tmp}/profile", ErrorCode.WATCH_FOLDER_UNUSABLE),
        ("{tmp}/scans/below/..", ErrorCode.WATCHED_TWICE),
        ("{tmp}/by-link", ErrorCode.WATCHED_TWICE),
        ("{tmp}/scans/below", ErrorCode.WATCHED_NESTED),
        ("{tmp}/by-link/below", ErrorCode.WATCHED_NESTED),
        ("{tmp}", ErrorCode.WATCHED_NESTED),
        ("{tmp}/home", ErrorCode.WATCH_TOO_WIDE),
    ],
    ids=[
        *("relative", "none", "file", "keys", "profile", "twice", "twice-by-link"),
        *("inside", "inside-by-link", "around", "home"),
    ],
)
async def test_a_folder_that_cannot_be_watched_is_refused(
    tmp_path: Path, place: Path, folder: str, code: ErrorCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place / "below" / "a.txt")
    write(tmp_path / "file.txt")
    (tmp_path / "home").mkdir()
    (tmp_path / ".ssh" / "in").mkdir(parents=True)
    (tmp_path / "by-link").symlink_to(place)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with open_bench(_profile(tmp_path)) as bench:
        await bench.engine.watched.add(str(place), QUICK)
        with pytest.raises(AppError) as refused:
            await bench.engine.watched.add(folder.format(tmp=tmp_path), QUICK)
        assert refused.value.code is code
        if code is ErrorCode.WATCH_TOO_WIDE:
            await bench.engine.watched.add(str(tmp_path / "home"), QUICK, is_confirmed=True)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (replace(QUICK, ignore=("!",)), ErrorCode.IGNORE_PATTERN_INVALID),
        (replace(QUICK, ignore=("[a",)), ErrorCode.IGNORE_PATTERN_INVALID),
        (replace(QUICK, settle_s=0.0), ErrorCode.INVALID_SETTING),
        (replace(QUICK, account="nobody"), ErrorCode.UNKNOWN_ACCOUNT),
        (replace(QUICK, purpose="nothing"), ErrorCode.INVALID_PURPOSE),
    ],
    ids=["pattern", "no-pattern", "settle", "account", "purpose"],
)
async def test_bad_options_are_refused(
    tmp_path: Path, place: Path, options: WatchOptions, code: ErrorCode
) -> None:
    async with open_bench(_profile(tmp_path)) as bench:
        with pytest.raises(AppError) as refused:
            await bench.engine.watched.add(str(place), options)
        assert refused.value.code is code
        await bench.engine.watched.add(str(place), QUICK)
        with pytest.raises(AppError) as refused:
            await bench.engine.watched.edit("1", options)
        assert refused.value.code is code


async def test_paused_changed_and_removed(tmp_path: Path, place: Path) -> None:
    async with watching(tmp_path) as bench:
        watched = bench.engine.watched
        await watched.add(str(place), QUICK)
        assert (await watched.pause(str(place))).state is WatchState.PAUSED
        write(place / "a.txt")
        write(place / "b.md")
        await asyncio.sleep(0.3)
        assert not await names(bench)
        await watched.edit("1", replace(QUICK, ignore=("*.md",)))
        await watched.resume("1")
        await sent(bench, 1)
        await watched.remove("1")
        assert await watched.all() == []
        with pytest.raises(AppError) as refused:
            await watched.pause("1")
        assert refused.value.code is ErrorCode.UNKNOWN_WATCH
        write(place / "c.txt")
        await asyncio.sleep(0.3)
        assert await names(bench) == ["a.txt"]
        # Watched again, what was sent is not sent twice: its content is known.
        await watched.add(str(place), QUICK)
        await until(bench, lambda status: status.counts.same_content == 1, str(place))


async def test_until_somebody_begins_nothing_is_watched(tmp_path: Path, place: Path) -> None:
    write(place / "a.txt")
    async with open_bench(_profile(tmp_path)) as bench:
        status = await bench.engine.watched.add(str(place), QUICK)
        assert status.state is WatchState.OFF
        await asyncio.sleep(0.3)
        assert not await names(bench)
        assert await bench.engine.watched.begin()
        await sent(bench, 1)


async def test_without_an_account_it_waits(tmp_path: Path, place: Path) -> None:
    write(place / "a.txt")
    async with open_bench(_profile(tmp_path)) as bench:
        await bench.engine.watched.add(str(place), QUICK)
    async with watching(tmp_path, accounts=()) as bench:
        status = await until(bench, lambda status: status.state is WatchState.STOPPED)
        assert status.error is not None and status.error.code == ErrorCode.NO_ACCOUNT
        assert not await names(bench)
    async with watching(tmp_path) as bench:
        await sent(bench, 1)
