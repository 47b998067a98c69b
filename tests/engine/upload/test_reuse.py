"""The id of a copy is used again only while the provider still has it."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.events import JobChanged
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider


def _file(folder: Path, name: str = "a.txt", text: str = "the same words\n") -> Path:
    path = folder / name
    path.write_text(text)
    return path


async def _copy_states(bench: Bench) -> list[CopyState]:
    return [copy.state for copy in await bench.parts.record.copies.of_account("kimi")]


async def test_a_copy_deleted_at_the_provider_is_noticed_and_sent_anew(tmp_path: Path) -> None:
    async with open_bench(tmp_path, wanted=settings(verify_after_s=0)) as bench:
        [first] = await bench.upload(_file(tmp_path))
        provider = bench.providers["kimi"]
        del provider.files[first.file_id or ""]
        [second] = await bench.upload(_file(tmp_path, "b.txt"))
        assert second.state is JobState.DONE
        assert list(provider.files) == [second.file_id]
        assert await _copy_states(bench) == [CopyState.MISSING, CopyState.PRESENT]


async def test_a_copy_that_is_there_is_reused_after_one_question_for_all(tmp_path: Path) -> None:
    async with open_bench(tmp_path, wanted=settings(verify_after_s=3600)) as bench:
        paths = [_file(tmp_path, f"{n}.txt", f"text {n}\n") for n in range(20)]
        await bench.upload(*paths)
    provider = ScriptedProvider(files=dict(bench.providers["kimi"].files))
    # Half an hour later nothing need be asked, two hours later everything must.
    for age_s, most in ((1800.0, 0), (7200.0, 3)):
        async with open_bench(
            tmp_path, providers={"kimi": provider}, wanted=settings(verify_after_s=3600)
        ) as bench:
            ids = [copy.id for copy in await bench.parts.record.copies.of_account("kimi")]
            await bench.parts.record.copies.verified(ids, bench.parts.clock.now() - age_s)
            jobs = await bench.upload(*paths)
            assert {job.state for job in jobs} == {JobState.DUPLICATE}
            assert min(1, most) <= provider.listed <= most
    assert provider.uploads == []


async def test_while_the_provider_cannot_be_asked_nothing_is_sent(tmp_path: Path) -> None:
    async with open_bench(tmp_path, wanted=settings(verify_after_s=0)) as bench:
        await bench.upload(_file(tmp_path))
        provider = bench.providers["kimi"]
        provider.list_fault = TransferError(ErrorCode.OFFLINE)
        batch = await bench.engine.queue.add([str(_file(tmp_path, "b.txt"))], AddOptions())
        await bench.until(
            lambda: any(
                isinstance(e, JobChanged) and e.job.wait_reason == "The provider cannot be reached"
                for e in bench.events
            )
        )
        provider.list_fault = None
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert job.state is JobState.DUPLICATE
        assert provider.uploads == ["a.txt"]


async def test_a_copy_past_its_time_is_expired_without_a_question(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.upload(_file(tmp_path))
        provider = bench.providers["kimi"]
    with closing(sqlite3.connect(tmp_path / "engine.db")) as database, database:
        database.execute("UPDATE copies SET expires_at = 5")
    provider.files.clear()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(_file(tmp_path, "b.txt"))
        assert job.state is JobState.DONE
        assert await _copy_states(bench) == [CopyState.EXPIRED, CopyState.PRESENT]


@pytest.mark.parametrize("verify_after_s", [0.0, 3600.0])
async def test_another_size_at_the_provider_is_no_copy_of_it(
    tmp_path: Path, verify_after_s: float
) -> None:
    async with open_bench(tmp_path, wanted=settings(verify_after_s=verify_after_s)) as bench:
        [first] = await bench.upload(_file(tmp_path))
        files = bench.providers["kimi"].files
        files[first.file_id or ""] = replace(files[first.file_id or ""], bytes=3)
        [second] = await bench.upload(_file(tmp_path, "b.txt"))
        fresh = verify_after_s > 0
        assert second.state is (JobState.DUPLICATE if fresh else JobState.DONE)


async def test_a_definite_no_to_the_question_holds_the_file(tmp_path: Path) -> None:
    async with open_bench(tmp_path, wanted=settings(verify_after_s=0)) as bench:
        await bench.upload(_file(tmp_path))
        provider = bench.providers["kimi"]
        no = TransferError(ErrorCode.PROVIDER_REJECTED, status=400)
        provider.list_fault = provider.find_fault = no
        [job] = await bench.upload(_file(tmp_path, "b.txt"))
        assert job.state is JobState.HELD
        assert provider.uploads == ["a.txt"]
        provider.list_fault = provider.find_fault = None
        await bench.engine.queue.retry(None)
        assert (await bench.until_state(job.id, JobState.DUPLICATE)).file_id
