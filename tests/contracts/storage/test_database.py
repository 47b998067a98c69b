"""The writer thread: what is acknowledged is on disk, and a failure is one caller's own."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.database import Database
from exai_desktop.storage.sqlite.driver import Connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "profile" / "test.db")
    yield database
    database.close()


def put(connection: Connection, number: int) -> int:
    connection.execute("INSERT INTO fingerprints VALUES (?, '', '', 0)", (str(number).encode(),))
    return number


def count(connection: Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM fingerprints").fetchone()[0]
    return found


async def test_a_read_sees_every_write_acknowledged_before(database: Database) -> None:
    for number in range(50):
        assert await database.write(lambda connection, n=number: put(connection, n)) == number  # type: ignore[misc]
        assert await database.read(count) == number + 1


async def test_a_failure_undoes_its_own_write_only(database: Database) -> None:
    def fails(connection: Connection) -> None:
        put(connection, -1)
        raise LookupError("mine")

    results = await asyncio.gather(
        database.write(lambda connection: put(connection, 1)),
        database.write(fails),
        database.write(lambda connection: put(connection, 1)),
        database.write(lambda connection: put(connection, 2)),
        return_exceptions=True,
    )

    assert results[0] == 1
    assert isinstance(results[1], LookupError)
    assert isinstance(results[2], EngineError)
    assert results[2].code is ErrorCode.DATABASE_ERROR
    assert results[3] == 2
    assert await database.read(count) == 2


@asynccontextmanager
async def held_up(database: Database) -> AsyncIterator[None]:
    """The thread is busy with one write while this is entered: what comes meanwhile waits."""
    begun, release = threading.Event(), threading.Event()

    def busy(_: Connection) -> bool:
        begun.set()
        return release.wait(60)

    task = asyncio.create_task(database.write(busy))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    yield
    # Once round: the tasks made meanwhile have handed in their writes.
    await asyncio.sleep(0)
    release.set()
    assert await task


async def test_waiting_writes_share_a_transaction(database: Database) -> None:
    statements: list[str] = []
    async with held_up(database):
        watch = database.write(lambda connection: connection.set_trace_callback(statements.append))
        tasks = [asyncio.create_task(watch)]
        tasks += [asyncio.create_task(database.write(lambda _: None)) for _ in range(100)]
    await asyncio.gather(*tasks)
    await database.write(lambda connection: connection.set_trace_callback(None))
    # The watch began within the shared transaction: this is its end, and the only one.
    assert statements.count("COMMIT") == 1
    assert statements.count("RELEASE one") == 101


async def test_when_the_commit_fails_everybody_hears_of_it(database: Database) -> None:
    def breaks_the_commit(connection: Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute("INSERT INTO history (job_id, at, new, note) VALUES (9, 0, 'done', '')")

    async with held_up(database):
        group = [
            asyncio.create_task(database.write(lambda connection: put(connection, 1))),
            asyncio.create_task(database.write(breaks_the_commit)),
        ]
    results = await asyncio.gather(*group, return_exceptions=True)

    assert all(isinstance(result, EngineError) for result in results), results
    assert await database.read(count) == 0
    assert await database.write(lambda connection: put(connection, 1)) == 1


async def test_full_disk(database: Database) -> None:
    def fill(connection: Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
        connection.execute("INSERT INTO fingerprints VALUES (zeroblob(1000000), '', '', 0)")

    with pytest.raises(EngineError) as caught:
        await database.write(fill)
    assert caught.value.code is ErrorCode.DISK_FULL

    # Space again: it goes on by itself.
    await database.write(
        lambda connection: connection.execute("PRAGMA max_page_count=9999").fetchone()
    )
    await database.write(lambda connection: put(connection, 1))
    assert await database.read(count) == 1


async def test_cancelling_the_wait_does_not_take_the_write_back(database: Database) -> None:
    release = threading.Event()

    def slow(connection: Connection) -> None:
        release.wait(60)
        put(connection, 1)

    task = asyncio.create_task(database.write(slow))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await database.write(lambda _: None)
    assert await database.read(count) == 1


async def test_a_kept_answer_is_asked_for_anew_after_a_change(database: Database) -> None:
    asked = 0

    def total(connection: Connection) -> int:
        nonlocal asked
        asked += 1
        return count(connection)

    async def told() -> int:
        return await database.read_kept(total)

    assert [await told(), await told(), asked] == [0, 0, 1]
    await database.write_change(lambda connection: put(connection, 1))
    assert [await told(), await told(), asked] == [1, 1, 2]


async def test_what_is_asked_during_a_change_is_not_kept(database: Database) -> None:
    """Also when nobody waits for the change any more: it takes place nevertheless."""
    release = threading.Event()

    def slow(connection: Connection) -> None:
        release.wait(60)
        put(connection, 1)

    change = asyncio.create_task(database.write_change(slow))
    await asyncio.sleep(0)
    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change
    assert await database.read_kept(count) == 0
    release.set()
    await database.write(lambda _: None)
    assert await database.read_kept(count) == 1


async def test_what_was_asked_before_a_change_and_comes_behind_it_is_not_kept(
    database: Database,
) -> None:
    began, release = threading.Event(), threading.Event()

    def slow(connection: Connection) -> int:
        found = count(connection)
        began.set()
        release.wait(60)
        return found

    asked = asyncio.create_task(database.read_kept(slow))
    await asyncio.to_thread(began.wait, 60)
    await database.write_change(lambda connection: put(connection, 1))
    release.set()
    assert (await asked, await database.read_kept(slow)) == (0, 1)


async def test_a_change_that_fails_leaves_the_answer(database: Database) -> None:
    def fails(connection: Connection) -> None:
        put(connection, 1)
        raise EngineError(ErrorCode.DISK_FULL)

    assert await database.read_kept(count) == 0
    with pytest.raises(EngineError):
        await database.write_change(fails)
    assert await database.read_kept(count) == 0


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(EngineError):
        await database.read(lambda connection: put(connection, 1))


async def test_a_long_read_does_not_delay_writes(database: Database) -> None:
    release = threading.Event()
    reading = asyncio.create_task(database.read(lambda _: release.wait(60)))
    for number in range(10):
        async with asyncio.timeout(60):
            await database.write(lambda connection, n=number: put(connection, n))  # type: ignore[misc]
    release.set()
    await reading


async def test_settings_of_the_connections(database: Database) -> None:
    def settings(connection: Connection) -> dict[str, object]:
        names = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"]
        names += ["wal_autocheckpoint", "journal_size_limit", "trusted_schema"]
        return {n: connection.execute(f"PRAGMA {n}").fetchone()[0] for n in names}

    assert await database.write(settings) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "wal_autocheckpoint": 1_000,
        "journal_size_limit": 8 * 1024 * 1024,
        "trusted_schema": 0,
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        database = Database(tmp_path / "profile" / "test.db")
        await database.write(lambda connection: put(connection, 1))
        files = list((tmp_path / "profile").iterdir())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}
        database.close()
    finally:
        os.umask(old)
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3, modes
    assert stat.S_IMODE((tmp_path / "profile").stat().st_mode) == 0o700


def test_closing_leaves_one_file_and_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    database = Database(tmp_path / "test.db")
    database.close()
    database.close()
    assert threading.active_count() == before
    assert [file.name for file in tmp_path.iterdir()] == ["test.db"]


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db")
    database.close()
    with pytest.raises(EngineError) as caught:
        await database.write(lambda _: None)
    assert caught.value.code is ErrorCode.DATABASE_ERROR


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db")
    tasks = [
        asyncio.create_task(database.write(lambda connection, n=n: put(connection, n)))  # type: ignore[misc]
        for n in range(300)
    ]
    await asyncio.sleep(0)
    await asyncio.to_thread(database.close)
    assert await asyncio.gather(*tasks) == list(range(300))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    path.write_bytes(b"something else entirely " * 100)
    with pytest.raises(EngineError) as caught:
        Database(path)
    assert caught.value.code is ErrorCode.DATABASE_ERROR
    assert path.read_bytes().startswith(b"something else")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError):
        Database(tmp_path / "file" / "test.db")


WRITER = """
import asyncio, sys
from pathlib import Path
from exai_desktop.storage.database import Database

async def main():
    database = Database(Path(sys.argv[1]))
    async def lane(first):
        for number in range(first, 100000, 8):
            await database.write(lambda c: c.execute(
                "INSERT INTO fingerprints VALUES (?, '', '', 0)", (str(number).encode(),)).rowcount)
            print(number, flush=True)
    await asyncio.gather(*map(lane, range(8)))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    Database(path).close()
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            acknowledged = [int(child.stdout.readline()) for _ in range(200)]
            time.sleep(0.02)
            child.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in child.stdout.read().split("\n")[:-1]]
        Database(path).close()
        connection = sqlite3.connect(path)
        try:
            rows = {int(row[0]) for row in connection.execute("SELECT path FROM fingerprints")}
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            connection.execute("DELETE FROM fingerprints")
            connection.commit()
        finally:
            connection.close()
        assert set(acknowledged) <= rows
