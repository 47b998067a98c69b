"""A refusal that is a question can be answered, for the content it was about and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.jobs.ranges import RangeOrder
from tests import documents
from tests.engine.engine_kit import answered, code, open_bench, settings

MISMATCH = "CONTENT_MISMATCH"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(200)


def png_named_text(folder: Path) -> Path:
    path = folder / "notes.txt"
    path.write_bytes(documents.png())
    return path


async def test_a_question_is_answered_and_the_answer_noted(tmp_path: Path) -> None:
    path = png_named_text(tmp_path)
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        assert (job.state, code(job)) == (JobState.REFUSED, MISMATCH)
        assert job.judged
        assert code(await answered(bench, job)) == MISMATCH
        assert code(await answered(bench, job, "MACROS_FOUND")) == MISMATCH
        done = await answered(bench, job, MISMATCH)
        assert done.state is JobState.DONE
        assert done.accepted == (MISMATCH, "MACROS_FOUND")
        rows = await bench.engine.audit.rows(0, 100)
        history = (await bench.engine.queue.job(job.id)).history
    noted = {r.action: json.loads(r.detail).get("accepted") for r in rows}
    assert noted["job.sending"] == f"{MISMATCH}, MACROS_FOUND"
    assert "retried; accepted: mismatch" in [entry.note for entry in history]


async def test_a_yes_to_a_group_is_for_its_reason_alone(tmp_path: Path) -> None:
    """Between the look at the range and the order the file was judged anew."""
    path = png_named_text(tmp_path)
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        order = bench.engine.queue._commands.order
        other = JobState.REFUSED, "MACROS_FOUND"
        assert await order(RangeOrder.SEND_ANYWAY, [job.id], other) == 0
        assert (await bench.job(job.id)).accepted == ()
        assert await order(RangeOrder.SEND_ANYWAY, [job.id], (JobState.REFUSED, MISMATCH)) == 1
        assert (await bench.until_state(job.id, JobState.DONE)).accepted == (MISMATCH,)


async def test_the_answer_survives_a_restart(tmp_path: Path) -> None:
    path = png_named_text(tmp_path)
    async with open_bench(tmp_path) as bench:
        await bench.engine.queue.pause()
        options = AddOptions(accepted=(MISMATCH,))
        batch = await bench.engine.queue.add([str(path)], options)
        await bench.scanned(batch)
        [job] = await bench.rows(batch)
        assert job.accepted == (MISMATCH,)
    async with open_bench(tmp_path) as bench:
        assert (await bench.until_state(job.id, JobState.DONE)).accepted == (MISMATCH,)


async def test_given_ahead_it_holds_for_what_is_found_and_no_more(tmp_path: Path) -> None:
    path = png_named_text(tmp_path)
    program = tmp_path / "program.txt"
    program.write_bytes(PROGRAM)
    async with open_bench(tmp_path) as bench:
        jobs = await bench.upload(path, program, accepted=(MISMATCH, "MALICIOUS_FILE"))
    assert [code(job) for job in jobs] == [None, "MALICIOUS_FILE"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(documents.pdf(), MISMATCH), (PROGRAM, "MALICIOUS_FILE"), (b"only text", None)],
    ids=["again a question", "a program", "harmless"],
)
async def test_the_answer_is_for_the_content_that_was_judged(
    tmp_path: Path, content: bytes, expected: str | None
) -> None:
    path = png_named_text(tmp_path)
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        path.write_bytes(content)
        found = await answered(bench, job, MISMATCH)
        assert code(found) == expected
        if expected == MISMATCH:
            assert found.error is not None
            assert "changed since" in found.error.detail
            assert found.accepted == ()
            # The new content is asked about anew, and can be accepted.
            assert (await answered(bench, found, MISMATCH)).state is JobState.DONE


async def test_settings_that_refuse_are_not_lifted(tmp_path: Path) -> None:
    path = png_named_text(tmp_path)
    strict = settings(content_mismatch="refuse")
    async with open_bench(tmp_path, wanted=strict) as bench:
        [job] = await bench.upload(path, accepted=(MISMATCH,))
        assert (code(job), job.judged) == (MISMATCH, None)
        assert job.error is not None
        assert "settings always refuse" in job.error.detail
        assert code(await answered(bench, job, MISMATCH)) == MISMATCH


async def test_settings_that_allow_do_not_ask(tmp_path: Path) -> None:
    path = png_named_text(tmp_path)
    async with open_bench(tmp_path, wanted=settings(content_mismatch="allow")) as bench:
        [job] = await bench.upload(path)
    assert job.state is JobState.DONE
