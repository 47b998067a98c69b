"""Two profiles on one account: each content goes to the provider once."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.events import JobChanged
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.engine.upload.sent_before import ELSEWHERE
from exai_desktop.storage.fleet.content_locks import ContentLocks
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


async def _two(stack: AsyncExitStack, folder: Path, provider: ScriptedProvider) -> list[Bench]:
    benches = []
    for name in ("one", "two"):
        (folder / name).mkdir(exist_ok=True)
        locks = ContentLocks(folder / "shared", name)
        bench = open_bench(folder / name, providers={"kimi": provider}, claims=locks)
        benches.append(await stack.enter_async_context(bench))
    return benches


def _file(folder: Path, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_text("the same words in both\n")
    return path


async def test_the_second_waits_with_a_reason_and_takes_over_the_id(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    provider.go.clear()
    async with AsyncExitStack() as stack:
        one, two = await _two(stack, tmp_path, provider)
        first = await one.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await provider.begun.wait()
        second = await two.engine.queue.add([str(_file(tmp_path, "b.txt"))], AddOptions())
        await two.until(lambda: any("CONCURRENT_UPLOAD" in str(e) for e in two.events))
        provider.go.set()
        await one.finished(first)
        await two.finished(second)
        [there], [here] = await one.rows(first), await two.rows(second)
        assert (there.state, here.state) == (S.DONE, S.DUPLICATE)
        assert here.file_id == there.file_id
        assert provider.uploads == ["a.txt"]
        # It has a record of its own: the text can be asked for here too.
        assert await two.engine.files.text_of_job(here.id) == "the same words in both\n"


async def test_many_at_the_same_moment_are_stored_once_each(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    paths = []
    for number in range(12):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"text {number}\n")
        paths.append(path)
    async with AsyncExitStack() as stack:
        benches = await _two(stack, tmp_path, provider)
        rows = await asyncio.gather(*(bench.upload(*paths) for bench in benches))
    assert len(provider.uploads) == len(provider.files) == 12
    for ours, theirs in zip(*rows, strict=True):
        assert ours.file_id == theirs.file_id
        assert {ours.state, theirs.state} == {S.DONE, S.DUPLICATE}


async def _noted_by_a_dead_program(folder: Path, bench: Bench, at: float, sha256: str) -> None:
    account = bench.parts.accounts.get("kimi")
    key = ClaimKey(account.base_url, account.key_fingerprint, "file-extract", sha256)
    locks, deadline = ContentLocks(folder / "shared", "dead"), time.monotonic() + 60
    # The news of an upload's end comes a moment before its lock is given back.
    while (hold := locks.hold(key)) is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    hold.note(Claim(owner="dead", sent_name="its name.txt", size=23, at=at))
    hold.release()


async def test_what_a_dead_program_may_have_sent_is_looked_for_under_its_name(
    tmp_path: Path,
) -> None:
    for is_stored in (True, False):
        folder = tmp_path / str(is_stored)
        folder.mkdir()
        provider = ScriptedProvider()
        async with AsyncExitStack() as stack:
            _, bench = await _two(stack, folder, provider)
            [dead] = await bench.upload(_file(folder, "its name.txt"))
            await bench.engine.files.delete_of_job(dead.id)
            provider.uploads.clear()
            at = bench.parts.clock.now() - 1
            await _noted_by_a_dead_program(folder, bench, at, dead.sha256 or "")
            if is_stored:
                provider.files["orphan"] = RemoteFile(
                    "orphan", "its name.txt", dead.size, at + 1, "file-extract"
                )
            [job] = await bench.upload(_file(folder, "my name.txt"))
            assert job.state is S.DONE
            detail = await bench.engine.queue.job(job.id)
            assert detail.attempts[0].outcome == ELSEWHERE
            if is_stored:
                assert job.file_id == "orphan"
                assert provider.uploads == []
            else:
                # Under our own name again, and only once.
                assert provider.uploads == ["my name.txt"]


async def test_a_refused_content_leaves_no_note(tmp_path: Path) -> None:
    provider = ScriptedProvider(
        faults=[TransferError(ErrorCode.CONTENT_REFUSED, sent=Sent.ALL, status=400)]
    )
    async with AsyncExitStack() as stack:
        one, two = await _two(stack, tmp_path, provider)
        [refused] = await one.upload(_file(tmp_path))
        assert refused.state is S.REFUSED
        [job] = await two.upload(_file(tmp_path))
        assert job.state is S.DONE
        assert job.attempts == 1


async def test_a_twin_that_waits_does_not_take_back_what_an_uncertain_job_noted(
    tmp_path: Path,
) -> None:
    """Its file may be at the provider: another profile must still look for it."""
    provider = ScriptedProvider(lose_answers=1)
    names = ("a.txt", "b.txt", "c.txt")
    first, twin, others = (_file(tmp_path, name) for name in names)
    (tmp_path / "one").mkdir()
    locks, slow = ContentLocks(tmp_path / "shared", "one"), settings(settle_s=600)
    one = open_bench(tmp_path / "one", providers={"kimi": provider}, claims=locks, wanted=slow)
    async with one as bench:
        await bench.engine.queue.add([str(first)], AddOptions())
        await bench.until(lambda: _is_seen(bench, S.UNCERTAIN, "a.txt"))
        await bench.engine.queue.add([str(twin)], AddOptions())
        # Until it is behind the other one, and has given the content back.
        async with asyncio.timeout(60):
            while not bench.parts.scheduler._parking._behind or bench.parts.in_hand.runs:
                await asyncio.sleep(0.01)
        account = bench.parts.accounts.get("kimi")
        [job, _] = await bench.rows()
        key = ClaimKey(account.base_url, account.key_fingerprint, "file-extract", job.sha256 or "")
    noted = ContentLocks(tmp_path / "shared", "two").hold(key)
    assert noted is not None and noted.earlier is not None
    assert (noted.earlier.owner, noted.earlier.sent_name) == ("one", "a.txt")
    noted.release()
    async with AsyncExitStack() as stack:
        (tmp_path / "two").mkdir()
        locks = ContentLocks(tmp_path / "shared", "two")
        two = open_bench(tmp_path / "two", providers={"kimi": provider}, claims=locks)
        [found] = await (await stack.enter_async_context(two)).upload(others)
        assert (found.state, found.file_id in provider.files) == (S.DONE, True)
    assert provider.uploads == ["a.txt"]


def _is_seen(bench: Bench, state: JobState, name: str) -> bool:
    jobs = [event.job for event in bench.events if isinstance(event, JobChanged)]
    return any(job.state is state and job.name == name for job in jobs)
