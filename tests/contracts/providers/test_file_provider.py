"""What every provider client promises, against the sandbox's servers over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import tomllib
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exai_desktop.bootstrap.opening import provider_classes
from exai_desktop.core.accounts.accounts import Account, Balance, TransportStatus
from exai_desktop.core.copies.models import RemoteStatus
from exai_desktop.core.copies.provider import ExtractsText, FileProvider, ReportsBalance
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import AccountError, Sent, TransferError
from exai_desktop.core.routing.capabilities import Purpose, table_of
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.files.open_file import RegularFile, open_regular
from exai_desktop.engine.waiting import SystemClock
from exai_desktop.sandbox import flavours
from exai_desktop.sandbox.serve import SandboxThread
from tests.own_time import OwnTime

E = ErrorCode
MIB = 1024 * 1024
TABLE = table_of(
    tomllib.loads((Path(__file__).parents[3] / "resources/providers.toml").read_text("utf-8"))
)
# The sandbox has one flavour for each region of each provider. A new one is tested at once.
FLAVOURS: dict[str, flavours.Flavour] = {f.name: f for f in flavours.FLAVOURS}
SETTINGS = Settings.model_validate(
    {"connect_timeout_s": 5, "write_timeout_s": 4, "read_timeout_s": 2.5}
)
CLASSES = provider_classes()


class Sending:
    """An upload that notes what it is told; `touch` runs after each block."""

    block: int | None = None
    flow: Bandwidth | None = None

    def __init__(
        self, path: Path, purpose: str, name: str = "", sha256: str = "", touch: Any = None
    ) -> None:
        self.file: RegularFile = open_regular(str(path))
        self.sha256 = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
        self.name = name or path.name
        self.purpose = purpose
        self.totals: list[int] = []
        self.left: list[Sent] = []
        self._touch = touch

    @property
    def sent(self) -> Sent:
        return self.left[-1] if self.left else Sent.NOTHING

    def on_bytes(self, total_sent: int) -> None:
        self.totals.append(total_sent)
        if self._touch is not None:
            self._touch()

    async def may_leave(self, size: int) -> None:
        """At once, unless it has a limit."""
        if self.flow is not None:
            await asyncio.sleep(self.flow.reserve(size))

    def on_left(self, sent: Sent) -> None:
        self.left.append(sent)


TIERS: dict[str, Iterable[str]] = {
    "http": FLAVOURS,
    "openai": FLAVOURS,
    "native": ("zai", "bigmodel"),
}
# By our own HTTP, every test runs with every flavour. By the SDKs, the normal run takes the first
# flavour of each provider, and `long` takes all.
SELECTED = set({f.provider: f.name for f in reversed(flavours.FLAVOURS)}.values())
BOTH = [
    pytest.param(
        (tier, flavour),
        id=f"{tier}-{flavour}",
        marks=[pytest.mark.long] if tier != "http" and flavour not in SELECTED else [],
    )
    for tier, names in TIERS.items()
    for flavour in names
]


def text_purpose(flavour: str) -> Purpose:
    """The default purpose of a text file."""
    table = TABLE.provider(FLAVOURS[flavour].provider)
    assert table is not None
    return next(p for p in table.purposes_in(FLAVOURS[flavour].region) if p.takes("txt"))


def test_each_provider_of_the_table_has_a_class() -> None:
    assert {provider.name for provider in TABLE.providers} == set(CLASSES)


class Bench(NamedTuple):
    sandbox: SandboxThread
    flavour: str
    purpose: str
    provider: FileProvider
    folder: Path
    readers: ThreadPoolExecutor
    tier: str = "http"

    def control(self, method: str, path: str, body: Any = None) -> Any:
        control = self.sandbox.control
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(control.url + path, data, method=method)
        request.add_header("X-Sandbox-Control", control.token)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read() if path.endswith("/bytes") else json.load(answer)

    def stored(self) -> list[dict[str, Any]]:
        files = self.control("GET", f"/files?flavour={self.flavour}")["files"]
        return [file for file in files if not file["deleted"]]

    def fault(self, kind: str, **more: Any) -> None:
        self.control("POST", "/faults", [{"kind": kind, "flavour": self.flavour, **more}])

    def file(self, size: int, name: str = "report.txt") -> Path:
        path = self.folder / name
        line = b"The quick brown fox jumps over the lazy dog. "
        path.write_bytes((line * (size // len(line) + 1))[:size])
        return path

    def sending(self, size: int, name: str = "report.txt", **more: Any) -> Sending:
        return Sending(self.file(size, name), self.purpose, **more)

    def client(self, key: str = "", base_url: str = "") -> FileProvider:
        flavour = FLAVOURS[self.flavour]
        table = TABLE.provider(flavour.provider)
        assert table is not None
        url = base_url or self.sandbox.url(self.flavour)
        account = Account("test", flavour.provider, flavour.region, url)
        key = key or self.sandbox.key(self.flavour)
        settings = SETTINGS.model_copy(update={"transport_order": self.tier})
        return CLASSES[flavour.provider](account, key, table, settings, self.readers)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxThread]:
    with SandboxThread() as running:
        yield running


@pytest.fixture(params=BOTH)
async def bench(
    request: pytest.FixtureRequest, sandbox: SandboxThread, tmp_path: Path
) -> AsyncIterator[Bench]:
    tier, flavour = request.param
    with ThreadPoolExecutor(2) as readers:
        made = Bench(sandbox, flavour, text_purpose(flavour).name, None, tmp_path, readers, tier)  # type: ignore[arg-type]
        made = made._replace(provider=made.client())
        made.control("POST", "/reset")
        yield made
        # Nothing fell back to another tier on the way.
        assert made.provider.transport_status == TransportStatus(tier)
        await made.provider.close()


async def refused(sending: Sending, provider: FileProvider) -> TransferError:
    with pytest.raises(TransferError) as caught:
        await provider.upload(sending)
    error = caught.value
    # What the engine was told while it ran and what the error says must be the same.
    assert error.sent is sending.sent
    return error


async def test_a_limit_of_speed_holds_and_progress_stays_alive(bench: Bench) -> None:
    size, rate = 1_200_000, 1_000_000
    sending = bench.sending(size)
    sending.flow = Bandwidth(rate, SystemClock())
    sending.block = sending.flow.block
    own, began = OwnTime(), time.perf_counter()
    await bench.provider.upload(sending)
    took_s = time.perf_counter() - began
    # The last block has left when its time begins.
    assert (size - 280_000) / rate < took_s
    assert own.seconds() < size / rate + 2
    assert len(sending.totals) >= 5 * (size / rate) - 1


@pytest.mark.parametrize("size", [1, 10_240, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 17])
async def test_what_arrives_is_what_was_read(bench: Bench, size: int) -> None:
    sending = bench.sending(size, "Größe 表 'a'.txt")
    remote = await bench.provider.upload(sending)
    assert (remote.bytes, remote.name, remote.purpose) == (size, sending.name, bench.purpose)
    [file] = bench.stored()
    assert file["sha256"] == sending.sha256
    assert file["id"] == remote.id
    assert file["mime"] == "text/plain"
    assert sending.totals == sorted(set(sending.totals))
    assert sending.totals[-1] == size
    assert sending.left == [Sent.SOME, Sent.ALL]
    assert abs(remote.created_at - file["created_at"]) < 2


async def test_the_content_must_be_what_was_hashed(bench: Bench) -> None:
    for size in (10_240, 3 * MIB):
        sending = bench.sending(size, sha256="0" * 64)
        error = await refused(sending, bench.provider)
        assert error.code is E.FILE_CHANGED
        assert error.sent is (Sent.NOTHING if size < MIB else Sent.SOME)
    assert bench.stored() == []


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "replace"])
async def test_a_file_that_changes_on_the_way_is_not_stored(bench: Bench, change: str) -> None:
    path = bench.file(4 * MIB)

    def touch() -> None:
        if change == "grow":
            with path.open("ab") as file:
                file.write(b"more")
        elif change == "shrink":
            with path.open("r+b") as file:
                file.truncate(2 * MIB)
        elif change == "rewrite":
            with path.open("r+b") as file:
                file.seek(3 * MIB + 5)
                file.write(b"other")
        else:
            other = path.with_suffix(".new")
            other.write_bytes(b"another file")
            other.replace(path)

    error = await refused(Sending(path, bench.purpose, touch=touch), bench.provider)
    assert (error.code, error.sent, error.is_answer) == (E.FILE_CHANGED, Sent.SOME, False)
    assert bench.stored() == []


async def test_a_cancel_before_the_last_block_stores_nothing(bench: Bench) -> None:
    bench.fault("slow_read", bytes_per_s=4 * MIB)
    sending = bench.sending(12 * MIB)
    task = asyncio.create_task(bench.provider.upload(sending))
    while not sending.totals:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sending.sent is Sent.SOME
    bench.control("DELETE", "/faults")
    assert bench.stored() == []
    await bench.provider.upload(bench.sending(100))  # the client is as good as before


async def test_a_cancel_while_the_answer_is_awaited_says_all_left(bench: Bench) -> None:
    bench.fault("stall")
    sending = bench.sending(2 * MIB)
    task = asyncio.create_task(bench.provider.upload(sending))
    while sending.sent is not Sent.ALL:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sending.sent is Sent.ALL


class Case(NamedTuple):
    fault: dict[str, Any]
    code: ErrorCode
    outcome: Outcome
    definite: bool
    sent: frozenset[Sent]
    stored: int = 0
    size: int = 50_000


ALL, SOME = frozenset({Sent.ALL}), frozenset({Sent.SOME})
O = Outcome  # noqa: E741 - a table
CASES = {
    "reset in the body": Case(
        {"kind": "reset_in_body"}, E.UPLOAD_CUT, O.UNAVAILABLE, False, SOME, 0, 20 * MIB
    ),
    "reset after the body": Case(
        {"kind": "reset_after_body"}, E.ANSWER_LOST, O.UNCERTAIN, False, ALL
    ),
    "lost answer": Case({"kind": "lose_answer"}, E.ANSWER_LOST, O.UNCERTAIN, False, ALL, 1),
    "stalled": Case({"kind": "stall"}, E.ANSWER_LOST, O.UNCERTAIN, False, ALL),
    "html 502": Case({"kind": "html_502"}, E.PROVIDER_UNAVAILABLE, O.UNAVAILABLE, False, ALL),
    "html 413": Case(
        {"kind": "http_status", "status": 413, "form": "html"},
        E.INVALID_ANSWER,
        O.UNCERTAIN,
        False,
        ALL,
    ),
    "garbage": Case({"kind": "garbage"}, E.INVALID_ANSWER, O.UNCERTAIN, False, ALL, 1),
    "no id": Case({"kind": "no_id"}, E.INVALID_ANSWER, O.UNCERTAIN, False, ALL, 1),
    "redirect": Case({"kind": "redirect"}, E.INVALID_ANSWER, O.UNCERTAIN, False, ALL),
    "quota": Case({"kind": "quota_429"}, E.BALANCE_EXHAUSTED, O.QUOTA, True, ALL),
    "rate": Case({"kind": "rate_429", "retry_after": 7}, E.RATE_LIMITED, O.THROTTLED, True, ALL),
    "500": Case({"kind": "http_status"}, E.PROVIDER_UNAVAILABLE, O.UNAVAILABLE, False, ALL),
    "503": Case(
        {"kind": "http_status", "status": 503, "retry_after": 7},
        E.PROVIDER_UNAVAILABLE,
        O.UNAVAILABLE,
        False,
        ALL,
    ),
    "408": Case({"kind": "http_status", "status": 408}, E.ANSWER_LOST, O.UNCERTAIN, False, ALL),
    "400": Case(
        {"kind": "http_status", "status": 400, "message": "not\u202e like\x07 this"},
        E.PROVIDER_REJECTED,
        O.REJECTED,
        True,
        ALL,
    ),
    "403": Case({"kind": "http_status", "status": 403}, E.PERMISSION_DENIED, O.AUTH, True, ALL),
    "early 401, then drains": Case(
        {"kind": "early_answer"}, E.AUTH_FAILED, O.AUTH, True, SOME, 0, 20 * MIB
    ),
    "early 401, then hangs up": Case(
        {"kind": "early_answer", "drain": False},
        E.AUTH_FAILED,
        O.AUTH,
        True,
        frozenset({Sent.SOME}),
        0,
        20 * MIB,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_each_fault_is_told_for_what_it_is(bench: Bench, name: str) -> None:
    case = CASES[name]
    bench.fault(**case.fault)
    error = await refused(bench.sending(case.size), bench.provider)
    assert (error.code, error.outcome) == (case.code, case.outcome), str(error)
    assert error.is_answer is case.definite
    assert error.sent in case.sent
    assert len(bench.stored()) == case.stored
    if "retry_after" in case.fault:
        assert error.retry_after == 7
    if case.definite or name == "500":
        assert error.request_id
    assert bench.sandbox.key(bench.flavour) not in str(error)
    assert not {"\u202e", "\x07", "\n"} & set(error.detail)


async def test_a_reset_before_the_body_never_stores(bench: Bench) -> None:
    bench.fault("reset_before")
    error = await refused(bench.sending(2 * MIB), bench.provider)
    assert error.code is (E.NETWORK_ERROR if error.sent is Sent.NOTHING else E.UPLOAD_CUT)
    assert error.sent is not Sent.ALL
    assert bench.stored() == []


@pytest.mark.parametrize("kind", ["delay", "drip", "slow_read"])
async def test_slowness_is_no_failure(bench: Bench, kind: str) -> None:
    bench.fault(kind, delay_s=0.3, interval_s=0.0005, bytes_per_s=8 * MIB)
    sending = bench.sending(2 * MIB)
    assert (await bench.provider.upload(sending)).bytes == 2 * MIB


async def test_an_answer_that_drips_for_ever_ends_at_the_deadline(bench: Bench) -> None:
    bench.fault("drip", interval_s=0.5)
    error = await refused(bench.sending(1000), bench.provider)
    assert (error.code, error.sent) == (E.ANSWER_LOST, Sent.ALL)


async def test_another_size_is_passed_on(bench: Bench) -> None:
    bench.fault("wrong_size")
    assert (await bench.provider.upload(bench.sending(1000))).bytes == 1001


@pytest.mark.parametrize("which", ["unknown", "other region"])
async def test_a_wrong_key_is_told(bench: Bench, which: str) -> None:
    mine = FLAVOURS[bench.flavour]
    # Of the same provider if it has two regions.
    others = [f for f in FLAVOURS.values() if f is not mine]
    other = max(others, key=lambda f: f.provider == mine.provider)
    key = "sk-nobody.knows" if which == "unknown" else other.key
    provider = bench.client(key=key)
    error = await refused(bench.sending(100), provider)
    assert (error.code, error.outcome, error.is_answer) == (E.AUTH_FAILED, O.AUTH, True)
    with pytest.raises(TransferError, match="AUTH_FAILED"):
        await provider.list(bench.purpose)
    assert key not in str(error) + repr(error.__context__)
    await provider.close()


async def test_nobody_there_is_offline_and_nothing_left(bench: Bench, unused_tcp_port: int) -> None:
    provider = bench.client(base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")
    error = await refused(bench.sending(100), provider)
    assert (error.code, error.sent, error.outcome) == (E.OFFLINE, Sent.NOTHING, O.UNAVAILABLE)
    await provider.close()


async def test_the_list_is_complete_and_oldest_first(bench: Bench) -> None:
    assert await bench.provider.list(bench.purpose) == []
    count = {"bigmodel": 230, "zai": 99}.get(bench.flavour, 5)  # BigModel: three pages
    ids = [(await bench.provider.upload(bench.sending(20, f"n{i}.txt"))).id for i in range(count)]
    listed = await bench.provider.list(bench.purpose)
    assert {file.id for file in listed} == set(ids)
    assert len(listed) == count
    assert [f.created_at for f in listed] == sorted(f.created_at for f in listed)


async def test_find_and_delete(bench: Bench) -> None:
    remote = await bench.provider.upload(bench.sending(500))
    await bench.provider.upload(bench.sending(501))
    found = await bench.provider.find(remote.id, bench.purpose)
    assert found is not None
    assert (found.bytes, found.status) == (500, RemoteStatus.READY)
    await bench.provider.delete(remote.id)
    await bench.provider.delete(remote.id)
    assert await bench.provider.find(remote.id, bench.purpose) is None
    assert len(await bench.provider.list(bench.purpose)) == 1


async def test_a_gateways_404_says_nothing_about_a_file(bench: Bench) -> None:
    remote = await bench.provider.upload(bench.sending(500))
    lost = bench.client(base_url=bench.sandbox.url(bench.flavour) + "/nowhere")
    for attempt in (lost.delete(remote.id), lost.list(bench.purpose)):
        try:
            await attempt
        except TransferError:
            continue
        # Kimi words an unknown path like an unknown file; its list is not fooled.
        assert bench.flavour.startswith("kimi")
    bench.fault("http_status", status=404, form="html")
    with pytest.raises(TransferError):
        await bench.provider.delete(remote.id)
    with pytest.raises(TransferError):
        await bench.provider.find(remote.id, bench.purpose)
    await lost.close()
    assert len(bench.stored()) == 1


@pytest.mark.parametrize("file_id", ["..", ".", "a/b", "", "x" * 129, "é", "a b"])
async def test_impossible_ids_are_never_asked_for(bench: Bench, file_id: str) -> None:
    with pytest.raises(TransferError, match="REMOTE_NOT_FOUND"):
        await bench.provider.delete(file_id)


async def test_an_unknown_purpose_is_refused_before_sending(bench: Bench) -> None:
    sending = Sending(bench.file(100), "fine-tune")
    error = await refused(sending, bench.provider)
    assert (error.code, error.sent) == (E.INVALID_PURPOSE, Sent.NOTHING)
    older_name = await bench.provider.upload(Sending(bench.file(100), "assistants"))
    assert older_name.purpose == bench.purpose


async def test_many_small_uploads_at_once(bench: Bench) -> None:
    sendings = [bench.sending(10_240, f"f{i}.txt") for i in range(24)]
    remotes = await asyncio.gather(*(bench.provider.upload(s) for s in sendings))
    assert len({remote.id for remote in remotes}) == 24


async def test_content(bench: Bench) -> None:
    provider = bench.provider
    assert isinstance(provider, ExtractsText)
    remote = await provider.upload(bench.sending(500))
    if not text_purpose(bench.flavour).gives_text:
        with pytest.raises(TransferError, match="NOT_SUPPORTED"):
            await provider.content(remote.id)
        if bench.flavour != "bigmodel":
            return
        line = {"custom_id": "request-1", "method": "POST", "url": "/v4/chat/completions"}
        line["body"] = {"model": "glm-4-flash", "messages": []}  # type: ignore[assignment]
        path = bench.folder / "batch.jsonl"
        path.write_text(json.dumps(line), "utf-8")
        batch = await provider.upload(Sending(path, "batch"))
        assert json.loads(await provider.content(batch.id)) == line
        assert abs(batch.created_at - remote.created_at) < 300  # milliseconds came as seconds
        return
    assert (await provider.content(remote.id)).encode() == bench.file(500).read_bytes()
    with pytest.raises(TransferError, match="REMOTE_NOT_FOUND"):
        await provider.content("file_nobody")
    if not bench.flavour.startswith("kimi"):
        return
    bench.control("POST", "/settings", {"flavour": bench.flavour, "parse_s": 30})
    try:
        pending = await provider.upload(bench.sending(501))
        assert pending.status is RemoteStatus.PENDING
        with pytest.raises(TransferError, match="STILL_PROCESSING") as caught:
            await provider.content(pending.id)
        assert caught.value.retry_after
    finally:
        bench.control("POST", "/settings", {"flavour": bench.flavour, "parse_s": 0})
    bench.fault("parse_error", times=1)
    failed = await provider.upload(bench.sending(502))
    assert failed.status is RemoteStatus.ERROR
    with pytest.raises(TransferError, match="PARSE_FAILED"):
        await provider.content(failed.id)


@pytest.mark.parametrize(
    ("address", "key", "code"),
    [
        ("http://api.example.com/v1", "sk-x", E.INVALID_ACCOUNT),
        ("http://127.1/v1", "sk-x", E.INVALID_ACCOUNT),
        ("http://0x7f000001/v1", "sk-x", E.INVALID_ACCOUNT),
        ("ftp://127.0.0.1/v1", "sk-x", E.INVALID_ACCOUNT),
        ("https://me:secret@api.example.com/v1", "sk-x", E.INVALID_ACCOUNT),
        ("https://", "sk-x", E.INVALID_ACCOUNT),
        ("https://api.example.com:99999/v1", "sk-x", E.INVALID_ACCOUNT),
        ("no address", "sk-x", E.INVALID_ACCOUNT),
        ("https://api.example.com/v1", "sk-with\nnewline", E.INVALID_KEY_FORMAT),
        ("https://api.example.com/v1", "sk-кириллица", E.INVALID_KEY_FORMAT),
    ],
)
def test_bad_accounts_are_refused(address: str, key: str, code: ErrorCode) -> None:
    for kind in CLASSES:
        table = TABLE.provider(kind)
        assert table is not None
        with (
            ThreadPoolExecutor(1) as readers,
            pytest.raises(AccountError) as caught,
        ):
            CLASSES[kind](Account("t", kind, "", address), key, table, SETTINGS, readers)
        assert caught.value.code is code
        assert key not in str(caught.value)
        assert "secret" not in str(caught.value)


async def test_the_balance_is_told_where_it_is_offered(bench: Bench) -> None:
    kind, region = FLAVOURS[bench.flavour].provider, FLAVOURS[bench.flavour].region
    provider = bench.provider
    if kind != "kimi":
        assert not isinstance(provider, ReportsBalance)
        return
    assert isinstance(provider, ReportsBalance)
    assert await provider.balance() == Balance(49.5, "CNY" if region == "cn" else "USD")
    stranger = bench.client(key="sk-nobody-has-this-one-0000000000")
    assert isinstance(stranger, ReportsBalance)
    with pytest.raises(TransferError) as caught:
        await stranger.balance()
    await stranger.close()
    assert caught.value.code is ErrorCode.AUTH_FAILED
