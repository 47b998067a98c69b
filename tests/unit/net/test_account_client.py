"""Requests and answers over real sockets, against servers that misbehave byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, Sent, TransferError
from exai_desktop.core.files.files import FileId
from exai_desktop.core.settings import Settings
from exai_desktop.net import account_client
from exai_desktop.net.account_client import MAX_ANSWER_BYTES, AccountClient, Answer, LineWatch
from exai_desktop.net.file_body import END_BYTES, frame
from exai_desktop.net.http_client import KEEP_ALIVE_S

E = ErrorCode
MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CLOSING = frame("p", "a.txt").tail
REFUSED = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


class Content:
    def __init__(self, size: int) -> None:
        self.data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        self.id = FileId(len(self.data), 0, 0, 0)

    def read_at(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]

    def has_changed(self) -> bool:
        return False

    def close(self) -> None:
        pass


class Sending:
    name, purpose = "a.txt", "p"
    block: int | None = None

    def __init__(self, size: int) -> None:
        self.file = Content(size)
        self.sha256 = hashlib.sha256(self.file.data).hexdigest()
        self.totals: list[int] = []
        self.sent = Sent.NOTHING

    def on_bytes(self, total_sent: int) -> None:
        self.totals.append(total_sent)

    async def may_leave(self, size: int) -> None:
        """At once."""

    def on_left(self, sent: Sent) -> None:
        self.sent = sent


@asynccontextmanager
async def served(
    handler: Handler,
    *,
    tls: ssl.SSLContext | None = None,
    trust: ssl.SSLContext | None = None,
    **changes: float,
) -> AsyncIterator[AccountClient]:
    """A client of a server that runs `handler` for each connection."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=tls, limit=MIB)
    port = server.sockets[0].getsockname()[1]
    settings = Settings.model_validate(
        {"connect_timeout_s": 5, "write_timeout_s": 1, "read_timeout_s": 1, **changes}
    )
    address = f"http{'s' if tls else ''}://127.0.0.1:{port}/v1"
    client = AccountClient(Account("t", "kimi", "intl", address), "sk-key", settings, tls=trust)
    try:
        yield client
    finally:
        await client.close()
        server.close()
        await asyncio.sleep(0.01)


async def request_head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


async def whole_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = await request_head(reader)
    lines = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
    length = int(lines[0].split(":")[1]) if lines else 0
    return head, await reader.readexactly(length)


def answering(raw: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await whole_request(reader)
            writer.write(raw)
            await writer.drain()

    return handler


async def failed(ask: Awaitable[Answer]) -> TransferError:
    with pytest.raises(TransferError) as caught:
        await ask
    assert "sk-key" not in f"{caught.value!r} {caught.value.__context__!r}"
    return caught.value


async def test_what_a_request_says() -> None:
    heads: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await whole_request(reader))[0])
        writer.write(OK)

    async with served(handler) as client:
        answer = await client.ask("GET", "files", {"purpose": "a b", "limit": 1})
    assert (answer.status, answer.json_object(), answer.sent) == (200, {}, Sent.NOTHING)
    head = heads[0].lower()
    assert head.startswith("get /v1/files?purpose=a+b&limit=1 http/1.1\r\n")
    assert "\r\nauthorization: bearer sk-key\r\n" in head
    assert "\r\naccept-encoding: identity\r\n" in head


async def test_requests_share_a_connection_however_large_they_are(
    readers: ThreadPoolExecutor,
) -> None:
    connections: list[int] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(connections)
        connections.append(0)
        while True:
            await whole_request(reader)
            connections[mine] += 1
            writer.write(OK)

    async with served(handler) as client:
        for _ in range(3):
            await client.ask("GET", "files")
            await client.upload("files", Sending(1000), "p", readers)
        await client.upload("files", Sending(3 * MIB), "p", readers)
        await client.upload("files", Sending(3 * MIB), "p", readers)
        await client.ask("GET", "files")
    assert connections == [9]
    assert KEEP_ALIVE_S < 5


