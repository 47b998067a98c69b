"""A running sandbox for tests, with a client that shares no code with the program."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from exai_desktop.sandbox.serve import SandboxThread
from exai_desktop.sandbox.settings import SandboxSettings

KIMI = "kimi-intl"
ALL = ["kimi-intl", "kimi-cn", "zai", "bigmodel"]
BETA = {"kimi-api-version": "2026-09-01-beta"}
TEXT = b"first line\nsecond line\n"
PURPOSES = {"kimi-intl": "file-extract", "kimi-cn": "file-extract", "zai": "agent"}


class Rig:
    """The sandbox, a client, and short ways to say what the tests say often."""

    def __init__(self, sandbox: SandboxThread, client: httpx.Client) -> None:
        self.sandbox = sandbox
        self.client = client

    def call(self, flavour: str, method: str, path: str, **more: Any) -> httpx.Response:
        """A request with the flavour's own key, unless `key` says otherwise."""
        key = more.pop("key", self.sandbox.key(flavour))
        headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
        url = self.sandbox.url(flavour) + path
        return self.client.request(method, url, headers=headers, **more)

    def upload(
        self, flavour: str, name: str = "a.txt", body: bytes = TEXT, **more: Any
    ) -> httpx.Response:
        """POST /files."""
        purpose = more.pop("purpose", PURPOSES.get(flavour, "agent"))
        data = {} if purpose is None else {"purpose": purpose}
        return self.call(
            flavour,
            "POST",
            "/files",
            files={"file": (name, body)},
            data={**data, **more.pop("data", {})},
            **more,
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A control request; it must succeed."""
        url, token = self.sandbox.control
        answer = self.client.request(
            method, url + path, json=body, headers={"X-Sandbox-Control": token}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settings(self, **values: Any) -> None:
        """Change limits."""
        self.control("POST", "/settings", values)

    def faults(self, *faults: dict[str, Any]) -> None:
        """Install a fault script."""
        self.control("POST", "/faults", list(faults))

    def stored(self, flavour: str | None = None) -> list[dict[str, Any]]:
        """What the sandbox really has, deleted files included."""
        files = self.control("GET", "/files" + (f"?flavour={flavour}" if flavour else ""))["files"]
        assert isinstance(files, list)
        return files

    def requests(self) -> list[dict[str, Any]]:
        """The provider requests in the log."""
        return [r for r in self.control("GET", "/requests")["requests"] if r["flavour"]]

    def open(self, flavour: str) -> socket.socket:
        """A bare connection."""
        where = urlsplit(self.sandbox.url(flavour))
        assert where.hostname is not None
        return socket.create_connection((where.hostname, where.port or 80), timeout=5)


def multipart(*parts: tuple[str, bytes], boundary: str = "xYzZy") -> bytes:
    """A body of parts given as (Content-Disposition value, bytes)."""
    pieces = [
        f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + body + b"\r\n"
        for disposition, body in parts
    ]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


FILE_PART = 'form-data; name="file"; filename="a.txt"'
PURPOSE_PART = 'form-data; name="purpose"'


def post_head(rig: Rig, flavour: str, length: int) -> bytes:
    """The head of a raw POST /files."""
    path = urlsplit(rig.sandbox.url(flavour)).path
    return (
        f"POST {path}/files HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {rig.sandbox.key(flavour)}\r\n"
        "Content-Type: multipart/form-data; boundary=xYzZy\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def read_answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and JSON of an answer with a Content-Length."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += _some(connection)
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith("content-length:"))
    while len(body) < length:
        body += _some(connection)
    answer = json.loads(body)
    assert isinstance(answer, dict)
    return int(lines[0].split()[1]), answer


def _some(connection: socket.socket) -> bytes:
    piece = connection.recv(65_536)
    assert piece, "the server ended the connection"
    return piece


def eventually(happened: Callable[[], bool], within_s: float = 60.0) -> bool:
    """Whether it happens soon."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.01)
    return happened()


@contextlib.contextmanager
def running(settings: SandboxSettings | None = None) -> Iterator[Rig]:
    """A rig that lasts for a `with` block."""
    with (
        SandboxThread(settings) as sandbox,
        httpx.Client(trust_env=False, verify=False, timeout=60) as client,
    ):
        yield Rig(sandbox, client)


@pytest.fixture(scope="module")
def shared_rig() -> Iterator[Rig]:
    """One sandbox for a module."""
    with running() as rig:
        yield rig


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    """The module's sandbox, as fresh as at its start."""
    shared_rig.control("POST", "/reset")
    return shared_rig
