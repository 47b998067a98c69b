"""The database fails for a moment: no file is to blame for that."""

import asyncio
from pathlib import Path

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.files.files import SMALL, FileId, Fingerprints
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests import documents
from tests.engine.engine_kit import open_bench


class _Fails:
    """Once, when it is asked."""

    def __init__(self) -> None:
        self._has_failed = False

    def once(self) -> None:
        if not self._has_failed:
            self._has_failed = True
            raise EngineError(ErrorCode.DATABASE_ERROR, "a moment's trouble")


class _Prints(_Fails):
    def __init__(self, real: Fingerprints) -> None:
        super().__init__()
        self._real = real

    async def get(self, path: str, file_id: FileId) -> str | None:
        self.once()
        return await self._real.get(path, file_id)

    async def put(self, path: str, file_id: FileId, sha256: str, at: float) -> None:
        await self._real.put(path, file_id, sha256, at)


async def test_a_file_goes_on_when_the_database_works_again(tmp_path: Path) -> None:
    # Neither a text nor small: those are read again, whatever is remembered of them.
    path = tmp_path / "a.png"
    path.write_bytes(documents.png(1_100))
    assert path.stat().st_size > SMALL
    async with open_bench(tmp_path, prints=_Prints) as bench:
        batch = await bench.engine.queue.add([str(path)], AddOptions())
        async with asyncio.timeout(60):
            while bench.parts.guard.problem is None:
                await bench.parts.clock.sleep(0.01)
        assert bench.parts.guard.problem.code is ErrorCode.DATABASE_ERROR
        await bench.parts.guard.look()
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert (job.state, job.error) == (JobState.DONE, None)
