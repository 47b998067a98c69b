"""An account that is full: held, or sent elsewhere where allowed; resumed when there is room."""

from dataclasses import replace
from pathlib import Path

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import JobState
from tests.engine.engine_kit import GLM, KIMI, open_bench, settings

S = JobState


def _files(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{n}.txt" for n in range(count)]
    for path in paths:
        path.write_text(f"the text of {path.name}\n")
    return paths


async def test_the_users_own_limit_holds_what_is_too_much(tmp_path: Path) -> None:
    async with open_bench(tmp_path, wanted=settings(account_max_files=3)) as bench:
        jobs = await bench.upload(*_files(tmp_path, 5))
        assert [job.state for job in jobs].count(S.DONE) == 3
        held = [job for job in jobs if job.state is S.HELD]
        assert [job.error.code for job in held if job.error] == [ErrorCode.QUOTA_EXCEEDED] * 2
        assert len(bench.providers["kimi"].files) == 3
        # One is deleted at the provider: there is room for one of the two.
        done = next(job for job in jobs if job.state is S.DONE)
        await bench.engine.files.delete_of_job(done.id)
        for job in held:
            await bench.until_state(job.id, S.DONE, S.HELD)

        def all_settled() -> bool:
            return len(bench.providers["kimi"].files) == 3

        await bench.until(all_settled)
        states = [(await bench.job(job.id)).state for job in held]
        assert S.DONE in states or S.CONFIRMING in states


async def test_with_consent_the_next_account_takes_what_is_too_much(tmp_path: Path) -> None:
    async with open_bench(tmp_path, wanted=settings(account_max_files=2)) as bench:
        jobs = await bench.upload(*_files(tmp_path, 4), allow_fallback=True)
        assert {job.state for job in jobs} == {S.DONE}
        assert len(bench.providers["kimi"].files) == 2
        assert len(bench.providers["glm"].files) == 2
        moved = [job.route_reason for job in jobs if job.account == "glm"]
        assert all(reason and "your own limit" in reason for reason in moved)


async def test_without_consent_nothing_crosses_for_want_of_room(tmp_path: Path) -> None:
    async with open_bench(
        tmp_path, accounts=(KIMI, replace(GLM, order=1)), wanted=settings(account_max_files=1)
    ) as bench:
        await bench.upload(*_files(tmp_path, 3))
        assert bench.providers["glm"].files == {}
        assert len(bench.providers["kimi"].files) == 1
