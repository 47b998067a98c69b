"""Equal files share one id: when it dies, each of them shows it and can be sent anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from exai_desktop.cli.files.at_provider import ask_if_shared
from exai_desktop.cli.files.get import valid_job
from exai_desktop.cli.output import Output
from exai_desktop.core.copies.models import CopyState, RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, TransferError
from exai_desktop.core.events import JobChanged
from exai_desktop.core.jobs.jobs import JobQuery, JobState, JobView
from exai_desktop.core.jobs.words import state_word
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S, C = JobState, CopyState
COUNT = 40


def _equal(folder: Path, count: int = COUNT) -> list[Path]:
    paths = [folder / f"{n}.txt" for n in range(count)]
    for path in paths:
        path.write_text("forty times the same\n")
    return paths


async def _uploaded(bench: Bench, folder: Path, count: int = COUNT) -> list[JobView]:
    jobs = await bench.upload(*_equal(folder, count))
    assert sorted({job.state for job in jobs}) == [S.DONE, S.DUPLICATE]
    assert len({job.file_id for job in jobs}) == 1
    return jobs


async def _gone(bench: Bench) -> list[JobView]:
    return list((await bench.engine.queue.page(JobQuery(gone=True, limit=1000))).rows)


async def test_all_that_share_a_deleted_id_say_so_and_are_sent_anew_by_one_command(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path) as bench:
        jobs = await _uploaded(bench, tmp_path)
        old = (jobs[0].account or "", jobs[0].file_id or "")
        assert (await bench.engine.queue.page(JobQuery(file=old, limit=1))).total == COUNT
        bench.events.clear()
        await bench.engine.files.delete_of_job(jobs[7].id)
        gone = await _gone(bench)
        assert len(gone) == COUNT
        assert {state_word(job) for job in gone} == {"Deleted at the provider"}
        assert {job.error.code for job in gone if job.error} == {ErrorCode.FILE_GONE}
        # Whoever looks on is told of each.
        told = {e.job.id for e in bench.events if isinstance(e, JobChanged) and e.job.file_state}
        assert told == {job.id for job in jobs}
        again = await bench.engine.queue.retry(None, gone=True)
        assert sorted(again) == sorted(job.id for job in jobs)
        for job in jobs:
            now = await bench.until_state(job.id, S.DONE, S.DUPLICATE)
            assert now.file_state is None
            assert now.error is None
            assert now.file_id in bench.providers["kimi"].files
        assert len(bench.providers["kimi"].files) == 1
        assert not await _gone(bench)


async def test_what_reconcile_misses_is_shown_by_all_until_it_is_back(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        jobs = await _uploaded(bench, tmp_path, 5)
        files = bench.providers["kimi"].files
        kept = dict(files)
        files.clear()
        await bench.engine.accounts.reconcile("kimi")
        assert {job.file_state for job in await _gone(bench)} == {C.MISSING}
        assert len(await _gone(bench)) == len(jobs)
        files |= kept
        await bench.engine.accounts.reconcile("kimi")
        assert not await _gone(bench)


async def test_a_look_before_reuse_that_finds_nothing_tells_all(tmp_path: Path) -> None:
    async with open_bench(tmp_path, wanted=settings(verify_after_s=0)) as bench:
        jobs = await _uploaded(bench, tmp_path, 5)
        bench.providers["kimi"].files.clear()
        late = tmp_path / "late.txt"
        late.write_text("forty times the same\n")
        [new] = await bench.upload(late)
        assert (new.state, new.file_state) == (S.DONE, None)
        assert {job.id for job in await _gone(bench)} == {job.id for job in jobs}


async def test_what_lies_at_the_provider_is_not_sent_again(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        jobs = await _uploaded(bench, tmp_path, 3)
        assert await bench.engine.queue.retry([job.id for job in jobs]) == []
        assert await bench.engine.queue.retry(None, gone=True) == []
        assert len(bench.providers["kimi"].uploads) == 1


class _Refuses(ScriptedProvider):
    async def delete(self, file_id: str) -> None:
        raise TransferError(ErrorCode.PERMISSION_DENIED, status=403)


class _NoAnswer(ScriptedProvider):
    async def delete(self, file_id: str) -> None:
        raise TransferError(ErrorCode.TIMEOUT)


async def test_a_refused_deletion_leaves_all_as_they_were(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": _Refuses()}) as bench:
        jobs = await _uploaded(bench, tmp_path, 3)
        with pytest.raises(AppError):
            await bench.engine.files.delete_of_job(jobs[0].id)
        assert not await _gone(bench)


async def test_a_deletion_that_is_not_confirmed_is_no_reason_to_send_all(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": _NoAnswer()}) as bench:
        jobs = await _uploaded(bench, tmp_path, 3)
        with pytest.raises(AppError):
            await bench.engine.files.delete_of_job(jobs[0].id)
        assert {state_word(job) for job in await _gone(bench)} == {"Deletion not confirmed"}
        assert await bench.engine.queue.retry(None, gone=True) == []
        assert await bench.engine.queue.retry([jobs[0].id]) == [jobs[0].id]


async def test_the_same_id_at_another_account_is_another_file(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        [path] = _equal(tmp_path, 1)
        [one] = await bench.upload(path, account="kimi")
        [other] = await bench.upload(path, account="glm")
        assert one.file_id == other.file_id
        await bench.engine.files.delete_of_job(one.id)
        assert [job.id for job in await _gone(bench)] == [one.id]
        assert isinstance(bench.providers["glm"].files[other.file_id or ""], RemoteFile)


async def test_an_id_that_is_gone_is_not_given_out(tmp_path: Path) -> None:
    output = Output(as_json=False)
    async with open_bench(tmp_path) as bench:
        [job, *_] = await _uploaded(bench, tmp_path, 3)
        [path] = _equal(tmp_path, 1)
        assert (await valid_job(bench.engine, str(path), output)).file_id == job.file_id
        await bench.engine.files.delete_of_job(job.id)
        for what in ("1.txt", str(path), (job.sha256 or "")[:10]):
            with pytest.raises(AppError) as caught:
                await valid_job(bench.engine, what, output)
            assert caught.value.code is ErrorCode.FILE_GONE
        [new] = await bench.upload(path)
        # Of the same content the one whose id works.
        assert (await valid_job(bench.engine, "1.txt", output)).file_id == new.file_id


async def test_a_shared_id_is_not_deleted_without_an_answer(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        jobs = await _uploaded(bench, tmp_path, 3)
        with pytest.raises(AppError, match="3 files in the list share") as caught:
            await ask_if_shared(bench.engine, jobs[0].id, {jobs[0].id}, is_job=True)
        assert caught.value.code is ErrorCode.FILE_SHARED
        # Whoever names all of them knows.
        await ask_if_shared(bench.engine, jobs[0].id, {job.id for job in jobs}, is_job=True)
