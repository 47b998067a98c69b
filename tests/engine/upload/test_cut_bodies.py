"""A body that was cut before its end goes again soon; the list is asked only for lost answers.

The real engine and clients against the sandbox, by each way to send.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.jobs.jobs import CUT, AddOptions, JobState
from exai_desktop.net import account_client
from exai_desktop.providers.glm import GlmProvider
from exai_desktop.providers.kimi import KimiProvider
from exai_desktop.sandbox.serve import SandboxThread
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState
MIB: Final = 1024 * 1024
# By the flavour of the server, the ways to send.
WAYS: Final = [("kimi-intl", "http"), ("kimi-intl", "openai"), ("zai", "openai"), ("zai", "native")]
# Whoever waits for it here fails by the time limit.
LONG_S: Final = 600.0


class Rig(NamedTuple):
    sandbox: SandboxThread
    flavour: str
    way: str

    def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        url, token = self.sandbox.control
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Sandbox-Control": token}
        request = urllib.request.Request(url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def fault(self, kind: str, **more: object) -> None:
        self.ask("/faults", "POST", [{"kind": kind, "method": "POST", "times": 1, **more}])

    @property
    def asked(self) -> Counter[str]:
        entries = self.ask("/requests")["requests"]
        return Counter(entry["method"] for entry in entries if entry["flavour"])

    @property
    def sizes(self) -> list[int]:
        return [file["bytes"] for file in self.ask("/files")["files"]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxThread]:
    with SandboxThread() as sandbox:
        yield sandbox


@pytest.fixture(params=WAYS, ids="-".join)
def rig(sandbox: SandboxThread, request: pytest.FixtureRequest) -> Rig:
    rig = Rig(sandbox, *request.param)
    rig.ask("/reset", "POST", {})
    return rig


@pytest.fixture(autouse=True)
def _a_long_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not decide whether a reset comes before the end of a small body."""
    for name in ("_SHORTEST_S", "_CALM_S", "_CALM_LARGE_S"):
        monkeypatch.setattr(account_client, name, 1.0)


@asynccontextmanager
async def opened(rig: Rig, folder: Path, settle_s: float) -> AsyncIterator[Bench]:
    wanted = settings(settle_s=settle_s, transport_order=rig.way)
    kind, region = ("kimi", "intl") if rig.flavour == "kimi-intl" else ("glm", "zai")
    account = Account("it", kind, region, rig.sandbox.url(rig.flavour), max_in_flight=2)
    info = load_provider_table().provider(kind)
    assert info is not None
    make = KimiProvider if kind == "kimi" else GlmProvider
    with ThreadPoolExecutor(2) as senders:
        provider = make(account, rig.sandbox.key(rig.flavour), info, wanted, senders)
        async with open_bench(
            folder,
            providers={"it": provider},  # type: ignore[dict-item]
            accounts=[account],
            wanted=wanted,
        ) as bench:
            yield bench
        await provider.close()


