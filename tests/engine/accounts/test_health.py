"""How the providers answer: seen with every upload, asked for when unused, said once, kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exai_desktop.config.metrics import PrometheusMetrics
from exai_desktop.core.accounts.health import Check, Phase
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.events import ProblemRaised, ProblemSolved
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.accounts.test_breaker import Hurrying, down, dropped, faults, until_phase, write
from tests.engine.engine_kit import GLM, KIMI, Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


def problems(bench: Bench, code: ErrorCode) -> tuple[int, int]:
    """How often it was raised, and how often it was over."""
    raised = [e for e in bench.events if isinstance(e, ProblemRaised) and e.error.code == code]
    over = [e for e in bench.events if isinstance(e, ProblemSolved) and e.error.code == code]
    return len(raised), len(over)


async def test_each_answer_is_in_the_history_also_after_a_restart(tmp_path: Path) -> None:
    kimi = ScriptedProvider(faults=[down()])
    async with open_bench(tmp_path, providers={"kimi": kimi}) as bench:
        [job] = await bench.upload(*write(tmp_path, "one.txt"))
        assert job.state is S.DONE
        await bench.engine.accounts.test("kimi")
        [status, _] = await bench.engine.accounts.all()
        assert (status.health.answers, status.health.faults) == (3, 1)
        assert status.health.last_code == "PROVIDER_UNAVAILABLE"
    async with open_bench(tmp_path, providers={"kimi": kimi}) as bench:
        history = await bench.engine.accounts.health("kimi", 10)
        assert [(s.check, s.outcome) for s in history] == [
            (Check.QUESTION, "ok"),
            (Check.UPLOAD, "ok"),
            (Check.UPLOAD, "unavailable"),
        ]
        [status, _] = await bench.engine.accounts.all()
        assert status.health.answers == 3
        assert await bench.engine.accounts.health("glm", 10) == []


async def test_a_refusal_or_a_cancel_does_not_speak_against_the_provider(tmp_path: Path) -> None:
    refusal = TransferError(ErrorCode.PROVIDER_REJECTED, status=400, sent=Sent.ALL)
    kimi = ScriptedProvider(faults=[refusal], block_s=0.2)
    async with open_bench(tmp_path, accounts=[KIMI], providers={"kimi": kimi}) as bench:
        await bench.upload(*write(tmp_path, "refused.txt"))
        kimi.go.clear()
        batch = await bench.engine.queue.add(
            [str(p) for p in write(tmp_path, "two.txt")], AddOptions()
        )
        await kimi.begun.wait()
        [job] = await bench.rows(batch)
        await bench.engine.queue.cancel([job.id])
        [status] = await bench.engine.accounts.all()
        assert (status.health.answers, status.health.faults) == (1, 0)


async def test_an_account_nobody_uses_is_asked_and_its_rejected_key_is_said(
    tmp_path: Path,
) -> None:
    kimi, clock = ScriptedProvider(), Hurrying()
    wanted = settings(health_check_s=900)
    async with open_bench(
        tmp_path, accounts=[KIMI], providers={"kimi": kimi}, clock=clock, wanted=wanted
    ) as bench:
        await asyncio.sleep(0.1)
        assert kimi.listed == 0
        for number in (1, 2):
            await clock.until_asleep(clock.now() + 900, within_s=100)
            clock.ahead_s += 901
            async with asyncio.timeout(60):
                while kimi.listed < number:
                    await asyncio.sleep(0.02)
        kimi.list_fault = TransferError(ErrorCode.AUTH_FAILED, status=401, sent=Sent.NOTHING)
        await clock.until_asleep(clock.now() + 900, within_s=100)
        clock.ahead_s += 901
        await bench.until(lambda: problems(bench, ErrorCode.AUTH_FAILED) == (1, 0))
        # It is not asked again and again with a key that is known to be wrong.
        clock.ahead_s += 9_010
        await asyncio.sleep(0.2)
        assert kimi.listed == 3
        assert problems(bench, ErrorCode.AUTH_FAILED) == (1, 0)


async def test_the_breaker_is_said_when_it_opens_and_when_it_closes(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        jobs = await dropped(bench, tmp_path, clock, 2)
        assert problems(bench, ErrorCode.CIRCUIT_BREAKER_OPEN) == (1, 0)
        assert "CIRCUIT_BREAKER_OPEN" in (await bench.engine.facts())["problems"]
        clock.ahead_s += 331.0
        for job in jobs:
            await bench.until_state(job.id, S.DONE)
        assert problems(bench, ErrorCode.CIRCUIT_BREAKER_OPEN) == (1, 1)
        assert "problems" not in await bench.engine.facts()


async def test_many_faults_are_said_once_and_once_when_they_are_over(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(), Hurrying()
    wanted = settings(breaker_failures=100)
    async with open_bench(
        tmp_path, accounts=[KIMI], providers={"kimi": kimi}, clock=clock, wanted=wanted
    ) as bench:
        for number in range(12):
            kimi.list_fault = down() if number % 3 == 0 else None
            await bench.engine.accounts.test("kimi")
            await _looked(bench)
        await bench.until(lambda: problems(bench, ErrorCode.ERROR_RATE_HIGH) == (1, 0))
        kimi.list_fault = None
        for _ in range(40):
            await bench.engine.accounts.test("kimi")
        clock.ahead_s += 6
        await bench.until(lambda: problems(bench, ErrorCode.ERROR_RATE_HIGH) == (1, 1))


async def _looked(bench: Bench) -> None:
    """Time for the watch to come round."""
    clock = bench.parts.clock
    assert isinstance(clock, Hurrying)
    clock.ahead_s += 5.1
    await asyncio.sleep(0.05)


async def test_an_account_that_fills_up_is_said_at_80_and_at_95_percent(tmp_path: Path) -> None:
    clock = Hurrying()
    wanted = settings(account_max_files=20)
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock, wanted=wanted) as bench:
        for count, raised in ((15, 0), (1, 1), (2, 1), (1, 2), (1, 2)):
            name = f"{len(bench.providers['kimi'].files)}"
            jobs = await bench.upload(*write(tmp_path, *(f"{name} {n}.txt" for n in range(count))))
            assert {job.state for job in jobs} == {S.DONE}
            await _looked(bench)
            await bench.until(
                lambda raised=raised: problems(bench, ErrorCode.ALMOST_FULL) == (raised, 0)  # type: ignore[misc]
            )
        for job in (await bench.rows())[:5]:
            await bench.engine.files.delete_of_job(job.id)
        await _looked(bench)
        await bench.until(lambda: problems(bench, ErrorCode.ALMOST_FULL) == (2, 1))


async def test_an_account_that_is_removed_leaves_nothing_behind(tmp_path: Path) -> None:
    metrics = PrometheusMetrics()
    async with open_bench(tmp_path, metrics=metrics) as bench:
        await bench.engine.accounts.test("glm")
        watch = bench.parts.health_watch
        await watch.look()
        assert ("account", "glm") in labels(metrics)
        await bench.engine.accounts.remove("glm")
        await watch.look()
        assert await bench.engine.accounts.health(None, 100) == []
        assert ("account", "glm") not in labels(metrics)


def samples(metrics: PrometheusMetrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """As Prometheus itself reads them."""
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def labels(metrics: PrometheusMetrics) -> set[tuple[str, str]]:
    return {pair for _, pairs in samples(metrics) for pair in pairs}


async def test_what_is_counted_is_what_happened(tmp_path: Path) -> None:
    metrics, clock = PrometheusMetrics(), Hurrying()
    kimi = ScriptedProvider(faults=[down()])
    async with open_bench(
        tmp_path, providers={"kimi": kimi}, metrics=metrics, clock=clock
    ) as bench:
        paths = write(tmp_path, "first.txt", "other.txt")
        await bench.upload(*paths)
        twin = tmp_path / "twin.txt"
        twin.write_bytes(paths[0].read_bytes())
        [job] = await bench.upload(twin)
        assert job.state is S.DUPLICATE
        await bench.engine.files.delete_of_job((await bench.rows())[0].id)
        await _looked(bench)
        found = samples(metrics)
    size = sum(len(path.name) for path in paths)

    def of(name: str, **pairs: str) -> float:
        return found.get((f"exai_{name}", tuple(sorted(pairs.items()))), 0.0)

    way = {"provider": "kimi", "transport": "http"}
    assert of("upload_attempts_total", **way, outcome="stored") == 2
    assert of("upload_attempts_total", **way, outcome="unavailable") == 1
    assert of("upload_bytes_total", provider="kimi") == size
    assert of("upload_duration_seconds_count", provider="kimi", size_range="small") == 2
    assert of("uploads_active", provider="kimi") == 0
    assert of("provider_answers_total", account="kimi", result="fault") == 1
    assert of("provider_answers_total", account="kimi", result="good") == 2
    assert of("provider_health", account="kimi") == 1
    assert of("transport_active", account="kimi", transport="http") == 1
    assert of("deduplication_checks_total", result="duplicate") == 1
    assert of("deduplication_checks_total", result="unique") == 2
    assert of("provider_selections_total", provider="kimi", reason="first choice") == 3
    assert of("deletions_total", provider="kimi") == 1
    assert of("account_files", account="kimi") == 1
    assert of("jobs", state="done") == 2


async def test_the_breaker_in_the_metrics(tmp_path: Path) -> None:
    metrics, clock = PrometheusMetrics(), Hurrying()
    kimi = ScriptedProvider(faults=faults())
    async with open_bench(
        tmp_path, providers={"kimi": kimi}, metrics=metrics, clock=clock
    ) as bench:
        jobs = await dropped(bench, tmp_path, clock, 2)
        assert samples(metrics)[("exai_breaker_state", (("account", "kimi"),))] == 2
        await bench.engine.queue.cancel([job.id for job in jobs])
        clock.ahead_s += 331.0
        await until_phase(bench, Phase.CLOSED)
        found = samples(metrics)
    assert found[("exai_breaker_state", (("account", "kimi"),))] == 0
    for phase in ("open", "half_open", "closed"):
        key = ("exai_breaker_changes_total", (("account", "kimi"), ("to", phase)))
        assert found[key] == 1


async def test_fallbacks_are_counted_as_such(tmp_path: Path) -> None:
    metrics = PrometheusMetrics()
    small = replace(KIMI, order=0)
    wanted = settings(account_max_files=1)
    async with open_bench(tmp_path, accounts=[small, GLM], metrics=metrics, wanted=wanted) as bench:
        jobs = await bench.upload(*write(tmp_path, "a.txt", "b.txt"), allow_fallback=True)
        assert {job.account for job in jobs} == {"kimi", "glm"}
    key = ("exai_provider_selections_total", (("provider", "glm"), ("reason", "fallback")))
    assert samples(metrics)[key] == 1
