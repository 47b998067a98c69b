"""A provider that gives one id to two contents: the second is not done, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState, RemoteFile
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import JobState, JobView
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


class OneId(ScriptedProvider):
    """Gives the id of the first file to the next ones, as many as `repeats` says."""

    repeats = 1

    def _store(self, upload: Upload, body: bytes) -> RemoteFile:
        if self._stored and self.repeats:
            self.repeats -= 1
            self._stored -= 1
        return super()._store(upload, body)


def _two(folder: Path) -> tuple[Path, Path]:
    """Of equal size: the size tells nothing."""
    first, second = folder / "first.txt", folder / "second.txt"
    first.write_text("one content\n")
    second.write_text("two content\n")
    return first, second


async def _sent(bench: Bench, folder: Path) -> tuple[JobView, JobView]:
    first, second = _two(folder)
    [one] = await bench.upload(first)
    [two] = await bench.upload(second)
    return one, two


async def test_of_two_contents_with_one_id_the_second_is_not_done(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": OneId()}) as bench:
        one, two = await _sent(bench, tmp_path)
        assert (one.state, one.file_id) == (S.DONE, "file-0001")
        assert (two.state, two.file_id) == (S.FAILED, None)
        assert two.error is not None
        assert two.error.code == ErrorCode.FILE_ID_TAKEN
        assert "file-0001 is already the ID of first.txt" in two.error.detail
        [copy] = await bench.parts.record.copies.of_account("kimi")
        assert (copy.sha256, copy.job_id, copy.state) == (one.sha256, one.id, CopyState.PRESENT)
        rows = await bench.engine.audit.rows(0, 100)
        told = [row for row in rows if row.error_code == ErrorCode.FILE_ID_TAKEN]
        assert [(row.action, row.job_id) for row in told] == [("job.failed", two.id)]
        assert "file-0001" in told[0].detail
        # What belongs to the first is not deleted in the name of the second.
        with pytest.raises(AppError) as caught:
            await bench.engine.files.delete_of_job(two.id)
        assert caught.value.code is ErrorCode.REMOTE_NOT_FOUND


async def test_a_retry_gets_an_id_of_its_own(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": OneId()}) as bench:
        one, two = await _sent(bench, tmp_path)
        assert await bench.engine.queue.retry([two.id]) == [two.id]
        done = await bench.until_state(two.id, S.DONE)
        assert done.file_id not in (None, one.file_id)


async def test_at_once_only_one_of_the_two_is_done(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": OneId()}) as bench:
        jobs = await bench.upload(*_two(tmp_path))
        assert sorted(job.state for job in jobs) == [S.DONE, S.FAILED]


async def test_an_id_that_is_free_again_may_be_given_out_anew(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": OneId()}) as bench:
        first, second = _two(tmp_path)
        [one] = await bench.upload(first)
        await bench.engine.files.delete_of_job(one.id)
        [two] = await bench.upload(second)
        assert (two.state, two.file_id) == (S.DONE, one.file_id)
        # The id is the second's now: the first stays gone, and cannot delete it.
        assert (await bench.job(one.id)).file_state is CopyState.DELETED
        with pytest.raises(AppError):
            await bench.engine.files.delete_of_job(one.id)
        assert "file-0001" in bench.providers["kimi"].files
        assert (await bench.engine.queue.job(two.id)).copy is not None