def written(folder: Path, size: int) -> Path:
    path = folder / "report.txt"
    path.write_bytes(os.urandom(size // 2).hex().encode())
    return path


@pytest.mark.parametrize(
    ("size", "after"), [(10_000, 500), (10_000, 9_000), (3 * MIB, 0), (3 * MIB, 2 * MIB)]
)
async def test_a_body_cut_before_its_end_goes_again_without_a_list(
    rig: Rig, tmp_path: Path, size: int, after: int
) -> None:
    rig.fault("reset_in_body", after_bytes=after)
    async with opened(rig, tmp_path, LONG_S) as bench:
        [job] = await bench.upload(written(tmp_path, size))
        detail = await bench.engine.queue.job(job.id)
        trail = await bench.engine.audit.rows(0, 100)
    first, second = detail.attempts
    assert (first.outcome, first.error_code) == (CUT, ErrorCode.UPLOAD_CUT)
    assert (first.transport, first.left_at) == (rig.way, None)
    assert (job.state, second.outcome) == (S.DONE, "stored")
    assert S.UNCERTAIN not in [entry.new for entry in detail.history]
    assert rig.sizes == [size]
    assert rig.asked["POST"] == 2
    [noted] = [row for row in trail if CUT in row.detail]
    assert (noted.outcome, noted.error_code) == ("not stored", "UPLOAD_CUT")


@pytest.mark.parametrize("kind", ["reset_after_body", "lose_answer"])
async def test_a_body_cut_behind_its_end_is_looked_for(rig: Rig, tmp_path: Path, kind: str) -> None:
    rig.fault(kind)
    async with opened(rig, tmp_path, 0.2) as bench:
        [job] = await bench.upload(written(tmp_path, 10_000))
        detail = await bench.engine.queue.job(job.id)
    assert job.state is S.DONE
    assert detail.attempts[0].error_code == ErrorCode.ANSWER_LOST
    assert S.UNCERTAIN in [entry.new for entry in detail.history]
    assert rig.sizes == [10_000]
    assert rig.asked["POST"] == (1 if kind == "lose_answer" else 2)


def cut() -> TransferError:
    return TransferError(ErrorCode.UPLOAD_CUT, "ReadError", sent=Sent.SOME)


def texts(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.txt" for number in range(count)]
    for path in paths:
        path.write_text(path.name)
    return paths


async def test_some_cuts_among_answers_hold_nobody_up(tmp_path: Path) -> None:
    provider = ScriptedProvider(faults=[None, cut(), None, None, cut(), None, cut()])
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(settle_s=LONG_S)
    ) as bench:
        jobs = await bench.upload(*texts(tmp_path, 12))
        lane = bench.parts.accounts.lane("kimi")
        assert lane is not None
        assert lane.closed_until is None
    assert {job.state for job in jobs} == {S.DONE}
    assert (len(provider.uploads), provider.listed) == (15, 0)


async def test_a_line_that_cuts_everything_is_left_alone_for_a_while(tmp_path: Path) -> None:
    """Nothing new is begun, and no account is paused: it is the network, not the provider."""
    provider = ScriptedProvider(faults=[cut() for _ in range(200)])
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(settle_s=LONG_S)
    ) as bench:
        batch = await bench.engine.queue.add(
            [str(path) for path in texts(tmp_path, 30)], AddOptions(account="kimi")
        )
        lane = bench.parts.accounts.lane("kimi")
        assert lane is not None
        await bench.until(lambda: lane.closed_until is not None)
        # Three waves of as many as are under way together.
        assert len(provider.uploads) <= 8
        assert bench.parts.breakers.phase("kimi") is Phase.CLOSED
        states = {job.state for job in await bench.rows(batch)}
    assert states <= {S.WAITING, S.SENDING, S.HASHING, S.QUEUED, S.CHECKING}


async def test_a_file_that_is_cut_each_time_is_given_up_after_the_attempts_allowed(
    tmp_path: Path,
) -> None:
    provider = ScriptedProvider(faults=[cut() for _ in range(20)])
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(max_attempts=3)
    ) as bench:
        [job] = await bench.upload(*texts(tmp_path, 1))
    assert job.state is S.FAILED
    assert job.error is not None
    assert job.error.code == ErrorCode.ATTEMPTS_EXHAUSTED
    assert (len(provider.uploads), provider.listed) == (3, 0)


async def test_a_fault_of_our_own_is_no_proof_that_it_was_cut(tmp_path: Path) -> None:
    fault = TransferError(ErrorCode.UNEXPECTED_ERROR, "a bug", sent=Sent.SOME)
    provider = ScriptedProvider(faults=[fault])
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(*texts(tmp_path, 1))
        history = (await bench.engine.queue.job(job.id)).history
    assert job.state is S.DONE
    assert S.UNCERTAIN in [entry.new for entry in history]
