"""The record held against the provider's list."""

import time
from dataclasses import replace
from pathlib import Path

from exai_desktop.core.copies.models import CopyState, RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.jobs.jobs import JobState
from tests.engine.engine_kit import Bench, open_bench


def _files(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{n}.txt" for n in range(count)]
    for path in paths:
        path.write_text(f"the text of {path.name}\n")
    return paths


async def _states(bench: Bench) -> list[CopyState]:
    return [copy.state for copy in await bench.parts.record.copies.of_account("kimi")]


async def test_ours_missing_damaged_and_foreign_are_told_apart(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        jobs = await bench.upload(*_files(tmp_path, 4))
        ids = [job.file_id or "" for job in jobs]
        files = bench.providers["kimi"].files
        del files[ids[1]]
        files[ids[2]] = replace(files[ids[2]], bytes=3)
        stranger = RemoteFile("theirs", "x.pdf", 500, time.time(), "file-extract")
        files["theirs"] = stranger
        first, *others = await bench.engine.accounts.reconcile("kimi")
        assert (first.purpose, first.present) == ("file-extract", 2)
        assert first.missing == (ids[1],)
        assert first.damaged == (ids[2],)
        assert first.foreign == (stranger,)
        assert all(not (row.present or row.foreign or row.missing) for row in others)
        # Once more: what is missing is known to be, and the stranger is no news.
        again = (await bench.engine.accounts.reconcile("kimi"))[0]
        assert (again.present, again.missing, again.foreign) == (2, (), (stranger,))
        assert CopyState.FOREIGN in await _states(bench)
        # What is missing is sent anew; nothing else is.
        [job] = await bench.upload(tmp_path / "1.txt")
        assert job.state is JobState.DONE


async def test_a_deletion_without_an_answer_is_settled(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(*_files(tmp_path, 1))
        [copy] = await bench.parts.record.copies.of_account("kimi")
        now = bench.parts.clock.now()
        await bench.parts.record.copies.move(copy.id, CopyState.PRESENT, CopyState.DELETING, now)
        await bench.engine.accounts.reconcile("kimi")
        assert await _states(bench) == [CopyState.DELETING]
        del bench.providers["kimi"].files[job.file_id or ""]
        await bench.engine.accounts.reconcile("kimi")
        assert await _states(bench) == [CopyState.DELETED]


async def test_a_list_that_cannot_be_had_changes_nothing(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.upload(*_files(tmp_path, 1))
        bench.providers["kimi"].files.clear()
        bench.providers["kimi"].list_fault = TransferError(ErrorCode.OFFLINE)
        rows = await bench.engine.accounts.reconcile("kimi")
        assert {row.error.code for row in rows if row.error} == {ErrorCode.OFFLINE}
        assert await _states(bench) == [CopyState.PRESENT]
