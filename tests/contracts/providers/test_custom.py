"""Accounts at other services, against a server with OpenAI's files endpoints by others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.models import RemoteStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.routing.capabilities import Provider
from exai_desktop.core.settings import Settings
from exai_desktop.providers.custom import CustomProvider
from tests.aibrix import aibrix
from tests.aimock import AiMock, aimock
from tests.contracts.providers.test_file_provider import TABLE, Sending

E = ErrorCode
LINE = b'{"custom_id": "1", "method": "POST", "url": "/v1/x", "body": {}}\n'
Make = Callable[..., CustomProvider]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AiMock]:
    with aimock(tmp_path_factory.mktemp("aimock")) as running:
        yield running


def known(purposes: tuple[str, ...] = ()) -> Provider:
    table = TABLE.of(Account("own", "custom", "own", "http://127.0.0.1/v1", purposes=purposes))
    assert table is not None
    return table


@asynccontextmanager
async def client(
    url: str, key: str, tier: str = "http", purposes: tuple[str, ...] = ()
) -> AsyncIterator[CustomProvider]:
    account = Account("own", "custom", "own", url, purposes=purposes)
    wanted = Settings(transport_order=tier, connect_timeout_s=5, read_timeout_s=5)
    with ThreadPoolExecutor(2) as readers:
        made = CustomProvider(account, key, known(purposes), wanted, readers)
        try:
            yield made
        finally:
            await made.close()


@pytest.fixture(scope="module")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AiMock]:
    with aibrix(tmp_path_factory.mktemp("aibrix")) as running:
        yield running


@pytest.fixture(
    params=[(kind, tier) for kind in ("server", "other_server") for tier in ("http", "openai")],
    ids="-".join,
)
async def provider(request: pytest.FixtureRequest) -> AsyncIterator[CustomProvider]:
    """By each way to send, at two servers that nobody here wrote."""
    kind, tier = request.param
    server: AiMock = request.getfixturevalue(kind)
    async with client(server.url, server.key, tier) as made:
        await made.ready()
        yield made
        assert made.transport == tier


def batch(folder: Path, name: str = "requests.jsonl", lines: int = 3) -> Sending:
    (folder / name).write_bytes(LINE * lines)
    return Sending(folder / name, "batch")


async def test_a_file_goes_there_is_found_read_and_deleted(
    provider: CustomProvider, tmp_path: Path
) -> None:
    sending = batch(tmp_path)
    remote = await provider.upload(sending)
    assert (remote.bytes, remote.purpose) == (3 * len(LINE), "batch")
    assert remote.status is RemoteStatus.READY
    assert sending.sent is Sent.ALL
    assert sending.totals[-1] == remote.bytes
    assert remote.id in {file.id for file in await provider.list("batch")}
    assert await provider.find(remote.id, "batch") == remote
    assert await provider.content(remote.id) == (LINE * 3).decode()
    await provider.delete(remote.id)
    assert await provider.find(remote.id, "batch") is None
    await provider.delete(remote.id)
    assert remote.id not in {file.id for file in await provider.list("batch")}


async def test_a_list_of_more_than_a_page_is_complete(
    provider: CustomProvider, tmp_path: Path
) -> None:
    made = {(await provider.upload(batch(tmp_path, f"{n}.jsonl", 1))).id for n in range(120)}
    listed = await provider.list("batch")
    assert made <= {file.id for file in listed}
    assert [f.created_at for f in listed] == sorted(f.created_at for f in listed)
    for file_id in made:
        await provider.delete(file_id)


async def test_a_wrong_key_is_told(server: AiMock, tmp_path: Path) -> None:
    async with client(server.url, "sk-test-wrong-not-a-real-key") as made:
        with pytest.raises(TransferError) as caught:
            await made.upload(batch(tmp_path))
        assert caught.value.code is E.AUTH_FAILED
        with pytest.raises(TransferError) as caught:
            await made.list("batch")
        assert caught.value.code is E.AUTH_FAILED


async def test_a_wrong_address_is_no_missing_file(server: AiMock) -> None:
    async with client(server.url + "/elsewhere", server.key) as made:
        with pytest.raises(TransferError) as caught:
            await made.list("batch")
        assert caught.value.code in (E.INVALID_ANSWER, E.REMOTE_NOT_FOUND)


async def test_what_the_server_does_not_take_is_a_definite_refusal(
    server: AiMock, tmp_path: Path
) -> None:
    """This one's limit is 10 MiB, and it knows six purposes."""
    (tmp_path / "large.jsonl").write_bytes(LINE * (11 * 1024 * 1024 // len(LINE)))
    async with client(server.url, server.key) as made:
        with pytest.raises(TransferError) as caught:
            await made.upload(Sending(tmp_path / "large.jsonl", "batch"))
        assert caught.value.is_answer
        assert caught.value.outcome is caught.value.outcome.REJECTED
    async with client(server.url, server.key, purposes=("nonsense:jsonl",)) as made:
        sending = batch(tmp_path)
        sending.purpose = "nonsense"
        with pytest.raises(TransferError) as caught:
            await made.upload(sending)
        assert caught.value.outcome is caught.value.outcome.REJECTED
        with pytest.raises(TransferError) as caught:
            await made.upload(batch(tmp_path))
        assert caught.value.code is E.INVALID_PURPOSE


async def test_a_server_that_throttles_is_waited_for(tmp_path: Path) -> None:
    with aimock(tmp_path, "--chaos-ratelimit", "1") as server:
        async with client(server.url, server.key) as made:
            with pytest.raises(TransferError) as caught:
                await made.upload(batch(tmp_path))
    assert caught.value.code is E.RATE_LIMITED
