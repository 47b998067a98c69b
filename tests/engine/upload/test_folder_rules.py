"""Files below a folder with a rule go only where the rule allows, whatever else is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.events import JobChanged
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.routing.folder_rules import FolderRule, rule_of
from tests.engine.accounts.test_breaker import Hurrying, write
from tests.engine.accounts.test_pace import hurry
from tests.engine.engine_kit import GLM, KIMI, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


def rules(*lines: str) -> tuple[FolderRule, ...]:
    return tuple(map(rule_of, lines))


async def test_a_file_goes_where_its_folder_may(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    wanted = settings(folder_rules=rules(f"{inner} = glm"), allow_fallback=True)
    async with open_bench(tmp_path, wanted=wanted) as bench:
        [below] = await bench.upload(*write(inner, "a.txt"))
        [beside] = await bench.upload(*write(tmp_path, "b.txt"))
        assert (below.state, below.account) == (S.DONE, "glm")
        assert beside.account == "kimi"


async def test_an_account_the_rule_forbids_gets_nothing(tmp_path: Path) -> None:
    wanted = settings(folder_rules=rules(f"{tmp_path} = kimi/cn"), allow_fallback=True)
    async with open_bench(tmp_path, wanted=wanted) as bench:
        for account in (None, "kimi", "glm"):
            [job] = await bench.upload(*write(tmp_path, f"{account}.txt"), account=account)
            assert job.state is S.REFUSED
            assert job.error is not None
            assert job.error.code == ErrorCode.PLACE_NOT_ALLOWED
        assert bench.providers["kimi"].uploads == bench.providers["glm"].uploads == []
        files = await bench.planned(tmp_path / "glm.txt")
        assert [f.error.code for f in files if f.error] == [ErrorCode.PLACE_NOT_ALLOWED]


async def test_a_link_does_not_lead_around_a_rule(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    [file] = write(inner, "secret.txt")
    (tmp_path / "link").symlink_to(inner)
    wanted = settings(folder_rules=rules(f"{inner} = glm"))
    async with open_bench(tmp_path, wanted=wanted) as bench:
        [job] = await bench.upload(tmp_path / "link" / file.name)
        assert (job.state, job.account) == (S.DONE, "glm")
        assert bench.providers["kimi"].uploads == []


async def test_a_rule_made_through_a_link_holds_both_ways(tmp_path: Path) -> None:
    work = tmp_path / "data" / "work"
    work.mkdir(parents=True)
    (tmp_path / "mywork").symlink_to(work)
    [file] = write(work, "c2.txt")
    async with open_bench(tmp_path) as bench:
        report = await bench.engine.settings.set_rule(str(tmp_path / "mywork"), ["glm/zai"])
        assert report.warnings == ()
        for path in (file, tmp_path / "mywork" / file.name):
            [job] = await bench.upload(path, account="kimi")
            assert job.error is not None and job.error.code == ErrorCode.PLACE_NOT_ALLOWED
        files = await bench.planned(file, account="kimi")
        assert [f.error.code for f in files if f.error] == [ErrorCode.PLACE_NOT_ALLOWED]
        assert bench.providers["kimi"].uploads == []


async def test_the_consents_of_a_link_and_of_its_target_count_together(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    [file] = write(inner, "a.txt")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "b.txt").symlink_to(file)
    near, far = f"{tmp_path}/links = * +fallback", f"{inner} = *"
    wanted = settings(folder_rules=rules(near, far), account_max_files=1)
    async with open_bench(tmp_path, wanted=wanted) as bench:
        await bench.upload(*write(tmp_path, "first.txt"))
        [job] = await bench.upload(tmp_path / "links" / "b.txt")
        assert job.state is S.HELD


async def test_a_rule_may_allow_the_fallback_for_its_folder_alone(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    wanted = settings(folder_rules=rules(f"{inner} = * +fallback"), account_max_files=1)
    async with open_bench(tmp_path, wanted=wanted) as bench:
        await bench.upload(*write(tmp_path, "first.txt"))
        [inside] = await bench.upload(*write(inner, "a.txt"))
        [outside] = await bench.upload(*write(tmp_path, "b.txt"))
        assert (inside.state, inside.account) == (S.DONE, "glm")
        assert outside.state is S.HELD


async def test_a_new_rule_holds_for_what_waits_already(tmp_path: Path) -> None:
    kimi = ScriptedProvider()
    kimi.go.clear()
    async with open_bench(tmp_path, providers={"kimi": kimi}) as bench:
        paths = [str(path) for path in write(tmp_path, *(f"{n}.txt" for n in range(4)))]
        batch = await bench.engine.queue.add(paths, AddOptions())
        await bench.scanned(batch)
        jobs = await bench.rows(batch)
        for job in jobs:
            await bench.until_state(job.id, S.WAITING, S.SENDING)
        await kimi.begun.wait()
        await bench.engine.settings.change("folder_rules", f"{tmp_path} = glm")
        kimi.go.set()
        ended = [await bench.until_state(job.id, S.DONE) for job in jobs]
        # Two were under way.
        assert sorted(job.account or "" for job in ended) == ["glm", "glm", "kimi", "kimi"]


async def test_a_rule_set_while_a_file_waits_for_its_turn_holds(tmp_path: Path) -> None:
    clock = Hurrying()
    slow = replace(KIMI, uploads_per_minute=1)
    async with open_bench(tmp_path, accounts=[slow, GLM], clock=clock) as bench:
        await bench.upload(*write(tmp_path, "first.txt"))
        [second] = write(tmp_path, "second.txt")
        batch = await bench.engine.queue.add([str(second)], AddOptions())
        await bench.until(
            lambda: any(
                isinstance(event, JobChanged) and "per minute" in (event.job.wait_reason or "")
                for event in bench.events
            )
        )
        await bench.engine.settings.set_rule(str(tmp_path), ["glm"])
        await hurry(bench, clock, batch, 10.0)
        [job] = await bench.rows(batch)
        assert (job.state, job.account) == (S.DONE, "glm")
        assert bench.providers["kimi"].uploads == ["first.txt"]
