"""The contract of `core.jobs.receipts.ReceiptStore`: sums, rows and groups of a drop."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState, NewJob
from exai_desktop.core.jobs.ranges import JobRange
from exai_desktop.core.jobs.receipts import ReceiptScope, ReceiptStore
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.record import receipts as module
from exai_desktop.storage.record.job_pages import Terms
from exai_desktop.storage.record.receipts import SqliteReceipts
from exai_desktop.storage.record.rows import Value
from exai_desktop.storage.sqlite.driver import Connection

S = JobState
EMPTY = ErrorView.of(AppError(ErrorCode.EMPTY_FILE))
SYSTEM = ErrorView.of(AppError(ErrorCode.SYSTEM_FILE))


@pytest.fixture
def receipts(database: Database) -> ReceiptStore:
    return SqliteReceipts(database)


@pytest.fixture(params=[2, 20_000])
def windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """All at once, and in pieces of two."""
    monkeypatch.setattr(module, "_LOOKED_AT_ONCE", request.param)
    return int(request.param)


async def stored(
    database: Database, ids: list[int], file_id: str, state: S = S.DONE, gone: str | None = None
) -> None:
    """As an upload leaves them."""

    def write(connection: Connection) -> None:
        for job_id in ids:
            connection.execute(
                "UPDATE jobs SET state = ?, account = 'work', provider = 'kimi', file_id = ?,"
                " purpose = 'file-extract', sha256 = ?, finished_at = 9.0, file_state = ?"
                " WHERE id = ?",
                (state, file_id, "ab" * 32, gone, job_id),
            )

    await database.write(write)


async def drop(store: JobStore, *jobs: NewJob, at: float = 1.0) -> tuple[int, list[int]]:
    batch = await store.add_batch(AddOptions(), [], at)
    return batch, [view.id for view in await store.add_jobs(batch, jobs, at)]


async def test_sums_of_a_batch(
    store: JobStore, receipts: ReceiptStore, database: Database, windows: int
) -> None:
    await drop(store, NewJob("/other", 5))
    files = [NewJob(f"/{name}", 2**62) for name in "abcde"]
    batch, ids = await drop(store, *files, NewJob("/x", 0, EMPTY), NewJob("/y", 0, EMPTY), at=3.0)
    await drop(store, NewJob("/later", 5))
    await stored(database, ids[:2], "one")
    await stored(database, ids[2:3], "one", S.DUPLICATE)
    await stored(database, ids[3:4], "gone", gone="deleted")
    sums = await receipts.sums(ReceiptScope(batch=batch))
    found = {(one.state, one.error_code): one for one in sums}
    assert {key: one.files for key, one in found.items()} == {
        (S.DONE, None): 2,
        (S.DUPLICATE, None): 1,
        (S.DONE, ErrorCode.FILE_GONE): 1,
        (S.QUEUED, None): 1,
        (S.REFUSED, ErrorCode.EMPTY_FILE): 2,
    }
    done = found[S.DONE, None]
    # A sparse file may claim more than can be summed up.
    assert (done.account, done.provider, done.bytes) == ("work", "kimi", 2 * 2**50)
    assert (done.first_at, done.last_at, done.example) == (3.0, 9.0, "a")
    assert await receipts.sharing(ReceiptScope(batch=batch)) == 3


async def test_the_newest_batch_with_files_and_one_without(
    store: JobStore, receipts: ReceiptStore
) -> None:
    for scope in (ReceiptScope(), ReceiptScope(batch=1)):
        with pytest.raises(EngineError) as caught:
            await receipts.sums(scope)
        assert caught.value.code is ErrorCode.UNKNOWN_BATCH
    first, _ = await drop(store, NewJob("/a", 1), NewJob("/b", 1), at=4.0)
    await store.add_batch(AddOptions(), [], 5.0)
    assert [one.files for one in await receipts.sums(ReceiptScope())] == [2]
    assert [(b.id, b.created_at, b.files) for b in await receipts.batches(5)] == [(first, 4.0, 2)]


async def test_rows_in_pieces_with_how_many_share_an_id(
    store: JobStore, receipts: ReceiptStore, database: Database
) -> None:
    _, [old] = await drop(store, NewJob("/old", 1))
    batch, ids = await drop(store, *(NewJob(f"/caf\udce9{n}", 1) for n in range(5)))
    await stored(database, [old, ids[0]], "shared")
    await stored(database, ids[1:2], "own")
    await stored(database, ids[2:3], "lost", gone="missing")
    scope = ReceiptScope(batch=batch)
    rows = await receipts.rows(scope, 0, 9, with_id=False)
    assert [(r.file_id, r.sharing) for r in rows] == [
        *(("shared", 2), ("own", 1), (None, 1), (None, 1), (None, 1)),
    ]
    assert rows[2].error_code == ErrorCode.FILE_GONE
    assert rows[0].path == "/caf\udce90"
    valid = await receipts.rows(scope, 0, 9, with_id=True)
    assert [row.id for row in valid] == ids[:2]
    assert [row.id for row in await receipts.rows(scope, ids[0], 1, with_id=True)] == ids[1:2]


async def test_some_files_and_a_selection(
    store: JobStore, receipts: ReceiptStore, windows: int
) -> None:
    _, ids = await drop(store, *(NewJob(f"/{n}", 1) for n in range(7)))
    some = ReceiptScope(ids=(ids[0], ids[6], 99))
    assert [one.files for one in await receipts.sums(some)] == [2]
    assert await receipts.sums(ReceiptScope(ids=(99,))) == []
    query = JobQuery()
    # As the list shows them: the newest first.
    jobs = ReceiptScope(jobs=JobRange(query, ((ids[5], ids[2]),), ids[6]))
    assert [one.files for one in await receipts.sums(jobs)] == [4]
    rows = await receipts.rows(jobs, 0, 9, with_id=False)
    assert [row.id for row in rows] == ids[2:6]


async def test_reasons_of_the_whole_list(
    store: JobStore, receipts: ReceiptStore, database: Database
) -> None:
    await drop(store, NewJob("/ok", 1), NewJob("/.DS_Store", 6, SYSTEM), NewJob("/e", 0, EMPTY))
    _, ids = await drop(store, *(NewJob(f"/{n}", 7, None) for n in range(4)))

    def hold(connection: Connection) -> None:
        connection.execute(
            "UPDATE jobs SET state = 'held', error_code = ? WHERE id IN (?, ?)",
            (ErrorCode.PROVIDER_FILE_LIMIT, ids[0], ids[3]),
        )
        # The user's own pause is no trouble.
        connection.execute("UPDATE jobs SET state = 'held' WHERE id = ?", (ids[1],))

    await database.write(hold)
    groups = await receipts.reasons()
    assert [(*g.key, g.files, g.example) for g in groups] == [
        (S.HELD, ErrorCode.PROVIDER_FILE_LIMIT, 2, "0"),
        (S.REFUSED, ErrorCode.EMPTY_FILE, 1, "e"),
        (S.REFUSED, ErrorCode.SYSTEM_FILE, 1, ".DS_Store"),
    ]
    assert groups[2].is_skipped
    everything = [job.id for job in (await store.page(JobQuery())).rows]
    for group in groups:
        page = await store.page(JobQuery(reason=group.key))
        assert (len(page.rows), page.total) == (group.files, group.files)
        rest = await store.page(JobQuery(without=(group.key,)))
        assert rest.total == len(everything) - group.files
        found = [job.id for job in rest.rows]
        assert sorted(found + [job.id for job in page.rows], reverse=True) == everything
    pages = await store.page(JobQuery(states=(S.REFUSED,), without=tuple(g.key for g in groups)))
    assert (pages.rows, pages.total) == ((), 0)
    assert groups[0].title == "The account is full at the provider"


async def plan_of(database: Database, statement: str, terms: Terms, *more: Value) -> list[str]:
    explained = f"EXPLAIN QUERY PLAN {statement.format(terms.where)}"
    rows = await database.read(
        lambda connection: connection.execute(explained, (*terms.values, *more)).fetchall()
    )
    return [row["detail"] for row in rows if "jobs" in row["detail"] or "other" in row["detail"]]


async def test_files_are_looked_up_by_number_or_id_and_never_by_state(
    store: JobStore, database: Database
) -> None:
    """Nearly all files of a list have one state: along it each piece would read all of them."""
    batch, ids = await drop(store, *(NewJob(f"/{n}", 1) for n in range(9)))
    await stored(database, ids, "one")
    ranges = JobRange(JobQuery(), ((ids[6], ids[2]),), ids[-1])
    ways = {
        ReceiptScope(batch=batch): "jobs USING INDEX jobs_batch (batch_id=? AND rowid>? AND rowid",
        ReceiptScope(ids=tuple(ids)): "jobs USING INTEGER PRIMARY KEY (rowid=?)",
        ReceiptScope(jobs=ranges): "jobs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    }
    by_id = "SEARCH other USING INDEX jobs_file (file_id=?)"
    for scope, way in ways.items():
        look = await database.read(partial(module._look, scope=scope))
        [window] = look.windows()
        valid = window & Terms(module._VALID_ID)
        for terms in (window, valid):
            [step] = await plan_of(database, module._ROWS, terms, 5)
            assert step.startswith(f"SEARCH {way}"), scope
        [step] = await plan_of(database, module._SUMS, window)
        assert step.startswith(f"SEARCH {way}"), scope
        step, other = await plan_of(database, module._SHARING, window)
        assert (step.startswith(f"SEARCH {way}"), other) == (True, by_id), scope
    found = await plan_of(database, module._HOW_MANY, Terms(""), '["one"]')
    assert found == ["SEARCH jobs USING INDEX jobs_file (file_id=?)"]


async def test_what_a_piece_costs_does_not_depend_on_how_many_come_after(
    store: JobStore, receipts: ReceiptStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOKED_AT_ONCE", 500)
    done = itertools.count()
    await database.read(
        lambda connection: connection.set_progress_handler(lambda: next(done) < 0, 10)
    )

    async def steps(scope: ReceiptScope) -> int:
        before = next(done)
        assert len(await receipts.rows(scope, 0, 100, with_id=True)) == 100
        return next(done) - before

    costs = []
    for count in (1_000, 10_000):
        batch, ids = await drop(store, *(NewJob(f"/{count} {n}", 1) for n in range(count)))
        for start in range(0, count, 500):
            await stored(database, ids[start : start + 500], f"{batch} {start}")
        page = await store.page(JobQuery(states=(S.DONE,), limit=1))
        done_ones = JobRange(JobQuery(states=(S.DONE,)), ((None, None),), page.newest)
        of_batch = await steps(ReceiptScope(batch=batch))
        costs.append((of_batch, await steps(ReceiptScope(jobs=done_ones))))
    assert all(many < 2 * few for few, many in zip(*costs, strict=True)), costs


async def test_ten_thousand_equal_files_cost_what_others_cost(
    store: JobStore, receipts: ReceiptStore, database: Database
) -> None:
    """Whoever counts for each file how many share its ID does it a hundred million times."""

    async def steps(count: int) -> int:
        batch, ids = await drop(store, *(NewJob(f"/{count} {n}", 1) for n in range(count)))
        await stored(database, ids, f"one id of {count}", S.DUPLICATE)
        done = 0

        def tick() -> int:
            nonlocal done
            done += 1
            return 0

        await database.read(lambda connection: connection.set_progress_handler(tick, 100))
        scope, after = ReceiptScope(batch=batch), 0
        await receipts.sums(scope)
        assert await receipts.sharing(scope) == count
        while rows := await receipts.rows(scope, after, 2_000, with_id=True):
            assert rows[0].sharing == count
            after = rows[-1].id
        return done

    few, many = await steps(1_000), await steps(10_000)
    assert many < 25 * few
