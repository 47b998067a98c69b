"""The contract of `core.jobs.history.HistoryStore`: what is cleared is found until forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.history import (
    HistoryKind,
    HistoryQuery,
    HistorySort,
    HistoryStore,
    PastFile,
    codes_like,
)
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState, NewJob
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.record import past_files as module
from exai_desktop.storage.record.past_files import SqliteHistory
from exai_desktop.storage.sqlite.driver import Connection

K, S = HistoryKind, JobState
EMPTY = ErrorView.of(AppError(ErrorCode.EMPTY_FILE, "secret-detail"))


@pytest.fixture
def history(database: Database) -> HistoryStore:
    return SqliteHistory(database)


async def put(database: Database, store: JobStore) -> list[int]:
    """In one batch: sent, deleted there, failed, refused, cancelled, on its way."""
    batch = await store.add_batch(AddOptions(), [], 1.0)
    names = ("sent.pdf", "gone.pdf", "failed.pdf", "refused.pdf", "cancelled.pdf", "open.pdf")
    files = [
        NewJob(f"/home/u/Invoices/{name}", number, EMPTY if name == "refused.pdf" else None)
        for number, name in enumerate(names, 1)
    ]
    ids = [view.id for view in await store.add_jobs(batch, files, 1.0)]

    def write(connection: Connection) -> None:
        for job_id, state, file_id, gone in (
            (ids[0], S.DONE, "file-a", None),
            (ids[1], S.DONE, "file-b", "deleted"),
            (ids[2], S.FAILED, None, None),
            (ids[4], S.CANCELLED, None, None),
        ):
            connection.execute(
                "UPDATE jobs SET state = ?, file_id = ?, file_state = ?, account = 'work',"
                " provider = 'kimi', purpose = 'file-extract', sha256 = ?, updated_at = ?"
                " WHERE id = ?",
                (state, file_id, gone, f"{job_id:02d}" * 32, 10.0 + job_id, job_id),
            )
        connection.execute(
            "UPDATE jobs SET error_code = 'TIMEOUT', error_detail = 'no answer from Mars'"
            " WHERE id = ?",
            (ids[2],),
        )
        for job_id, file_id, copy_state in (
            (ids[0], "file-a", "present"),
            (ids[1], "file-b", "deleted"),
        ):
            connection.execute(
                "INSERT INTO copies (provider, account, purpose, sha256, size, remote_id,"
                " remote_name, state, usable, recorded_at, job_id, verified_at)"
                " VALUES ('kimi', 'work', 'file-extract', ?, 1, ?, 'x', ?, 1, 2.0, ?, 77.0)",
                (f"{job_id:02d}" * 32, file_id, copy_state, job_id),
            )

    await database.write(write)
    return ids


async def names(history: HistoryStore, query: HistoryQuery | None = None) -> list[str]:
    page = await history.page(query or HistoryQuery())
    assert page.total == len(page.rows)
    return [row.name.partition(".")[0] for row in page.rows]


ALL = ["cancelled", "refused", "failed", "gone", "sent"]


async def test_what_is_cleared_stays_with_its_reason(
    database: Database, store: JobStore, history: HistoryStore
) -> None:
    ids = await put(database, store)
    before = await history.page(HistoryQuery())
    assert await store.remove(None) == 5
    assert [row.id for row in (await store.page(JobQuery())).rows] == [ids[5]]
    page = await history.page(HistoryQuery())
    assert [replace(row, cleared_at=None) for row in page.rows] == list(before.rows)
    assert all(row.cleared_at is not None for row in page.rows)
    assert await names(history) == ALL
    failed, sent = page.rows[2], page.rows[4]
    assert failed.error is not None
    assert (failed.error.code, failed.error.detail) == ("TIMEOUT", "no answer from Mars")
    assert (sent.file_id, sent.verified_at, sent.folder) == ("file-a", 77.0, "/home/u/Invoices")


@pytest.mark.parametrize("is_cleared", [False, True])
async def test_every_kind_is_found_alone(
    database: Database, store: JobStore, history: HistoryStore, is_cleared: bool
) -> None:
    await put(database, store)
    if is_cleared:
        await store.remove(None)
    for kind in K:
        assert await names(history, HistoryQuery(kinds=(kind,))) == [kind.value]
    assert await names(history, HistoryQuery(kinds=(K.SENT, K.FAILED))) == ["failed", "sent"]
    assert await history.counts() == dict.fromkeys(K, 1)


@pytest.mark.parametrize("is_cleared", [False, True])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FAILED.P", ["failed"]),
        ("invoices", ALL),
        ("file-a", ["sent"]),
        ("01" * 4, ["sent"]),
        ("from mars", ["failed"]),
        ("no such thing", []),
    ],
)
async def test_a_search_looks_at_name_folder_id_hash_and_error(
    database: Database,
    store: JobStore,
    history: HistoryStore,
    monkeypatch: pytest.MonkeyPatch,
    is_cleared: bool,
    text: str,
    found: list[str],
) -> None:
    await put(database, store)
    if is_cleared:
        await store.remove(None)
    query = HistoryQuery(search=text, codes=codes_like(text))
    assert await names(history, query) == found
    monkeypatch.setattr(module, "_RESULTS", 0)  # met on the way, as with very many
    assert await names(history, query) == found


async def test_a_search_finds_by_the_title_of_an_error_and_by_texts(
    database: Database, store: JobStore, history: HistoryStore
) -> None:
    await put(database, store)
    await store.remove(None)
    assert ErrorCode.TIMEOUT in codes_like("did not answer in time")
    codes = codes_like("did not answer in time")
    assert await names(history, HistoryQuery(search="zzz", codes=codes)) == ["failed"]
    assert await names(history, HistoryQuery(search="zzz", also=(("work", "file-b"),))) == ["gone"]
    assert not codes_like("  ")


async def test_queue_and_history_are_one_list_in_every_order(
    database: Database, store: JobStore, history: HistoryStore
) -> None:
    ids = await put(database, store)
    await store.remove([ids[0], ids[3]])
    of: dict[HistorySort, object] = {
        HistorySort.NUMBER: lambda f: f.id,
        HistorySort.ENDED: lambda f: f.ended_at,
        HistorySort.NAME: lambda f: f.name,
        HistorySort.SIZE: lambda f: f.size,
        HistorySort.STATE: lambda f: f.state,
        HistorySort.ACCOUNT: lambda f: f.account or "",
        HistorySort.BATCH: lambda f: f.batch_id,
    }
    for sort, key in of.items():
        whole = (await history.page(HistoryQuery(sort=sort, descending=False))).rows
        assert list(whole) == sorted(whole, key=lambda f: (key(f), f.id))  # type: ignore[operator]
        pieces: list[PastFile] = []
        for offset in range(5):
            query = HistoryQuery(sort=sort, descending=False, offset=offset, limit=1)
            pieces += (await history.page(query)).rows
        assert pieces == list(whole)


async def test_reading_on_by_number_passes_every_file_once(
    database: Database, store: JobStore, history: HistoryStore
) -> None:
    ids = await put(database, store)
    await store.remove([ids[1], ids[4]])
    found, before = [], 2**62
    while rows := (await history.page(HistoryQuery(before=before, limit=2))).rows:
        found += [row.id for row in rows]
        before = rows[-1].id
    assert found == sorted(ids[:5], reverse=True)


async def test_a_deletion_at_the_provider_reaches_the_history(
    database: Database, store: JobStore, history: HistoryStore
) -> None:
    await put(database, store)
    await store.remove(None)
    await database.write(
        lambda c: c.execute("UPDATE copies SET state = 'missing' WHERE remote_id = 'file-a'")
    )
    gone = (await history.page(HistoryQuery(kinds=(K.GONE,)))).rows
    assert [row.file_state for row in gone] == [CopyState.DELETED, CopyState.MISSING]


async def test_names_that_share_an_id_are_counted_in_both_places(
    database: Database, store: JobStore, history: HistoryStore
) -> None:
    ids = await put(database, store)
    await database.write(
        lambda c: c.execute(
            "UPDATE jobs SET state = 'duplicate', file_id = 'file-a', account = 'work'"
            " WHERE id = ?",
            (ids[4],),
        )
    )
    await store.remove([ids[0]])
    sharing = {row.id: row.sharing for row in (await history.page(HistoryQuery())).rows}
    assert (sharing[ids[0]], sharing[ids[4]], sharing[ids[2]]) == (2, 2, 1)


async def test_what_is_forgotten_is_gone_from_the_file(
    database: Database, store: JobStore, history: HistoryStore
) -> None:
    ids = await put(database, store)
    await database.write(
        lambda c: c.execute(
            "INSERT INTO fingerprints VALUES (?, 'x', 'y', 1.0)", (b"/home/u/Invoices/failed.pdf",)
        )
    )
    assert await history.forget(ids, None) == 0  # the queue still has them
    await store.remove(None)
    assert await history.forget((), None) == 0
    assert await history.forget([ids[2]], None) == 1
    assert await names(history) == ["cancelled", "refused", "gone", "sent"]

    def left(connection: Connection) -> tuple[int, str]:
        (prints,) = connection.execute("SELECT count(*) FROM fingerprints").fetchone()
        (file,) = connection.execute("SELECT file FROM pragma_database_list").fetchone()
        return prints, file

    prints, file = await database.read(left)
    assert prints == 0
    assert await history.forget(None, 11.5) == 2
    assert await history.forget(None, None) == 2
    assert await names(history) == []
    database.close()
    # The audit trail tells of the path for ever; the search text is of the entry alone.
    assert b"/home/u/invoices/failed.pdf" not in Path(file).read_bytes()