async def test_a_connection_the_server_has_closed_is_not_used_again(
    readers: ThreadPoolExecutor,
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(OK)  # and hangs up without saying so

    async with served(handler) as client:
        for _ in range(20):
            answer = await client.upload("files", Sending(1000), "p", readers)
            assert answer.sent is Sent.ALL


@pytest.mark.parametrize("manner", ["hang up", "half-close", "drain", "stop reading", "slowly"])
async def test_an_early_answer_is_heard(readers: ThreadPoolExecutor, manner: str) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        if manner == "slowly":
            for place in range(len(REFUSED)):
                writer.write(REFUSED[place : place + 1])
                await asyncio.sleep(0.001)
        writer.write(REFUSED)
        await writer.drain()
        if manner == "hang up":
            return
        if manner == "half-close":
            writer.write_eof()
        if manner == "stop reading":
            await asyncio.sleep(0.5)
        while await reader.read(MIB):
            pass

    async with served(handler) as client:
        for _ in range(5):
            sending = Sending(30 * MIB)
            answer = await client.upload("files", sending, "p", readers)
            assert (answer.status, answer.sent) == (413, Sent.SOME)
            assert sending.sent is Sent.SOME


INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\nX-Step: reading\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nLink: </b>\r\n\r\n",
    "unknown, no reason": b"HTTP/1.1 199\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 100 Go\nA: b\n\n",
}


@pytest.mark.parametrize("times", [1, 1_000])
@pytest.mark.parametrize("way", ["whole", "byte by byte"])
@pytest.mark.parametrize("kind", INTERIM)
async def test_interim_answers_stop_no_body(
    readers: ThreadPoolExecutor, kind: str, way: str, times: int
) -> None:
    times = min(times, 20) if way == "byte by byte" else times
    got = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        head = await request_head(reader)
        length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
        got = len(await reader.readexactly(64 * 1024))
        for _ in range(times):
            for piece in [INTERIM[kind]] if way == "whole" else map(bytes, zip(INTERIM[kind])):
                writer.write(piece)
                await writer.drain()
                # The body goes on meanwhile: pieces come between its blocks.
                got += len(await reader.read(min(16 * 1024, length - got))) if got < length else 0
        got += len(await reader.readexactly(length - got))
        writer.write(INTERIM[kind] + OK)
        await writer.drain()

    async with served(handler, read_timeout_s=60, write_timeout_s=60) as client:
        answer = await client.upload("files", Sending(30 * MIB), "p", readers)
    assert (answer.status, answer.sent) == (200, Sent.ALL)
    assert got > 30 * MIB


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", id="101"),
        pytest.param(INTERIM["103"] * 10_000, id="flood"),
        pytest.param(INTERIM["100"] + REFUSED, id="an answer behind one"),
        pytest.param(b"HTTP/1.1 103 Hints\r\n" + b"A: " + b"b" * MIB, id="endless head"),
    ],
)
async def test_what_is_no_interim_answer_stops_the_body(
    readers: ThreadPoolExecutor, said: bytes
) -> None:
    got = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        await request_head(reader)
        writer.write(said)
        while data := await reader.read(64 * 1024):
            got += len(data)

    async with served(handler) as client:
        with contextlib.suppress(TransferError):
            await client.upload("files", Sending(200 * MIB), "p", readers)
    assert got < 100 * MIB


