"""What is not on record must not be taken for another one's file.

A file stored so late that it was given up, and the beginning of one that was cut.
"""

from __future__ import annotations

import time
from pathlib import Path

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider

S = JobState
SIZE = 12


def lost() -> TransferError:
    return TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)


def cut() -> TransferError:
    return TransferError(ErrorCode.UPLOAD_CUT, sent=Sent.SOME)


def write(folder: Path, place: str, content: str) -> Path:
    (folder / place).mkdir()
    path = folder / place / "scan.txt"
    path.write_text(content.ljust(SIZE))
    return path


def stored_late(provider: ScriptedProvider, file_id: str, name: str = "scan.txt") -> None:
    provider.files[file_id] = RemoteFile(file_id, name, SIZE, time.time(), "file-extract")


async def given_up(bench: Bench, provider: ScriptedProvider, path: Path) -> int:
    """Its first answer is lost, the list does not have it, it is sent again and done."""
    provider.faults = [lost()]
    [job] = await bench.upload(path)
    assert job.state is S.DONE
    assert job.attempts == 2
    return job.id


async def test_what_turns_up_late_is_not_adopted_for_another_content(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await given_up(bench, provider, write(tmp_path, "first", "one"))
        stored_late(provider, "late", "scan (7).txt")
        provider.faults = [lost()]
        [job] = await bench.upload(write(tmp_path, "second", "two"))
        assert job.state is S.NEEDS_REVIEW
        assert job.error is not None
        assert "late may be an earlier file" in job.error.detail
        # The user looks and says that it is not: it is sent after all.
        await bench.engine.queue.settle(job.id, None)
        done = await bench.until_state(job.id, S.DONE)
        assert done.file_id is not None
        assert provider.bodies[done.file_id].startswith(b"two")


async def test_it_is_known_after_the_first_job_was_forgotten(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job_id = await given_up(bench, provider, write(tmp_path, "first", "one"))
        assert await bench.engine.queue.remove([job_id]) == 1
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        stored_late(provider, "late")
        provider.faults = [lost()]
        [job] = await bench.upload(write(tmp_path, "second", "two"))
        assert job.state is S.NEEDS_REVIEW


async def test_an_earlier_attempt_of_the_same_content_raises_no_question(tmp_path: Path) -> None:
    provider = ScriptedProvider(faults=[lost()], lose_answers=1)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "first", "one"))
        assert (job.state, job.attempts) == (S.DONE, 2)
        assert len(provider.files) == 1


async def test_nor_does_a_lost_one_of_another_name(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await given_up(bench, provider, write(tmp_path, "first", "one"))
        (tmp_path / "other.txt").write_text("two".ljust(SIZE))
        provider.lose_answers = 1
        [job] = await bench.upload(tmp_path / "other.txt")
        assert job.state is S.DONE


LARGER = "one".ljust(SIZE) + "and more"


def larger(folder: Path) -> Path:
    (folder / "first").mkdir()
    path = folder / "first" / "scan.txt"
    path.write_text(LARGER)
    return path


async def test_what_is_left_of_a_cut_body_is_not_adopted_for_another_file(tmp_path: Path) -> None:
    """The list shows the beginning of the one, as long as the other, and not the other itself."""
    provider = ScriptedProvider(faults=[cut()])
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [first] = await bench.upload(larger(tmp_path))
        assert (first.state, first.attempts) == (S.DONE, 2)
        # Once it is forgotten, too.
        assert await bench.engine.queue.remove([first.id]) == 1
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        stored_late(provider, "part", "scan (1).txt")
        provider.faults = [lost()]
        [job] = await bench.upload(write(tmp_path, "second", "two"))
        assert job.state is S.NEEDS_REVIEW
        assert job.error is not None
        assert "part may be an earlier file of the same name, or a part of one" in job.error.detail
        await bench.engine.queue.settle(job.id, None)
        done = await bench.until_state(job.id, S.DONE)
        assert done.file_id is not None
        assert provider.bodies[done.file_id].startswith(b"two")


async def test_nor_is_what_is_left_of_a_body_that_was_broken_off_here(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        provider.go.clear()
        batch = await bench.engine.queue.add([str(larger(tmp_path))], AddOptions(account="kimi"))
        await provider.begun.wait()
        [first] = await bench.rows(batch)
        await bench.engine.queue.cancel([first.id])
        await bench.until_state(first.id, S.CANCELLED)
        provider.go.set()
        stored_late(provider, "part")
        provider.faults = [lost()]
        [job] = await bench.upload(write(tmp_path, "second", "two"))
        assert job.state is S.NEEDS_REVIEW


async def test_a_cut_body_leaves_nothing_of_its_own_size_or_more(tmp_path: Path) -> None:
    provider = ScriptedProvider(faults=[cut()])
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await bench.upload(write(tmp_path, "first", "one"))
        provider.lose_answers = 1
        [job] = await bench.upload(write(tmp_path, "second", "two"))
        assert job.state is S.DONE
        assert job.file_id is not None
        assert provider.bodies[job.file_id].startswith(b"two")
