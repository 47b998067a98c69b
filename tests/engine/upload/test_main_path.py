"""One file from a path to a record, and what is refused on the way."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import RemoteStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import Progressed
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests import documents
from tests.engine.engine_kit import KIMI, open_bench
from tests.engine.scripted_provider import ScriptedProvider


def write(folder: Path, name: str, content: bytes = b"hello") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


async def test_a_file_ends_done_with_its_id_its_hash_and_its_history(tmp_path: Path) -> None:
    content = documents.text(300_000)
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(write(tmp_path, "report.txt", content))
        detail = await bench.engine.queue.job(job.id)
    assert job.state is JobState.DONE
    assert bench.providers["kimi"].bodies[job.file_id or ""] == content
    assert job.sha256 == hashlib.sha256(content).hexdigest()
    assert (job.account, job.purpose, job.transport) == ("kimi", "file-extract", "http")
    assert job.route_reason == "preferred account"
    assert [h.new for h in detail.history] == [
        JobState.QUEUED,
        JobState.CHECKING,
        JobState.HASHING,
        JobState.WAITING,
        JobState.SENDING,
        JobState.CONFIRMING,
        JobState.DONE,
    ]
    assert [a.outcome for a in detail.attempts] == ["stored"]
    assert detail.copy is not None
    assert detail.copy.remote_id == job.file_id


async def test_progress_is_announced_up_to_the_whole(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(write(tmp_path, "big.txt", b"a line of text\n" * 150_000))
        sent = [
            e.done
            for e in bench.events
            if isinstance(e, Progressed) and e.job_id == job.id and e.phase == "sending"
        ]
    assert sent == sorted(sent)
    assert sent[-1] == 15 * 150_000


async def test_the_purpose_follows_the_kind_of_file(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        jobs = await bench.upload(
            write(tmp_path, "a.png", documents.png()),
            write(tmp_path, "b.jsonl", documents.jsonl()),
            write(tmp_path, "c.pdf", documents.pdf()),
        )
    assert [j.purpose for j in jobs] == ["image", "batch", "file-extract"]


async def test_the_same_content_under_three_names_is_stored_once(tmp_path: Path) -> None:
    paths = [write(tmp_path, name, b"same") for name in ("a.txt", "b.txt", "c.md")]
    async with open_bench(tmp_path) as bench:
        first = await bench.upload(*paths)
        second = await bench.upload(*paths)
        assert len(bench.providers["kimi"].files) == 1
    done = [j for j in first if j.state is JobState.DONE]
    rest = [j for j in first + second if j.state is JobState.DUPLICATE]
    assert len(done) == 1
    assert len(rest) == 5
    assert {j.file_id for j in rest} == {done[0].file_id}
    assert {j.twin_of for j in rest} == {done[0].id}


async def test_the_same_content_for_another_account_is_sent(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt")
    async with open_bench(tmp_path) as bench:
        await bench.upload(path)
        [job] = await bench.upload(path, account="glm")
    assert (job.state, job.account, job.purpose) == (JobState.DONE, "glm", "agent")


async def test_an_edited_file_is_sent_anew(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", b"first")
    async with open_bench(tmp_path) as bench:
        await bench.upload(path)
        write(tmp_path, "a.txt", b"other")
        [job] = await bench.upload(path)
        assert job.state is JobState.DONE
        assert len(bench.providers["kimi"].files) == 2


async def test_what_the_account_does_not_take_needs_consent_for_another_company(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "drawing.png", documents.png())
    async with open_bench(tmp_path, accounts=(KIMI,)) as bench:
        [job] = await bench.upload(write(tmp_path, "notes.xyz"))
    assert job.error is not None
    assert job.error.code == ErrorCode.INVALID_FILE_TYPE
    async with open_bench(tmp_path) as bench:
        [refused] = await bench.upload(path, purpose="file-extract", account="kimi")
        assert refused.error is not None
        assert refused.state is JobState.REFUSED
    notes = write(tmp_path, "notes.md", b"Z.ai does not take this ending, Kimi does")
    async with open_bench(tmp_path) as bench:
        [kept] = await bench.upload(notes, account="glm")
        assert kept.error is not None
        assert kept.error.code == ErrorCode.CONSENT_NEEDED
        assert not bench.providers["kimi"].uploads
        await bench.engine.queue.retry([kept.id], allow_fallback=True)
        allowed = await bench.until_state(kept.id, JobState.DONE)
        assert allowed.account == "kimi"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"account": "nobody"}, ErrorCode.UNKNOWN_ACCOUNT),
        ({"purpose": "training"}, ErrorCode.INVALID_PURPOSE),
    ],
)
async def test_a_wish_that_no_file_can_meet_is_refused_at_once(
    tmp_path: Path, options: dict[str, str], code: ErrorCode
) -> None:
    async with open_bench(tmp_path) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.queue.add([str(tmp_path)], AddOptions(**options))  # type: ignore[arg-type]
        assert caught.value.code is code
        assert not await bench.rows()


async def test_without_an_account_nothing_is_queued(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=()) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.queue.add([str(tmp_path)], AddOptions())
    assert caught.value.code is ErrorCode.NO_ACCOUNT


async def test_bad_input_has_a_row_and_a_code_each(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "gone")
    write(tmp_path, "empty.txt", b"")
    async with open_bench(tmp_path) as bench:
        names = ["absent.txt", "empty.txt", "link.txt", "pipe.txt"]
        jobs = await bench.upload(*(tmp_path / name for name in names))
    codes = [j.error.code for j in jobs if j.error is not None]
    assert codes == ["FILE_NOT_FOUND", "EMPTY_FILE", "DANGLING_LINK", "NOT_A_FILE"]
    assert {j.state for j in jobs} == {JobState.REFUSED}


async def test_a_file_the_provider_cannot_read_is_failed_and_not_reused(tmp_path: Path) -> None:
    provider = ScriptedProvider(status=RemoteStatus.ERROR)
    path = write(tmp_path, "a.txt")
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(path)
        assert job.state is JobState.FAILED
        assert job.error is not None
        assert job.error.code == ErrorCode.PARSE_FAILED
        provider.status = RemoteStatus.READY
        [again] = await bench.upload(path)
        assert again.state is JobState.DONE


async def test_another_size_at_the_provider_is_never_done(tmp_path: Path) -> None:
    provider = ScriptedProvider(reported_size=lambda size: size - 1)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == ErrorCode.SIZE_MISMATCH
