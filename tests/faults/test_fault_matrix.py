"""27 faults of the line and the provider, each through the real engine to both providers.

For every one: the right outcome class, the deadline kept, memory flat, nothing stored twice,
nothing lost, and the other account none the wiser. The long setting repeats them over the SDKs;
`EXAI_DESKTOP_TEST_FIGURES` names a file that gets a line for each.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.events import ProblemRaised
from exai_desktop.core.jobs.jobs import CUT, AddOptions, JobDetail, JobState
from exai_desktop.core.settings import Settings
from exai_desktop.providers.glm import GlmProvider
from exai_desktop.providers.kimi import KimiProvider
from exai_desktop.sandbox.serve import SandboxThread
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.own_time import OwnTime

from . import chaos_proxy as chaos
from .chaos_proxy import MIB, ChaosProxy, Deed, answer, answered, refused

O = Outcome  # noqa: E741 - a table
S = JobState
SETTINGS = settings(settle_s=0.15, read_timeout_s=2.5, write_timeout_s=2.5, connect_timeout_s=3.0)
# One attempt: connecting, a stalled block, and the answer, with a margin for a busy machine.
DEADLINE_S = 8.0
FIGURES = os.environ.get("EXAI_DESKTOP_TEST_FIGURES", "")
# By provider, the ways to send; those by an SDK are for the long setting.
_LONG = pytest.mark.long
WAYS = [
    pytest.param("kimi", "http"),
    pytest.param("glm", "http"),
    pytest.param("kimi", "openai", marks=_LONG),
    pytest.param("glm", "openai", marks=_LONG),
    pytest.param("glm", "native", marks=_LONG),
]
# A name too long to be asked about: no question leaves the machine.
NO_SUCH_HOST = f"https://{'.'.join(['a' * 60] * 5)}.invalid/v1"
DAY_S = 86_400.0
MEMORY = 50 * MIB
NOT_OURS = b"\x16\x03\x01 neither HTTP nor anything else \x00\xff\r\n"
ABSURD = "next week, perhaps"
DATE_LONG_AGO = "Wed, 21 Oct 2015 07:28:00 GMT"


class Case(NamedTuple):
    """What the line does; how the first attempt ends, None when it goes through."""

    deed: Deed
    outcome: str | None
    # By chance it may also end so.
    or_else: str | None = None
    # It goes on by itself only after a wait that no test can sit through.
    waits: bool = False
    # A definite refusal: the file is not sent again.
    is_refused: bool = False
    # Bytes; more than the kernel takes at once where the answer must come before the last block.
    size: int = 1_400_000


CASES: dict[str, Case] = {
    "latency": Case(chaos.late, None),
    # As it comes before or behind the first block.
    "reset before the body": Case(chaos.reset_before, O.UNAVAILABLE, or_else=CUT),
    "reset in the body": Case(chaos.reset_in_body, CUT),
    "reset after the body": Case(chaos.reset_after_body, O.UNCERTAIN),
    "cut answer": Case(chaos.cut_answer, O.UNCERTAIN),
    "silence": Case(chaos.silence, O.UNCERTAIN),
    "a byte at a time in the head": Case(chaos.drip_head, O.UNCERTAIN),
    "a byte at a time in the body": Case(chaos.drip_body, O.UNCERTAIN),
    "wrong length": Case(chaos.wrong_length, O.UNCERTAIN),
    "garbage": Case(answered(NOT_OURS), O.UNCERTAIN),
    "flood of 100 Continue": Case(chaos.flood, O.UNCERTAIN),
    "429, good Retry-After": Case(refused(429, "1"), O.THROTTLED),
    "429, huge Retry-After": Case(refused(429, "999999999999"), O.THROTTLED, waits=True),
    "429, negative Retry-After": Case(refused(429, "-5"), O.THROTTLED),
    "429, Retry-After in the past": Case(refused(429, DATE_LONG_AGO), O.THROTTLED),
    "429, absurd Retry-After": Case(refused(429, ABSURD), O.THROTTLED),
    "503, good Retry-After": Case(refused(503, "1"), O.UNAVAILABLE),
    "502 in HTML": Case(
        answered(answer(502, b"<h1>Bad Gateway</h1>", kind="text/html"), stores=False),
        O.UNAVAILABLE,
    ),
    "early 413": Case(chaos.early, O.REJECTED, is_refused=True, size=16 * MIB),
    "redirect": Case(
        answered(answer(307, b"", "Location: http://127.0.0.1:9/elsewhere"), stores=False),
        O.UNCERTAIN,
    ),
    "gzip bomb": Case(chaos.bomb, O.UNCERTAIN),
    "huge JSON": Case(chaos.huge, O.UNCERTAIN),
    "deep JSON": Case(answered(answer(200, b"[" * MIB)), O.UNCERTAIN),
    "NaN in JSON": Case(answered(answer(200, b'{"id": "file-x", "bytes": NaN}')), O.UNCERTAIN),
    "JSON, not an object": Case(answered(answer(200, b'["file-x"]')), O.UNCERTAIN),
    "500 headers": Case(
        answered(answer(200, b'{"id": "file-x"}', *chaos.MANY_HEADERS)), O.UNCERTAIN
    ),
    "half-closed": Case(chaos.half_closed, CUT, or_else=O.UNCERTAIN),
}


class Memory:
    """How far the whole process, servers and proxy included, has grown at its highest."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._start = self._read("VmRSS")

    def growth(self) -> int:
        return self._read("VmHWM") - self._start

    def _read(self, name: str) -> int:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


