"""What is on disk before a byte leaves, and how long an absence is doubted."""

import sqlite3
from contextlib import closing
from pathlib import Path

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider


def _file(folder: Path) -> Path:
    path = folder / "a.txt"
    path.write_text("some words\n")
    return path


async def test_the_intent_is_on_disk_while_the_first_byte_leaves(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        provider = bench.providers["kimi"]
        provider.go.clear()
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await provider.begun.wait()
        with closing(sqlite3.connect(tmp_path / "engine.db")) as database:
            rows = database.execute(
                "SELECT state, attempts, number, attempts.transport, attempts.sent_name,"
                " attempts.size, started_at > 0, ended_at"
                " FROM jobs JOIN attempts ON job_id = id"
            ).fetchall()
        assert rows == [("sending", 1, 1, "http", "a.txt", 11, 1, None)]
        provider.go.set()
        await bench.finished(batch)


async def test_a_file_that_shows_up_after_the_first_look_is_found_by_the_second(
    tmp_path: Path,
) -> None:
    provider = ScriptedProvider(faults=[TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)])
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(settle_s=0.3)
    ) as bench:
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        while provider.listed < 1:
            await bench.parts.clock.sleep(0.01)
        at = bench.parts.clock.now()
        provider.files["late"] = RemoteFile("late", "a.txt", 11, at, "file-extract")
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert (job.state, job.file_id) == (JobState.DONE, "late")
        assert provider.uploads == ["a.txt"]
