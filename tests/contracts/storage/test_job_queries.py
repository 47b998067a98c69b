"""The contract of `core.jobs.store.JobStore`: reading the queue."""

from __future__ import annotations

import time

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView, FileError
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, NewJob, SortKey
from exai_desktop.core.jobs.store import JobChanges, JobStore, Move
from exai_desktop.storage.database import Database
from tests.contracts.storage.job_rig import TO_SENDING, TO_WAITING, S, add, lead


async def test_ids_and_what_is_not_there(store: JobStore) -> None:
    a, b, c = await add(store, "/a", "/b", "/c")
    await lead(store, b, *TO_WAITING)
    await store.apply(Move(c.id, S.QUEUED, S.CANCELLED, 2.0))
    assert await store.ids([S.WAITING, S.QUEUED]) == [(a.id, None), (b.id, "work")]
    assert await store.ids([]) == []
    assert await store.get(99) is None
    assert await store.detail(99) is None


async def test_summary_counts_and_sums(store: JobStore) -> None:
    assert (await store.summary()).counts == {}
    why = ErrorView.of(FileError(ErrorCode.FILE_TOO_LARGE))
    batch = await store.add_batch(AddOptions(), [NewJob("/a", 100), NewJob("/b", 20)], 1.0)
    # Sparse files claim to be as large as the system can say.
    await store.add_jobs(batch, [NewJob(f"/{n}", 2**63 - 1, why) for n in range(3)], 1.0)
    summary = await store.summary()
    assert (summary.counts, summary.open_bytes) == ({S.QUEUED: 2, S.REFUSED: 3}, 120)

    ids = [job_id for job_id, _ in await store.ids([S.QUEUED])]
    await store.apply(Move(ids[0], S.QUEUED, S.CHECKING, 2.0, changes=JobChanges(size=300)))
    assert (await store.summary()).open_bytes == 320
    await store.remove(None)
    assert (await store.summary()).counts == {S.QUEUED: 1, S.CHECKING: 1}


async def test_new_jobs_cost_one_change_of_the_sums_and_not_one_each(
    store: JobStore, database: Database
) -> None:
    batch = await store.add_batch(AddOptions(), [], 1.0)

    async def changes() -> int:
        return await database.write(lambda connection: connection.total_changes)

    before, count = await changes(), 400
    why = ErrorView.of(FileError(ErrorCode.FILE_TOO_LARGE))
    jobs = [NewJob(f"/{n}", n, why if n % 2 else None) for n in range(count)]
    await store.add_jobs(batch, jobs, 1.0)
    assert (await store.summary()).counts == {S.QUEUED: count / 2, S.REFUSED: count / 2}
    # Two for each file, its row and its birth; one for each refusal in the trail; the sums.
    assert await changes() - before <= 2 * count + count / 2 + 10


async def found(store: JobStore, text: str) -> set[str]:
    return {row.path for row in (await store.page(JobQuery(search=text))).rows}


async def test_search(store: JobStore) -> None:
    paths = ["/docs/Report_1.pdf", "/docs/report%.txt", "/docs/RÉSUMÉ.doc", "/合同/文件.pdf"]
    jobs = await add(store, *paths, r"/back\slash.pdf")
    await lead(store, jobs[0], *TO_SENDING)
    await store.apply(
        Move(jobs[0].id, S.SENDING, S.CONFIRMING, 3.0, changes=JobChanges(file_id="File_X9"))
    )

    assert await found(store, "REPORT") == set(paths[:2])
    assert await found(store, "%") == {paths[1]}
    assert await found(store, "t_1") == {paths[0]}
    assert await found(store, "\\") == {r"/back\slash.pdf"}
    assert await found(store, "re\u0301sume\u0301") == {paths[2]}
    assert await found(store, "文件") == {paths[3]}
    assert await found(store, "合同") == {paths[3]}
    assert await found(store, "file_x") == {paths[0]}
    assert await found(store, "ABAB") == {paths[0]}
    assert await found(store, "baba") == set()
    assert await found(store, "  ") == {*paths, r"/back\slash.pdf"}
    assert await found(store, "' OR 1=1 --") == set()
    assert await found(store, "\udc80") == set()


async def test_pages(store: JobStore) -> None:
    jobs = await add(store, *(f"/{name}" for name in "cBaD"))
    other = await store.add_batch(AddOptions(), [NewJob("/e", 99)], 2.0)

    async def names(query: JobQuery) -> str:
        return "".join(row.name for row in (await store.page(query)).rows)

    assert await names(JobQuery()) == "eDaBc"
    assert await names(JobQuery(descending=False)) == "cBaDe"
    assert await names(JobQuery(sort=SortKey.NAME, descending=False)) == "aBcDe"
    assert await names(JobQuery(sort=SortKey.SIZE)) == "eDaBc"
    assert await names(JobQuery(offset=1, limit=2)) == "Da"
    assert await names(JobQuery(offset=9)) == ""
    assert await names(JobQuery(batch_id=other)) == "e"
    assert await names(JobQuery(ids=())) == ""
    assert await names(JobQuery(ids=(jobs[1].id, 77, *range(1_000, 90_000)))) == "B"
    assert await names(JobQuery(states=(S.QUEUED, S.DONE))) == "eDaBc"
    assert await names(JobQuery(states=(S.DONE,))) == ""
    for sort in SortKey:
        assert len(await names(JobQuery(sort=sort))) == 5
    page = await store.page(JobQuery(offset=1, limit=2))
    assert (len(page.rows), page.total) == (2, 5)


async def test_speed_at_100_000_jobs(store: JobStore) -> None:
    """Four times the bars of the design: they tell a missing index from a busy machine."""
    batch = await store.add_batch(AddOptions(), [], 1.0)
    spent = []
    for folder in range(200):
        jobs = [NewJob(f"/home/me/documents/{folder}/report {n}.pdf", n) for n in range(500)]
        start = time.process_time()
        await store.add_jobs(batch, jobs, 1.0)
        spent.append(time.process_time() - start)
    assert sorted(spent)[100] < 0.12

    start = time.process_time()
    summary = await store.summary()
    assert time.process_time() - start < 0.02
    assert summary.total == 100_000

    start = time.process_time()
    page = await store.page(JobQuery(search="19/report 49", sort=SortKey.NAME))
    assert time.process_time() - start < 0.4
    assert page.total == 22

    start = time.process_time()
    await store.page(JobQuery(offset=50_000))
    assert time.process_time() - start < 0.1
