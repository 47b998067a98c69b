"""Machines that meet on a content, in a Redis or in a Supabase project: it is sent once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.config.metrics import PrometheusMetrics
from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.events import NO_METRICS, JobChanged, Metrics
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView
from tests.contracts.claims.conftest import (
    in_project,
    in_redis,
    redis_url,
    served,
    server,
    shared,
)
from tests.contracts.claims.places import (
    LONG_S,
    SHARED,
    SHORT_S,
    InProject,
    LeasePlace,
    Sharing,
    held,
)
from tests.engine.accounts.test_breaker import Hurrying, write
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider

__all__ = ["in_project", "in_redis", "redis_url", "served", "server", "shared"]

S = JobState


@pytest.fixture
def sharing(shared: LeasePlace, tmp_path: Path) -> Sharing:
    return Sharing(shared, tmp_path)


@asynccontextmanager
async def machine(
    folder: Path,
    sharing: Sharing,
    name: str,
    provider: ScriptedProvider,
    clock: Hurrying,
    lease_s: float = LONG_S,
    metrics: Metrics = NO_METRICS,
) -> AsyncIterator[Bench]:
    """One of several, with a profile of its own and its own name for the account."""
    (folder / name).mkdir(exist_ok=True)
    async with open_bench(
        folder / name,
        accounts=[replace(SHARED, name=name)],
        providers={name: provider},
        clock=clock,
        claims=sharing.claims(name, lease_s),
        metrics=metrics,
    ) as bench:
        yield bench


def key_of(path: Path) -> ClaimKey:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ClaimKey(SHARED.base_url, SHARED.key_fingerprint, "file-extract", sha256)


async def history(bench: Bench, job: JobView) -> list[str]:
    detail = await bench.engine.queue.job(job.id)
    return [f"{entry.new.value}: {entry.note}" for entry in detail.history]


async def test_the_same_file_on_two_machines_is_stored_once(
    tmp_path: Path, sharing: Sharing
) -> None:
    provider, clock = ScriptedProvider(), Hurrying()
    paths = write(tmp_path, *(f"{number} shared.txt" for number in range(6)))
    async with (
        machine(tmp_path, sharing, "left", provider, clock) as left,
        machine(tmp_path, sharing, "right", provider, clock) as right,
    ):
        rows = await asyncio.gather(left.upload(*paths), right.upload(*paths))
    assert len(provider.files) == len(provider.uploads) == 6
    for ours, theirs in zip(*rows, strict=True):
        assert {ours.state, theirs.state} == {S.DONE, S.DUPLICATE}
        assert ours.file_id == theirs.file_id
    assert set(sharing.told) == {None}


async def test_who_has_lost_its_claim_keeps_the_last_block_back(
    tmp_path: Path, sharing: Sharing, shared: LeasePlace
) -> None:
    provider, clock = ScriptedProvider(), Hurrying()
    async with machine(tmp_path, sharing, "left", provider, clock, SHORT_S) as bench:
        provider.go.clear()
        [path] = write(tmp_path, "long.txt")
        batch = await bench.engine.queue.add([str(path)], AddOptions())
        await provider.begun.wait()
        other = shared.claims("another machine")
        shared.lose()
        taken = await asyncio.to_thread(held, other, key_of(path))
        await asyncio.sleep(1.1 * SHORT_S)  # the renewal has failed
        provider.go.set()
        [job] = await bench.rows(batch)
        await bench.until(
            lambda: any(
                isinstance(e, JobChanged)
                and e.job.error is not None
                and e.job.error.code == ErrorCode.CONCURRENT_UPLOAD
                for e in bench.events
            )
        )
        assert provider.files == {}
        taken.release()
        clock.ahead_s += 60
        await bench.until_state(job.id, S.DONE)
    assert len(provider.files) == 1


@pytest.mark.parametrize("is_stored", [True, False])
async def test_what_a_machine_that_died_may_have_sent_is_looked_for_first(
    tmp_path: Path, sharing: Sharing, shared: LeasePlace, is_stored: bool
) -> None:
    provider, clock = ScriptedProvider(), Hurrying()
    [path] = write(tmp_path, "mine.txt")
    key = key_of(path)
    dead = held(shared.claims("dead", SHORT_S), key)
    size, at = path.stat().st_size, clock.now() - 1
    dead.note(Claim(owner="dead", sent_name="its name.txt", size=size, at=at))
    shared.sleep(dead)  # it renews no more, and gives nothing back
    if is_stored:
        provider.files["orphan"] = RemoteFile("orphan", "its name.txt", size, at + 1, key.purpose)
    async with machine(tmp_path, sharing, "alive", provider, clock) as alive:
        [job] = await alive.upload(path)
    assert job.state is S.DONE
    assert (job.file_id == "orphan") is is_stored
    assert provider.uploads == ([] if is_stored else ["mine.txt"])


async def test_without_an_answer_files_are_sent_and_say_so(
    tmp_path: Path, sharing: Sharing, shared: LeasePlace
) -> None:
    provider, clock, metrics = ScriptedProvider(), Hurrying(), PrometheusMetrics()
    async with machine(tmp_path, sharing, "left", provider, clock, metrics=metrics) as bench:
        shared.cut()
        jobs = await bench.upload(*write(tmp_path, "a.txt", "b.txt", "c.txt"))
        assert {job.state for job in jobs} == {S.DONE}
        for job in jobs:
            told = [line for line in await history(bench, job) if "were not asked" in line]
            assert len(told) == 1
            assert told[0].startswith("sending: other computers were not asked: ")
    assert metrics.registry.get_sample_value("exai_unclaimed_uploads_total") == 3


async def test_an_upload_goes_on_when_the_project_stops_answering_and_says_so(
    tmp_path: Path, in_project: InProject
) -> None:
    provider, clock, sharing = ScriptedProvider(), Hurrying(), Sharing(in_project, tmp_path)
    async with machine(tmp_path, sharing, "left", provider, clock, SHORT_S) as bench:
        provider.go.clear()
        batch = await bench.engine.queue.add(
            [str(path) for path in write(tmp_path, "long.txt")], AddOptions()
        )
        await provider.begun.wait()
        in_project.cut()
        until = time.monotonic() + 1.1 * SHORT_S
        while time.monotonic() < until:
            await asyncio.sleep(0.1)
        provider.go.set()
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert (job.state, job.attempts, len(provider.files)) == (S.DONE, 1, 1)
        lines = [line for line in await history(bench, job) if "were not asked" in line]
        assert [line.partition(":")[0] for line in lines] == ["confirming"]