class Line(NamedTuple):
    sandbox: SandboxThread
    proxies: dict[str, ChaosProxy]

    def stored(self) -> Counter[str]:
        files: list[dict[str, Any]] = self._ask("/files", "GET")["files"]
        return Counter(file["sha256"] for file in files)

    def empty_shelves(self) -> None:
        """Z.ai takes 100 files, and the long setting stores more."""
        self._ask("/reset", "POST")

    def _ask(self, path: str, method: str) -> Any:
        url, token = self.sandbox.control
        request = urllib.request.Request(
            url + path, headers={"X-Sandbox-Control": token}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as found:
            return json.loads(found.read() or b"null")


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    chaos.packed_bomb()
    with (
        SandboxThread() as sandbox,
        chaos.chaos(sandbox.url("kimi-intl")) as kimi,
        chaos.chaos(sandbox.url("zai")) as glm,
    ):
        yield Line(sandbox, {"kimi": kimi, "glm": glm})


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def _first_attempt_ended(bench: Bench, job_id: int) -> JobDetail:
    async with asyncio.timeout(60):
        while True:
            detail = await bench.engine.queue.job(job_id)
            if detail.attempts and detail.attempts[0].ended_at is not None:
                return detail
            await asyncio.sleep(0.02)


def _untouched(bench: Bench, other: str) -> None:
    """Nobody at the other account has noticed anything."""
    assert bench.parts.accounts.problem(other) is None
    breaker = bench.parts.breakers.status(other)
    assert (breaker.phase, breaker.failures) == (Phase.CLOSED, 0)
    lane = bench.parts.accounts.lane(other)
    assert lane is not None
    assert lane.closed_until is None
    told = [e for e in bench.events if isinstance(e, ProblemRaised)]
    assert not [e for e in told if e.account in (other, None)], told


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("victim", "way"), WAYS)
async def test_a_fault_is_what_it_is_and_harms_nobody_else(
    line: Line, tmp_path: Path, victim: str, way: str, name: str
) -> None:
    case, other = CASES[name], {"kimi": "glm", "glm": "kimi"}[victim]
    wanted = SETTINGS.model_copy(update={"transport_order": way})
    line.empty_shelves()
    # Two blocks; names of their own, since every test is a new profile on the same shelf.
    mine, theirs = (tmp_path / f"{whose} {victim} {name}.txt" for whose in ("mine", "theirs"))
    mine.write_bytes(os.urandom(case.size // 2).hex().encode())
    theirs.write_bytes(os.urandom(5_000).hex().encode())
    with ThreadPoolExecutor(2) as senders:
        accounts, providers = _clients(line, wanted, senders)
        # The SDK's code is not what a fault costs.
        await providers[victim].ready()
        async with open_bench(
            tmp_path,
            providers=providers,  # type: ignore[arg-type]
            accounts=accounts,
            wanted=wanted,
        ) as bench:
            memory = Memory()
            line.proxies[victim].arm(case.deed)
            own = OwnTime()
            batch = await bench.engine.queue.add([str(mine)], AddOptions(account=victim))
            [other_job] = await bench.upload(theirs, account=other)
            [job] = await bench.rows(batch)
            detail = await _first_attempt_ended(bench, job.id)
            assert own.seconds() < DEADLINE_S + 2
            lent_s = own.lent()
            first = detail.attempts[0]
            assert first.ended_at is not None
            assert first.ended_at - first.started_at - lent_s < DEADLINE_S
            ends = {case.outcome or "stored", case.or_else or case.outcome or "stored"}
            assert first.outcome in ends
            assert (other_job.state, other_job.attempts) == (S.DONE, 1)
            await _settled(bench, case, batch, job.id)
            assert first.transport == way
            _figure(victim, way, name, first.ended_at - first.started_at, memory.growth())
            assert memory.growth() < MEMORY
            _untouched(bench, other)
            stored = line.stored()
            job = await bench.job(job.id)
        for provider in providers.values():
            await provider.close()
    lies_there = not (case.waits or case.is_refused)
    assert stored[_sha(mine)] == int(lies_there)
    assert stored[_sha(theirs)] == 1
    assert job.state is (S.DONE if lies_there else S.REFUSED if case.is_refused else S.WAITING)


def _clients(
    line: Line, wanted: Settings, senders: ThreadPoolExecutor
) -> tuple[list[Account], dict[str, FileProvider]]:
    """An account at each provider, with the real client, behind the proxy."""
    table, accounts = load_provider_table(), []
    providers: dict[str, FileProvider] = {}
    for order, (kind, flavour, region) in enumerate(
        [("kimi", "kimi-intl", "intl"), ("glm", "zai", "zai")]
    ):
        url = line.proxies[kind].url
        account = Account(kind, kind, region, url, max_in_flight=2, order=order)
        info = table.provider(kind)
        assert info is not None
        make = KimiProvider if kind == "kimi" else GlmProvider
        accounts.append(account)
        providers[kind] = make(account, line.sandbox.key(flavour), info, wanted, senders)
    return accounts, providers


def _figure(victim: str, way: str, name: str, seconds: float, growth: int) -> None:
    if FIGURES:
        row = {"victim": victim, "way": way, "fault": name, "seconds": seconds, "growth": growth}
        with Path(FIGURES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


async def test_a_name_that_leads_nowhere_is_no_connection_and_harms_nobody_else(
    line: Line, tmp_path: Path
) -> None:
    mine, theirs = tmp_path / "mine.txt", tmp_path / "theirs.txt"
    mine.write_text("mine")
    theirs.write_bytes(os.urandom(5_000).hex().encode())
    with ThreadPoolExecutor(2) as senders:
        accounts, providers = _clients(line, SETTINGS, senders)
        accounts[0] = replace(accounts[0], base_url=NO_SUCH_HOST)
        info = load_provider_table().provider("kimi")
        assert info is not None
        await providers["kimi"].close()
        providers["kimi"] = KimiProvider(accounts[0], "sk-test-nobody", info, SETTINGS, senders)
        async with open_bench(
            tmp_path,
            providers=providers,  # type: ignore[arg-type]
            accounts=accounts,
            wanted=SETTINGS,
        ) as bench:
            batch = await bench.engine.queue.add([str(mine)], AddOptions(account="kimi"))
            [other_job] = await bench.upload(theirs, account="glm")
            [job] = await bench.rows(batch)
            first = (await _first_attempt_ended(bench, job.id)).attempts[0]
            assert (first.outcome, first.error_code) == (O.UNAVAILABLE, "OFFLINE")
            assert (await bench.job(job.id)).state is S.WAITING
            assert (other_job.state, other_job.attempts) == (S.DONE, 1)
            _untouched(bench, "glm")
        for provider in providers.values():
            await provider.close()


async def _settled(bench: Bench, case: Case, batch: int, job_id: int) -> None:
    if not case.waits:
        await bench.finished(batch)
        return
    job = await bench.job(job_id)
    assert job.not_before is not None
    # A day and the tenth of it is the most that anybody's word is taken for.
    assert DAY_S / 2 < job.not_before - time.time() <= 1.1 * DAY_S
