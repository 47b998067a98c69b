"""Pause, resume, cancel, retry: at rest and in the middle of the bytes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from exai_desktop.engine.scheduling.in_hand import Intent
from exai_desktop.engine.service.job_queue import PIECE
from tests import documents
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


def stuck() -> ScriptedProvider:
    """A provider whose uploads wait before their last block."""
    provider = ScriptedProvider()
    provider.go.clear()
    return provider


async def begin(bench: Bench, path: Path) -> int:
    """Add a file and wait until its bytes are on their way; returns the job."""
    batch_id = await bench.engine.queue.add([str(path)], AddOptions())
    await bench.providers["kimi"].begun.wait()
    return (await bench.rows(batch_id))[0].id


def write(folder: Path, name: str, size: int = 200_000) -> Path:
    path = folder / name
    path.write_bytes(documents.text(size))
    return path


async def test_cancel_in_the_middle_is_quick_and_stores_nothing(tmp_path: Path) -> None:
    provider = stuck()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job_id = await begin(bench, write(tmp_path, "a.txt"))
        assert await bench.engine.queue.cancel([job_id]) == [job_id]
        job = await bench.job(job_id)
        assert job.state is S.CANCELLED
        assert job.error is not None
        assert job.error.code == ErrorCode.CANCELLED
        provider.go.set()
        assert not provider.files


async def test_a_cancelled_file_can_be_retried(tmp_path: Path) -> None:
    provider = stuck()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job_id = await begin(bench, write(tmp_path, "a.txt"))
        await bench.engine.queue.cancel([job_id])
        provider.go.set()
        assert await bench.engine.queue.retry([job_id]) == [job_id]
        job = await bench.until_state(job_id, S.DONE)
        assert job.attempts == 2
        assert len(provider.files) == 1


async def test_pausing_a_file_in_the_middle_holds_it_until_resumed(tmp_path: Path) -> None:
    provider = stuck()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job_id = await begin(bench, write(tmp_path, "a.txt"))
        await bench.engine.queue.pause([job_id])
        assert (await bench.job(job_id)).state is S.HELD
        provider.go.set()
        await bench.engine.queue.resume([job_id])
        await bench.until_state(job_id, S.DONE)
        assert len(provider.files) == 1


async def test_a_paused_queue_starts_nothing_until_resumed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.engine.queue.pause()
        batch_id = await bench.engine.queue.add([str(write(tmp_path, "a.txt"))], AddOptions())
        await bench.scanned(batch_id)
        assert (await bench.engine.queue.summary()).paused
        assert [j.state for j in await bench.rows(batch_id)] == [S.QUEUED]
        await bench.engine.queue.resume()
        assert (await bench.finished(batch_id)).done == 1


async def test_cancel_of_waiting_files_leaves_the_others(tmp_path: Path) -> None:
    provider = stuck()
    paths = [write(tmp_path, f"{n}.txt") for n in range(6)]
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        batch_id = await bench.engine.queue.add([str(p) for p in paths], AddOptions())
        await bench.scanned(batch_id)
        ids = [j.id for j in await bench.rows(batch_id)]
        assert sorted(await bench.engine.queue.cancel(ids[3:])) == ids[3:]
        provider.go.set()
        result = await bench.finished(batch_id)
        assert (result.done, result.cancelled) == (3, 3)
        assert len(provider.files) == 3


async def test_what_is_done_cannot_be_cancelled_or_retried(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
        assert await bench.engine.queue.cancel([job.id]) == []
        assert await bench.engine.queue.retry([job.id]) == []
        assert (await bench.job(job.id)).state is S.DONE


async def test_an_unknown_number_changes_nothing(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.queue.cancel([4711])
    assert caught.value.code is ErrorCode.UNKNOWN_JOB


async def test_never_more_at_once_than_the_account_allows(tmp_path: Path) -> None:
    provider = ScriptedProvider(block_s=0.005)
    paths = [write(tmp_path, f"{n}.txt") for n in range(12)]
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await bench.upload(*paths)
    assert provider.most_at_once == 2


async def test_retry_of_all_failed_takes_only_those(tmp_path: Path) -> None:
    broken = TransferError(ErrorCode.PROVIDER_UNAVAILABLE, status=503, sent=Sent.NOTHING)
    provider = ScriptedProvider(faults=[broken])
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(max_attempts=1, max_in_flight=1)
    ) as bench:
        [failed] = await bench.upload(write(tmp_path, "a.txt"))
        assert failed.state is S.FAILED
        assert failed.error is not None
        assert failed.error.code == ErrorCode.ATTEMPTS_EXHAUSTED
        [done] = await bench.upload(write(tmp_path, "b.txt"))
        bench.parts.accounts.clear_problem("kimi")
        assert await bench.engine.queue.retry(None) == [failed.id]
        assert done.state is S.DONE


async def test_deleting_at_the_provider_forgets_the_copy_not_the_record(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt")
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        assert await bench.engine.files.delete_of_job(job.id) == job.file_id
        assert not bench.providers["kimi"].files
        detail = await bench.engine.queue.job(job.id)
        assert detail.copy is not None
        assert detail.copy.state == "deleted"
        with pytest.raises(AppError) as caught:
            await bench.engine.files.delete_of_job(job.id)
        assert caught.value.code is ErrorCode.REMOTE_NOT_FOUND
        [again] = await bench.upload(path)
        assert again.state is S.DONE
        assert again.file_id != job.file_id or len(bench.providers["kimi"].files) == 1


async def test_removing_finished_rows_keeps_what_is_known_of_the_content(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt")
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        assert await bench.engine.queue.remove(None) == 1
        assert not await bench.rows()
        [again] = await bench.upload(path)
        assert (again.state, again.file_id) == (S.DUPLICATE, job.file_id)


class _DeletesInSilence(ScriptedProvider):
    """Deletes, but the answer to the first question is lost."""

    silent = True

    async def delete(self, file_id: str) -> None:
        await super().delete(file_id)
        if self.silent:
            self.silent = False
            raise TransferError(ErrorCode.TIMEOUT, sent=Sent.NOTHING)


async def test_a_deletion_without_an_answer_leaves_no_id_that_may_be_dead(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt")
    provider = _DeletesInSilence()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(path)
        with pytest.raises(AppError):
            await bench.engine.files.delete_of_job(job.id)
        [again] = await bench.upload(path)
        assert again.state is S.DONE
        assert again.file_id in provider.files
        # Asking again settles the first.
        assert await bench.engine.files.delete_of_job(job.id) == job.file_id


async def test_removing_an_account_with_open_files_is_refused_and_harms_nothing(
    tmp_path: Path,
) -> None:
    provider = stuck()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job_id = await begin(bench, write(tmp_path, "a.txt"))
        with pytest.raises(AppError) as caught:
            await bench.engine.accounts.remove("kimi")
        assert caught.value.code is ErrorCode.ACCOUNT_IN_USE
        provider.go.set()
        await bench.until_state(job_id, S.DONE)
        await bench.engine.accounts.remove("kimi")
        [other] = await bench.upload(write(tmp_path, "b.txt"))
        assert other.account == "glm"


async def test_quitting_does_not_forget_a_cancel_whose_answer_is_awaited(tmp_path: Path) -> None:
    provider = ScriptedProvider(answer_s=30.0)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job_id = await begin(bench, write(tmp_path, "a.txt"))
        async with asyncio.timeout(60):
            while not bench.parts.in_hand.runs[job_id].all_left:
                await asyncio.sleep(0.01)
        assert await bench.engine.queue.cancel([job_id]) == [job_id]
        run = bench.parts.in_hand.runs[job_id]
        run.stop(Intent.QUIT)
        job = await bench.until_state(job_id, S.UNCERTAIN, S.CANCELLED)
        assert job.cancel_requested or job.state is S.CANCELLED
        await bench.until_state(job_id, S.CANCELLED)
        assert provider.uploads == ["a.txt"]


async def test_deleting_twice_at_once_is_deleting_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        path = tmp_path / "a.txt"
        path.write_text("some words")
        [job] = await bench.upload(path)
        ids = await asyncio.gather(*(bench.engine.files.delete_of_job(job.id) for _ in range(2)))
        assert ids == [job.file_id] * 2
        assert bench.providers["kimi"].files == {}


async def test_orders_to_a_range_reach_every_job_they_fit_and_no_other(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": stuck()}) as bench:
        engine = bench.engine.queue
        await engine.pause()
        folder = tmp_path / "docs"
        folder.mkdir()
        count = PIECE + 3
        for number in range(count):
            write(folder, f"{number:03}.txt", 40)
        batch_id = await engine.add([str(folder)], AddOptions())
        await bench.scanned(batch_id)
        ids = [row.id for row in await bench.rows(batch_id)]
        whole = JobRange(JobQuery(), ((None, None),), max(ids) - 1)
        assert await engine.order(RangeOrder.REMOVE, whole) == 0
        assert await engine.order(RangeOrder.RESUME, whole) == 0
        assert await engine.order(RangeOrder.PAUSE, whole) == count - 1
        assert await engine.order(RangeOrder.RESUME, whole) == count - 1
        assert await engine.order(RangeOrder.CANCEL, whole) == count - 1
        assert (await bench.job(max(ids))).state is S.QUEUED
        assert await engine.order(RangeOrder.ALLOW_FALLBACK, whole) == 0
        assert await engine.order(RangeOrder.RETRY, whole) == count - 1
        assert await engine.order(RangeOrder.CANCEL, whole) == count - 1
        assert await engine.order(RangeOrder.REMOVE, whole) == count - 1
        assert [row.id for row in await bench.rows(batch_id)] == [max(ids)]


async def test_a_job_removed_meanwhile_does_not_stop_an_order_to_the_others(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, providers={"kimi": stuck()}) as bench:
        await bench.engine.queue.pause()
        paths = [str(write(tmp_path, f"{number}.txt")) for number in range(3)]
        batch_id = await bench.engine.queue.add(paths, AddOptions())
        await bench.scanned(batch_id)
        ids = [row.id for row in await bench.rows(batch_id)]
        await bench.engine.queue.cancel(ids[:1])
        await bench.engine.queue.remove(ids[:1])
        commands = bench.engine.queue._commands
        assert await commands.order(RangeOrder.CANCEL, [*ids, 99]) == 2
