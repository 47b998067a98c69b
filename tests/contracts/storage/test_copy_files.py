"""The contract of `core.copies.queries.FileRecord`: pages of files, imports, looks."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState, RemoteFile
from exai_desktop.core.copies.queries import (
    KEPT_LOOKS,
    CopyCheck,
    FileQuery,
    FileRecord,
    FileSort,
    Sight,
)
from exai_desktop.storage.database import Database
from exai_desktop.storage.record import copy_queries
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.recovery_log import SqliteRecoveryLog
from exai_desktop.storage.sqlite.driver import Connection

NAMES = ("Bericht.pdf", "100% sure.txt", "合同.docx")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(tmp_path / "test.db")
    log = SqliteRecoveryLog(found)
    for number, name in enumerate(NAMES, 1):
        account = "home" if number == 3 else "work"
        file = RemoteFile(f"f{number}", name, 10 * number, 100.0 - number, "file-extract")
        await log.record_foreign("kimi", account, [file])
    yield found
    found.close()


@pytest.fixture
def record(database: Database) -> SqliteCopyStore:
    return SqliteCopyStore(database)


async def _ids(record: FileRecord, query: FileQuery) -> list[str]:
    page = await record.page(query)
    assert page.total >= len(page.rows)
    return [copy.remote_id for copy in page.rows]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (FileQuery(), ["f1", "f2", "f3"]),
        (FileQuery(descending=False), ["f3", "f2", "f1"]),
        (FileQuery(sort=FileSort.SIZE), ["f3", "f2", "f1"]),
        (FileQuery(sort=FileSort.NAME, descending=False), ["f2", "f1", "f3"]),
        (FileQuery(sort=FileSort.ACCOUNT, descending=False), ["f3", "f1", "f2"]),
        (FileQuery(account="work"), ["f1", "f2"]),
        (FileQuery(search="bericht"), ["f1"]),
        (FileQuery(search="100%"), ["f2"]),
        (FileQuery(search="%"), ["f2"]),
        (FileQuery(search="合同"), ["f3"]),
        (FileQuery(search="F3"), ["f3"]),
        (FileQuery(search="abcd"), []),
        (FileQuery(states=(CopyState.PRESENT,)), []),
        (FileQuery(offset=1, limit=1), ["f2"]),
    ],
)
async def test_a_page_is_what_was_asked_for(
    record: SqliteCopyStore, query: FileQuery, ids: list[str]
) -> None:
    assert await _ids(record, query) == ids


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", FileSort)
async def test_a_page_is_the_same_from_either_end(
    record: SqliteCopyStore, database: Database, sort: FileSort, descending: bool
) -> None:
    files = [
        RemoteFile(
            f"g{number}", "bcaBCA"[number], 1 + number // 2, 50.0 - number // 3, "file-extract"
        )
        for number in range(6)
    ]
    await SqliteRecoveryLog(database).record_foreign("kimi", "work", files)
    await record.adopt("work", {"g1": 9.0, "g4": 8.0}, 200.0)
    for search in ("", "g", "1"):
        query = FileQuery(sort=sort, descending=descending, search=search, limit=-1)
        whole = (await record.page(query)).rows
        keys = [str(getattr(row, _FIELDS[sort]) or "z").lower() for row in whole]
        keys = [f"{float(key):09}" if key.replace(".", "").isdigit() else key for key in keys]
        both = list(zip(keys, (row.id for row in whole), strict=True))
        assert both == sorted(both, reverse=descending)
        for offset, limit in itertools.product(range(len(whole) + 2), (1, 3)):
            part = await record.page(replace(query, offset=offset, limit=limit))
            assert part.rows == whole[offset : offset + limit]
            assert part.total == len(whole)


_FIELDS = {
    FileSort.STORED: "recorded_at",
    FileSort.NAME: "remote_name",
    FileSort.STATE: "state",
    FileSort.SIZE: "size",
    FileSort.ACCOUNT: "account",
    FileSort.EXPIRES: "expires_at",
}


@pytest.mark.parametrize("sort", FileSort)
async def test_a_page_sorts_no_more_than_it_shows(
    record: SqliteCopyStore, database: Database, sort: FileSort
) -> None:
    many = [RemoteFile(f"m{n}", f"{n}.pdf", n, float(n), "file-extract") for n in range(3_000)]
    await SqliteRecoveryLog(database).record_foreign("kimi", "many", many)
    one = FileQuery(sort=sort, limit=1)
    first = await database.read(partial(_steps, query=one))
    last = await database.read(partial(_steps, query=replace(one, offset=3_002)))
    # All are counted, none is read or sorted for its place.
    assert max(first, last) < 60_000
    assert abs(first - last) < 2_000


def _steps(connection: Connection, query: FileQuery) -> int:
    """What SQLite's machine does for one page."""
    count = 0

    def note() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(note, 1)
    try:
        copy_queries.page(connection, query)
    finally:
        connection.set_progress_handler(None, 0)
    return count


