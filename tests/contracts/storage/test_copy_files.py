"""The contract of `core.copies.queries.FileRecord`: pages of files, imports, looks."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.recovery_log import SqliteRecoveryLog

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