@pytest.mark.parametrize("size", [1, 10_000, 3 * MIB])
async def test_the_end_stays_here_when_the_connection_breaks_before_it(
    readers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """All bytes before it may have been taken: it is held back until a reset would have come."""
    monkeypatch.setattr(account_client, "_CALM_S", 20.0)
    monkeypatch.setattr(account_client, "_CALM_LARGE_S", 20.0)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await request_head(reader)
        length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
        await reader.readexactly(length - min(size, END_BYTES) - len(CLOSING))
        writer.transport.abort()

    async with served(handler) as client:
        sending = Sending(size)
        error = await failed(client.upload("files", sending, "p", readers))
    assert (error.code, error.sent, error.is_answer) == (E.UPLOAD_CUT, Sent.SOME, False)
    assert sending.sent is Sent.SOME


async def test_after_a_cut_the_moment_before_the_end_is_longer() -> None:
    line = LineWatch()
    for _ in range(5):
        line.answered(0.0001)
    assert 0 < line.moment_s(100) == line.moment_s(MIB) < 0.005
    for _ in range(50):
        line.answered(8.0)
    calm = line.moment_s(100)
    assert 0 < line.moment_s(MIB) < calm < 0.1
    line.cut()
    assert calm < line.moment_s(100) == line.moment_s(MIB) < 1


@pytest.mark.skipif(sys.platform != "linux", reason="only its kernel tells what is on the line")
async def test_the_end_waits_until_the_bytes_before_it_are_on_the_line(
    readers: ThreadPoolExecutor,
) -> None:
    """A slow line: the kernel has taken all of it at once, and most of it is still there."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.bind(("127.0.0.1", 0))
        line.listen()
        address = f"http://127.0.0.1:{line.getsockname()[1]}/v1"
        client = AccountClient(Account("t", "kimi", "intl", address), "sk-key", Settings())
        sending = Sending(500_000)
        task = asyncio.create_task(client.upload("files", sending, "p", readers))
        while sending.sent is Sent.NOTHING:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        before = sending.sent

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await whole_request(reader)
            writer.write(OK)
            writer.close()

        async with await asyncio.start_server(handler, sock=line):
            assert (await task).status == 200
        await client.close()
    assert (before, sending.sent) == (Sent.SOME, Sent.ALL)


async def test_an_early_answer_cut_short_still_counts(readers: ThreadPoolExecutor) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    async with served(handler) as client:
        answer = await client.upload("files", Sending(30 * MIB), "p", readers)
    assert (answer.status, answer.body, answer.sent) == (401, b"", Sent.SOME)


async def test_a_server_that_stops_reading_is_given_up(readers: ThreadPoolExecutor) -> None:
    gone = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        await gone.wait()

    async with served(handler, write_timeout_s=0.3) as client:
        error = await failed(client.upload("files", Sending(40 * MIB), "p", readers))
        gone.set()
    assert (error.code, error.sent) == (E.UPLOAD_CUT, Sent.SOME)


MANY = b"".join(b"X-%d: y\r\n" % n for n in range(120))
NONSENSE = {
    "too large": b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_ANSWER_BYTES + 1),
    "many headers": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + MANY + b"\r\n{}",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_answers_that_are_not_taken(name: str, readers: ThreadPoolExecutor) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(NONSENSE[name])
        await writer.drain()

    async with served(handler) as client:
        error = await failed(client.upload("files", Sending(1000), "p", readers))
        assert (error.code, error.sent, error.status) == (E.INVALID_ANSWER, Sent.ALL, 200)
        assert not error.is_answer
        assert (await failed(client.ask("GET", "files"))).sent is Sent.NOTHING


LOST = {
    "nothing": b"",
    "not http": b"220 mail.example.com ESMTP\r\n",
    "cut head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "huge head": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
}


@pytest.mark.parametrize("name", LOST)
async def test_answers_that_never_come_whole(name: str, readers: ThreadPoolExecutor) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(LOST[name])
        await writer.drain()

    async with served(handler) as client:
        error = await failed(client.upload("files", Sending(1000), "p", readers))
        assert (error.code, error.sent) == (E.ANSWER_LOST, Sent.ALL)
        error = await failed(client.ask("GET", "files"))
        assert (error.code, error.sent) == (E.NETWORK_ERROR, Sent.NOTHING)


async def test_a_question_nobody_answers_ends_in_time() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        await reader.read()

    async with served(handler, read_timeout_s=0.4) as client, asyncio.timeout(60):
        error = await failed(client.ask("GET", "files"))
    assert (error.code, error.sent) == (E.TIMEOUT, Sent.NOTHING)


async def test_a_dripping_answer_ends_at_the_deadline(readers: ThreadPoolExecutor) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with served(handler, read_timeout_s=0.4) as client, asyncio.timeout(60):
        error = await failed(client.upload("files", Sending(1000), "p", readers))
    assert (error.code, error.sent) == (E.ANSWER_LOST, Sent.ALL)


async def test_a_100_continue_is_no_early_answer(readers: ThreadPoolExecutor) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" + OK)

    async with served(handler) as client:
        answer = await client.upload("files", Sending(3 * MIB), "p", readers)
    assert (answer.status, answer.sent) == (200, Sent.ALL)


async def test_redirects_are_not_followed() -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with served(answering(moved)) as client:
        assert (await client.ask("GET", "files")).status == 307


class Certificate:
    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        built = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self.file = folder / "cert.pem"
        self.file.write_bytes(
            built.public_bytes(pem)
            + key.private_bytes(
                pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(self.file)


async def test_uploads_over_tls(tmp_path: Path, readers: ThreadPoolExecutor) -> None:
    certificate = Certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate.file))
    bodies: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            bodies.append((await whole_request(reader))[1])
            writer.write(OK)

    async with served(handler, tls=certificate.server, trust=trust) as client:
        for size in (1000, 1000, 5 * MIB):
            sending = Sending(size)
            answer = await client.upload("files", sending, "p", readers)
            assert (answer.status, answer.sent) == (200, Sent.ALL)
            assert sending.file.data in bodies[-1]
            assert sending.totals[-1] == sending.file.id.size


async def test_an_early_answer_is_heard_over_tls(
    tmp_path: Path, readers: ThreadPoolExecutor
) -> None:
    certificate = Certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate.file))

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(REFUSED)
        await writer.drain()
        while await reader.read(MIB):
            pass

    async with served(handler, tls=certificate.server, trust=trust) as client:
        answer = await client.upload("files", Sending(30 * MIB), "p", readers)
    assert (answer.status, answer.sent) == (413, Sent.SOME)


@pytest.mark.parametrize("secure", [False, True])
async def test_a_slow_line_is_not_given_up(
    tmp_path: Path, readers: ThreadPoolExecutor, secure: bool
) -> None:
    certificate = Certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate.file))

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await request_head(reader)
        left = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        while left:
            left -= len(await reader.read(256 * 1024))
            await asyncio.sleep(0.06)
        writer.write(OK)

    tls = certificate.server if secure else None
    async with served(
        handler, tls=tls, trust=trust, write_timeout_s=1.0, read_timeout_s=30
    ) as client:
        answer = await client.upload("files", Sending(12 * MIB), "p", readers)
    assert answer.status == 200


async def test_an_unknown_authority_gets_nothing(
    tmp_path: Path, readers: ThreadPoolExecutor
) -> None:
    certificate = Certificate(tmp_path)
    heard = threading.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()

    async with served(handler, tls=certificate.server) as client:
        error = await failed(client.upload("files", Sending(1000), "p", readers))
    assert (error.code, error.sent, error.is_answer) == (E.CERTIFICATE_UNKNOWN, Sent.NOTHING, False)
    assert error.detail
    assert not heard.is_set()


async def test_the_proxy_of_the_settings_is_used(readers: ThreadPoolExecutor) -> None:
    asked: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await request_head(reader)).split("\r\n")[0])
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    address = f"http://me:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = Settings.model_validate({"proxy": address})
    account = Account("t", "kimi", "intl", "https://api.example.com/v1")
    client = AccountClient(account, "sk-key", settings)
    error = await failed(client.upload("files", Sending(1000), "p", readers))
    await client.close()
    server.close()
    assert asked == ["CONNECT api.example.com:443 HTTP/1.1"]
    assert (error.code, error.sent) == (E.PROXY_AUTH_REQUIRED, Sent.NOTHING)
    assert "secret" not in str(error)


FAR = Account("t", "kimi", "intl", "https://api.example.com/v1")
HERE = Account("t", "kimi", "intl", "http://127.0.0.1:1/v1")


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "socks", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "http://:1", "socks4://x:1"])
@pytest.mark.parametrize("account", [FAR, HERE])
def test_a_proxy_that_cannot_be_used_is_told(proxy: str, account: Account) -> None:
    settings = Settings.model_construct(proxy=proxy)  # the settings themselves refuse it
    with pytest.raises(AccountError, match="UNUSABLE_SETTING"):
        AccountClient(account, "k", settings)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("account", [FAR, HERE])
@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "SOCKS_PROXY"])
def test_a_proxy_of_the_environment_that_cannot_be_used_is_told(
    variable: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "socks4://me:s3cr3t@127.0.0.1:1080")
    with pytest.raises(AccountError, match="UNUSABLE_SETTING") as caught:
        AccountClient(account, "k", Settings())
    assert caught.value.detail.startswith(f"{variable}: ")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("address", ["socks://127.0.0.1:{}/", "SOCKS://127.0.0.1:{}"])
async def test_a_socks_proxy_as_gnome_writes_it_is_used(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(3))
        writer.write(b"\x05\x00")
        heard.append(await reader.readexactly(5 + len("api.example.com") + 2))
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    monkeypatch.setenv("ALL_PROXY", address.format(server.sockets[0].getsockname()[1]))
    client = AccountClient(FAR, "sk-key", Settings())
    error = await failed(client.ask("GET", "files"))
    await client.close()
    server.close()
    greeting, request = heard
    assert greeting[:1] == b"\x05"  # of SOCKS 5
    assert b"api.example.com" in request  # the name is looked up there, not here
    assert error.sent is Sent.NOTHING


@pytest.mark.usefixtures("no_proxy")
def test_the_proxy_for_https_comes_before_the_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:3128")
    AccountClient(FAR, "k", Settings())
    monkeypatch.setenv("NO_PROXY", "api.example.com")
    monkeypatch.delenv("HTTPS_PROXY")
    AccountClient(FAR, "k", Settings())