async def test_an_import_is_present_and_no_twin_of_anything(record: SqliteCopyStore) -> None:
    [copy] = await record.adopt("work", {"f1": 500.0, "f3": None, "nobody": None}, 200.0)
    assert (copy.remote_id, copy.state, copy.origin) == (
        "f1",
        CopyState.PRESENT,
        CopyOrigin.IMPORTED,
    )
    assert (copy.expires_at, copy.verified_at, copy.usable) == (500.0, 200.0, False)
    assert await record.find_present("work", "file-extract", "") is None
    assert await record.adopt("work", {"f1": None}, 300.0) == []
    assert [look.sight for look in await record.looks(copy.id)] == [Sight.SEEN]
    # The soonest first; what has no end comes last.
    soonest = FileQuery(sort=FileSort.EXPIRES, descending=False)
    assert (await _ids(record, soonest))[0] == "f1"


async def test_what_is_imported_may_still_be_what_a_recovered_record_forgot(
    record: SqliteCopyStore, database: Database
) -> None:
    log = SqliteRecoveryLog(database)
    [copy] = await record.adopt("work", {"f1": None}, 200.0)
    assert [c.id for c in await log.foreign("work", "file-extract", 10)] == [copy.id]
    await log.asked([copy.id], 300.0)
    assert (await _get(record, copy.id)).verified_at == 300.0


async def test_the_newest_looks_are_kept_of_each_file(record: SqliteCopyStore) -> None:
    first, second = (await record.page(FileQuery(limit=2))).rows
    for at in range(KEPT_LOOKS + 5):
        look = CopyCheck(first.id, float(at), Sight.OTHER_SIZE, at)
        await record.looked([look, CopyCheck(999, 0.0, Sight.SEEN)])
    await record.looked([CopyCheck(second.id, 1.0, Sight.NOT_SEEN)])
    kept = await record.looks(first.id)
    assert [look.bytes for look in kept] == list(range(KEPT_LOOKS + 4, 4, -1))
    assert await record.looks(second.id) == [CopyCheck(second.id, 1.0, Sight.NOT_SEEN)]
    assert await record.looks(999) == []


async def test_to_be_seen_is_a_look(record: SqliteCopyStore) -> None:
    [copy] = await record.adopt("work", {"f1": None}, 200.0)
    foreign = (await record.page(FileQuery(states=(CopyState.FOREIGN,)))).rows
    await record.verified([copy.id, *(other.id for other in foreign)], 300.0)
    assert [look.at for look in await record.looks(copy.id)] == [300.0, 200.0]
    assert await record.looks(foreign[0].id) == []
    assert (await _get(record, copy.id)).verified_at == 300.0


async def _get(record: FileRecord, copy_id: int) -> Copy:
    copy = await record.get(copy_id)
    assert copy is not None
    return copy
