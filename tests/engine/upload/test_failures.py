"""What follows an attempt that did not end well: by outcome class, and never a second copy."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.events import JobChanged, ProblemRaised
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import KIMI, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


def write(folder: Path, name: str, content: str = "") -> Path:
    path = folder / name
    path.write_text(content or name)
    return path


def answer(code: ErrorCode, status: int, retry_after: float | None = None) -> TransferError:
    return TransferError(code, status=status, sent=Sent.ALL, retry_after=retry_after)


@pytest.mark.parametrize(
    "code",
    [ErrorCode.PROVIDER_REJECTED, ErrorCode.NO_TEXT, ErrorCode.CONTENT_REFUSED],
)
async def test_a_definite_refusal_is_not_repeated(tmp_path: Path, code: ErrorCode) -> None:
    provider = ScriptedProvider(faults=[answer(code, 400)])
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
    assert job.state is S.REFUSED
    assert job.error is not None
    assert job.error.code == code
    assert len(provider.uploads) == 1


async def test_a_rejected_key_holds_every_file_of_the_account_and_is_said_once(
    tmp_path: Path,
) -> None:
    provider = ScriptedProvider(faults=[answer(ErrorCode.AUTH_FAILED, 401)] * 2)
    paths = [write(tmp_path, f"{n}.txt") for n in range(20)]
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        jobs = await bench.upload(*paths)
        assert {j.state for j in jobs} == {S.HELD}
        assert {j.error.code for j in jobs if j.error} == {ErrorCode.AUTH_FAILED}
        assert len(provider.uploads) <= 2
        problems = [e for e in bench.events if isinstance(e, ProblemRaised)]
        assert [p.account for p in problems] == ["kimi"]
        # The key is mended: a good test sends everything on.
        report = await bench.engine.accounts.test("kimi")
        assert report.ok
        for job in jobs:
            await bench.until_state(job.id, S.DONE)
        assert len(provider.files) == 20


async def test_throttling_waits_as_asked_and_then_goes_through(tmp_path: Path) -> None:
    provider = ScriptedProvider(faults=[answer(ErrorCode.RATE_LIMITED, 429, retry_after=0.2)])
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
        detail = await bench.engine.queue.job(job.id)
    assert job.state is S.DONE
    first, second = detail.attempts
    assert second.started_at - first.started_at >= 0.2
    assert (first.error_code, first.http_status) == (ErrorCode.RATE_LIMITED, 429)


async def test_no_network_keeps_the_file_waiting_with_its_reason(tmp_path: Path) -> None:
    provider = ScriptedProvider(faults=[TransferError(ErrorCode.OFFLINE)] * 50)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        batch_id = await bench.engine.queue.add([str(write(tmp_path, "a.txt"))], AddOptions())
        await bench.scanned(batch_id)
        [row] = await bench.rows(batch_id)
        async with asyncio.timeout(60):
            while (job := await bench.job(row.id)).error is None:
                await asyncio.sleep(0.01)
        assert job.state is S.WAITING
        assert job.error.code == ErrorCode.OFFLINE
        assert job.not_before is not None
        assert job.not_before > job.updated_at


async def test_a_lost_answer_is_settled_by_the_list_not_by_sending_again(tmp_path: Path) -> None:
    provider = ScriptedProvider(lose_answers=1)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
        history = (await bench.engine.queue.job(job.id)).history
    assert job.state is S.DONE
    assert provider.uploads == ["a.txt"]
    assert job.file_id in provider.files
    assert S.UNCERTAIN in [h.new for h in history]


async def test_what_is_not_in_the_list_after_two_looks_is_sent_again(tmp_path: Path) -> None:
    lost = TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)
    provider = ScriptedProvider(faults=[lost])
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
    assert job.state is S.DONE
    assert provider.uploads == ["a.txt", "a.txt"]
    assert len(provider.files) == 1


async def test_a_provider_that_loses_every_answer_is_given_up_after_the_attempts_allowed(
    tmp_path: Path,
) -> None:
    broken = TransferError(ErrorCode.PROVIDER_UNAVAILABLE, status=502, sent=Sent.ALL)
    provider = ScriptedProvider(faults=[broken] * 9)
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(max_attempts=2, settle_s=0.02)
    ) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
        assert job.state is S.FAILED
        assert len(provider.uploads) == 2
        # The user's retry begins a new series.
        await bench.engine.queue.retry([job.id])
        await bench.until(lambda: len(provider.uploads) == 4)


async def test_two_look_alikes_are_never_in_flight_together(tmp_path: Path) -> None:
    """Same name, same size, other content: with both answers lost nobody could tell them apart."""
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    one, two = write(tmp_path / "x", "scan.txt", "AAAA"), write(tmp_path / "y", "scan.txt", "BBBB")
    provider = ScriptedProvider(lose_answers=2, block_s=0.01)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        jobs = await bench.upload(one, two)
    assert {j.state for j in jobs} == {S.DONE}
    assert provider.most_at_once == 1
    assert [provider.bodies[j.file_id or ""] for j in jobs] == [b"AAAA", b"BBBB"]


async def test_a_list_that_cannot_be_had_asks_the_user(tmp_path: Path) -> None:
    provider = ScriptedProvider(list_fault=TransferError(ErrorCode.NOT_SUPPORTED, status=404))
    provider.lose_answers = 1
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
        assert job.state is S.NEEDS_REVIEW
        assert job.error is not None
        assert job.error.code == ErrorCode.REVIEW_NEEDED
        [remote_id] = provider.files
        await bench.engine.queue.settle(job.id, remote_id)
        settled = await bench.job(job.id)
    assert (settled.state, settled.file_id) == (S.DONE, remote_id)
    assert len(provider.uploads) == 1


async def test_a_setting_that_stops_all_questions_is_no_answer(tmp_path: Path) -> None:
    """Nobody was asked: the job waits for another setting, not for a decision."""
    stopped = TransferError(ErrorCode.UNUSABLE_SETTING)
    provider = ScriptedProvider(list_fault=stopped, lose_answers=1)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        batch = await bench.engine.queue.add([str(write(tmp_path, "a.txt"))], AddOptions())
        await bench.until(
            lambda: any(
                isinstance(event, JobChanged)
                and event.job.error is not None
                and event.job.error.code == ErrorCode.UNUSABLE_SETTING
                for event in bench.events
            )
        )
        [job] = await bench.rows(batch)
        assert job.state is S.UNCERTAIN
        provider.list_fault = None
        await bench.finished(batch)
        assert (await bench.job(job.id)).state is S.DONE
    assert len(provider.uploads) == 1


async def test_an_old_file_of_the_same_name_is_not_taken_for_ours(tmp_path: Path) -> None:
    provider = ScriptedProvider(
        faults=[TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)],
        files={"old": RemoteFile("old", "a.txt", 5, 1_000_000.0, "file-extract")},
    )
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
    assert job.state is S.DONE
    assert job.file_id != "old"


class OfAnHourAgo(ScriptedProvider):
    """By its clock: ours is an hour ahead when it sends, and set before the list is asked for."""

    @property
    def clock_offset_s(self) -> float | None:
        return 0.0 if self.listed else None

    def _store(self, upload: Upload, body: bytes) -> RemoteFile:
        remote = super()._store(upload, body)
        self.files[remote.id] = replace(remote, created_at=remote.created_at - 3_600)
        return self.files[remote.id]


async def test_the_first_upload_by_a_clock_that_was_set_is_not_sent_twice(tmp_path: Path) -> None:
    provider = OfAnHourAgo(lose_answers=2)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
        assert (job.state, len(provider.uploads)) == (S.NEEDS_REVIEW, 1)
        [file_id] = provider.files
        await bench.engine.queue.settle(job.id, file_id)
        assert (await bench.until_state(job.id, S.DONE)).file_id == file_id


async def test_a_file_that_changes_while_it_is_sent_is_sent_as_it_is_then(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "first" * 50_000)
    provider = ScriptedProvider()
    provider.go.clear()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        batch_id = await bench.engine.queue.add([str(path)], AddOptions())
        await provider.begun.wait()
        path.write_text("later" * 50_000)
        provider.go.set()
        assert (await bench.finished(batch_id)).done == 1
    assert [body[:5] for body in provider.bodies.values()] == [b"later"]


async def test_an_account_without_its_key_says_so(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.parts.accounts._credentials.delete(KIMI)
        [job] = await bench.upload(write(tmp_path, "a.txt"))
    assert job.state is S.HELD
    assert job.error is not None
    assert job.error.code == ErrorCode.KEY_MISSING


async def test_after_many_attempts_it_is_given_up_with_the_last_reason(tmp_path: Path) -> None:
    unavailable = TransferError(ErrorCode.PROVIDER_UNAVAILABLE, status=503, retry_after=0.01)
    provider = ScriptedProvider(faults=[unavailable] * 9)
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(max_attempts=3)
    ) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
    assert job.state is S.FAILED
    assert job.error is not None
    assert "PROVIDER_UNAVAILABLE" in job.error.detail
    assert len(provider.uploads) == 3
