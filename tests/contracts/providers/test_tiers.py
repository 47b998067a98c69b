"""What the transport tiers promise beyond the provider's contract."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks import child
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.settings import Settings
from exai_desktop.net.account_client import AccountClient
from exai_desktop.net.sdk_call import SdkCall, SdkUnusableError
from exai_desktop.providers.glm import GlmProvider
from exai_desktop.sandbox.serve import SandboxThread
from tests.contracts.providers.test_file_provider import TABLE, Sending

ZAI = ("glm", "zai", "agent")
SDKS = {"http": [], "openai": ["openai", "httpx2"], "native": ["zai"]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxThread]:
    with SandboxThread() as running:
        yield running


@pytest.fixture
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
async def line(sandbox: SandboxThread) -> AsyncIterator[AccountClient]:
    account = Account("t", "glm", "zai", sandbox.url("zai"))
    made = AccountClient(account, sandbox.key("zai"), Settings())
    yield made
    await made.close()


def glm(sandbox: SandboxThread, readers: ThreadPoolExecutor, order: str) -> GlmProvider:
    table = TABLE.provider("glm")
    assert table is not None
    account = Account("t", "glm", "zai", sandbox.url("zai"))
    return GlmProvider(account, sandbox.key("zai"), table, Settings(transport_order=order), readers)


@pytest.mark.parametrize("tier", SDKS)
def test_90_megabytes_are_flat_and_told_of(
    tier: str, sandbox: SandboxThread, tmp_path: Path
) -> None:
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_bytes(b"small\n")
    large.write_bytes(b"0123456789abcde\n" * 5_625_000)
    provider, region, purpose = ZAI
    with child.running("tier_child", tmp_path / "home") as process:
        seen = process.ask(
            "send",
            tier=tier,
            provider=provider,
            region=region,
            purpose=purpose,
            base_url=sandbox.url("zai"),
            key=sandbox.key("zai"),
            small=str(small),
            large=str(large),
        )
    assert (seen["tier"], seen["note"], seen["bytes"]) == (tier, "", 90_000_000)
    assert seen["growth"] < 20, seen
    assert seen["reports"] >= 5 * seen["cpu"], seen
    assert seen["largest_step"] <= 1024 * 1024
    # Only what the order names, and only once it is used.
    assert seen["sdks_at_start"] == []
    assert set(SDKS[tier]) <= set(seen["sdks"])
    for other, modules in SDKS.items():
        assert other == tier or not set(modules) & set(seen["sdks"]), seen


async def test_a_missing_sdk_is_said_and_the_file_goes_all_the_same(
    sandbox: SandboxThread,
    readers: ThreadPoolExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "zai", None)  # what the interpreter does for an absent one
    provider = glm(sandbox, readers, "native")
    path = tmp_path / "a.txt"
    path.write_bytes(b"text\n")
    assert (await provider.upload(Sending(path, "agent"))).bytes == 5
    status = provider.transport_status
    assert (status.name, status.step_downs) == ("http", 1)
    assert status.note == "native is not in use: zai-sdk is not installed"
    await provider.close()


@pytest.mark.parametrize("tier", ["openai", "native"])
async def test_a_key_goes_to_its_own_host_only(
    tier: str, sandbox: SandboxThread, readers: ThreadPoolExecutor, line: AccountClient
) -> None:
    call = SdkCall(line, readers)
    with ThreadPoolExecutor(1) as threads, pytest.raises(SdkUnusableError):
        await call.run(lambda client: client.get("https://api.example.com/v1/files"), threads)


async def test_a_second_request_is_not_sent(
    sandbox: SandboxThread, readers: ThreadPoolExecutor, line: AccountClient
) -> None:
    def insists(client: Any) -> None:
        client.get("files", params={"purpose": "agent"})
        client.get("files", params={"purpose": "agent"})

    before = len(_requests(sandbox))
    with ThreadPoolExecutor(1) as threads:
        assert (await SdkCall(line, readers).run(insists, threads)).status == 200
    assert len(_requests(sandbox)) == before + 1


@pytest.mark.parametrize("tier", ["openai", "native"])
async def test_what_others_left_in_the_environment_is_not_told(
    tier: str, readers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ORG_ID", "PROJECT_ID", "ADMIN_KEY"):
        monkeypatch.setenv(f"OPENAI_{name}", "not-for-anybody-else")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: not-for-anybody-else")
    heads: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        body = b'{"object": "list", "data": []}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    table = TABLE.provider("glm")
    assert table is not None
    account = Account("t", "glm", "zai", f"http://127.0.0.1:{port}/v4")
    provider = GlmProvider(
        account, "the-key-of.the-account", table, Settings(transport_order=tier), readers
    )
    async with server:
        assert await provider.list("agent") == []
        await provider.close()
    [head] = heads
    assert provider.transport == tier
    assert "not-for-anybody-else" not in head
    assert head.count("authorization:") == 1
    assert "authorization: bearer the-key-of.the-account" in head
    assert "accept-encoding: identity" in head
    assert ("x-stainless-" if tier == "openai" else "x-source-channel") in head


@pytest.mark.parametrize("tier", ["openai", "native"])
async def test_a_refusal_is_asked_once_and_by_one_tier(
    tier: str, sandbox: SandboxThread, readers: ThreadPoolExecutor, tmp_path: Path
) -> None:
    provider = glm(sandbox, readers, f"{tier},http")
    path = tmp_path / "a.xyz"
    path.write_bytes(b"text\n")
    before = len(_requests(sandbox))
    with pytest.raises(TransferError) as caught:
        await provider.upload(Sending(path, "agent"))
    assert caught.value.is_answer
    assert len(_requests(sandbox)) == before + 1
    assert provider.transport == tier
    await provider.close()


def _requests(sandbox: SandboxThread) -> list[dict[str, Any]]:
    import json
    import urllib.request

    request = urllib.request.Request(sandbox.control.url + "/requests")
    request.add_header("X-Sandbox-Control", sandbox.control.token)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)["requests"]
    return [r for r in found if r["flavour"]]
