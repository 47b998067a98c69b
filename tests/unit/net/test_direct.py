"""What goes past httpx is what httpx would send, and is judged as before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import httpx
import pytest

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.settings import Settings
from exai_desktop.net import account_client
from exai_desktop.net.account_client import AccountClient, read_answer
from exai_desktop.net.direct import from_httpx, texts_of
from exai_desktop.net.error_map import NETWORK_EXCEPTIONS, translate
from exai_desktop.net.file_body import END_BYTES, FileBody
from exai_desktop.net.http_client import build_client
from exai_desktop.net.network_backend import ON_WRITE
from tests.unit.net.test_account_client import (
    CLOSING,
    MIB,
    OK,
    Sending,
    answering,
    request_head,
    served,
    whole_request,
)

KEY = "sk-key"
Judged = tuple[str, Sent]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@asynccontextmanager
async def _address_of(handler: Handler) -> AsyncIterator[tuple[Account, Settings]]:
    """The account that `served` makes a client for, so that others can be made for it."""
    async with served(handler) as client:
        settings = Settings.model_validate(
            {"connect_timeout_s": 5, "write_timeout_s": 1, "read_timeout_s": 1}
        )
        yield Account("t", "kimi", "intl", str(client.base_url)), settings


async def _by_httpx(
    account: Account, settings: Settings, sending: Sending, readers: ThreadPoolExecutor
) -> Judged:
    """As it was done before: a request of httpx, sent by its client, the error translated."""
    body = FileBody(sending, "p", readers)
    headers = {"Content-Type": body.content_type, "Content-Length": str(body.length)}
    async with build_client(account, KEY, settings) as client:
        request = client.build_request("POST", "files", headers=headers)
        request.stream = body
        body.moment_s = account_client._CALM_S
        told = ON_WRITE.set(body.goes_out_on)
        try:
            async with asyncio.timeout(40):
                response = await client.send(request, stream=True)
                answer = await read_answer(from_httpx(response), body.sent)
                await response.aclose()
                return str(answer.status), body.sent
        except TransferError as error:
            return error.code.name, error.sent
        except NETWORK_EXCEPTIONS as error:
            failure = translate(error, body.sent)
            return failure.code.name, failure.sent
        finally:
            ON_WRITE.reset(told)
            await body.close()


async def _directly(
    account: Account, settings: Settings, sending: Sending, readers: ThreadPoolExecutor
) -> Judged:
    client = AccountClient(account, KEY, settings)
    try:
        answer = await client.upload("files", sending, "p", readers)
    except TransferError as error:
        return error.code.name, error.sent
    else:
        return str(answer.status), answer.sent
    finally:
        await client.close()


@pytest.mark.parametrize("size", [1, END_BYTES, 10_000, 3 * MIB])
async def test_both_ways_put_the_same_bytes_on_the_wire(
    size: int, readers: ThreadPoolExecutor
) -> None:
    seen: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await whole_request(reader)
        [boundary] = re.findall(r"boundary=([0-9a-f]{32})", head)
        seen.append((head + body.decode()).replace(boundary, "B"))
        writer.write(OK)

    async with _address_of(handler) as (account, settings):
        for way in (_by_httpx, _directly, _directly):
            assert await way(account, settings, Sending(size), readers) == ("200", Sent.ALL)
    assert seen[0].startswith("POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:")
    assert seen[0] == seen[1] == seen[2]


# How many bytes of the body the server takes before it hangs up; None: no answer to all of it.
CUTS = {"at once": 0, "in its frame": 50, "in the file": 5_000, "before its end": -END_BYTES}


@pytest.mark.parametrize("cut", [*CUTS, "after its end", "in the answer"])
async def test_both_ways_judge_a_cut_alike(
    cut: str, readers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cut in CUTS:
        # However busy the machine is: the end waits until the reset has come.
        monkeypatch.setattr(account_client, "_CALM_S", 20.0)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if cut in CUTS:
            head = await request_head(reader)
            length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
            taken = CUTS[cut]
            await reader.readexactly(taken if taken >= 0 else length + taken - len(CLOSING))
        else:
            await whole_request(reader)
            if cut == "in the answer":
                writer.write(OK[:-1])
                await writer.drain()
        writer.transport.abort()

    async with _address_of(handler) as (account, settings):
        judged = [
            await way(account, settings, Sending(10_000), readers) for way in (_by_httpx, _directly)
        ]
    assert judged[0] == judged[1]
    is_whole = cut not in CUTS
    assert judged[1][1] is (Sent.ALL if is_whole else Sent.SOME)
    assert judged[1][0] == ("ANSWER_LOST" if is_whole else "UPLOAD_CUT")


ANSWERS = {
    "refused": b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}",
    "redirect": b"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "compressed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "in pieces": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.0 200 OK\r\n\r\n{}",
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_both_ways_judge_an_answer_alike(name: str, readers: ThreadPoolExecutor) -> None:
    async with _address_of(answering(ANSWERS[name])) as (account, settings):
        one, two = [
            await way(account, settings, Sending(10_000), readers) for way in (_by_httpx, _directly)
        ]
    assert one == two


async def test_an_address_that_is_none_is_not_looked_at(readers: ThreadPoolExecutor) -> None:
    """httpx took it apart, although it would not have gone there, and the answer was lost."""
    answer = b"HTTP/1.1 302 There\r\nLocation: http://[/\r\nContent-Length: 0\r\n\r\n"
    async with _address_of(answering(answer)) as (account, settings):
        assert await _directly(account, settings, Sending(10), readers) == ("302", Sent.ALL)


async def test_no_cookie_is_kept(readers: ThreadPoolExecutor) -> None:
    heads: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append((await whole_request(reader))[0].lower())
            writer.write(OK.replace(b"\r\n", b"\r\nSet-Cookie: who=me\r\n", 1))

    async with served(handler) as client:
        for _ in range(2):
            await client.ask("GET", "files")
            await client.upload("files", Sending(10), "p", readers)
    assert len(heads) == 4
    assert not [head for head in heads if "cookie" in head]


async def test_the_head_leaves_with_the_first_block(readers: ThreadPoolExecutor) -> None:
    first: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(64 * 1024)
        first.append(data)
        while not data.endswith(b"--\r\n"):
            data += await reader.read(64 * 1024)
        writer.write(OK)

    async with served(handler) as client:
        await client.upload("files", Sending(10_000), "p", readers)
    head, _, body = first[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST ")
    assert len(body) >= 10_000 - END_BYTES


async def test_the_head_goes_ahead_when_the_body_lets_it_wait(readers: ThreadPoolExecutor) -> None:
    """A server closes a connection on which nothing comes for some seconds."""
    has_come = asyncio.Event()

    class Waiting(Sending):
        async def may_leave(self, size: int) -> None:
            await has_come.wait()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        has_come.set()
        while not (await reader.read(64 * 1024)).endswith(b"--\r\n"):
            pass
        writer.write(OK)

    async with served(handler) as client:
        assert (await client.upload("files", Waiting(100), "p", readers)).status == 200


async def test_a_closed_client_opens_no_connection(readers: ThreadPoolExecutor) -> None:
    async with served(answering(OK)) as client:
        await client.close()
        with pytest.raises(RuntimeError):
            await client.upload("files", Sending(10), "p", readers)


async def test_connections_that_nobody_uses_are_closed(readers: ThreadPoolExecutor) -> None:
    opened, ended = 0, asyncio.Event()
    asked, go = asyncio.Event(), asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        try:
            while True:
                head, _ = await whole_request(reader)
                if "slow" in head:
                    asked.set()
                    await go.wait()
                writer.write(OK)
        except asyncio.IncompleteReadError:
            ended.set()
            raise

    async with served(handler, read_timeout_s=60) as client:
        await client.upload("files", Sending(10), "p", readers)
        await client.close_unused()  # it was used a moment ago
        await client.upload("files", Sending(10), "p", readers)
        assert opened == 1
        await client.close_unused()
        await client.close_unused()
        await ended.wait()
        slow = asyncio.create_task(client.ask("GET", "slow"))
        await asked.wait()
        for _ in range(3):
            await client.close_unused()  # it is under way
        go.set()
        assert (await slow).status == 200
    assert opened == 2


@pytest.mark.parametrize(
    "raw",
    [
        [(b"Date", b"x"), (b"X-A", b"1"), (b"x-a", b"2")],
        [(b"X-Name", "é".encode()), (b"X-B", b"")],
        [(b"X-Name", b"\xe9"), (b"X-C", b"plain")],
    ],
)
def test_headers_are_read_as_httpx_reads_them(raw: list[tuple[bytes, bytes]]) -> None:
    assert texts_of(raw) == {n.lower(): v for n, v in httpx.Headers(raw).items()}
