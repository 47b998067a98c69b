"""A real Redis of the tests' own: on loopback, nothing on disk, ended by its id."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import pytest

from exai_desktop.storage.fleet.sealed import FleetKeys


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with closing(socket.create_connection(("127.0.0.1", port), 1)) as line:
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


@contextmanager
def redis_server(password: str = "") -> Iterator[str]:
    """Its URL, without the password."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail(
            "redis-server not found. Run: packaging/linux/install-system-packages test",
            pytrace=False,
        )
    port = _free_port()
    where = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(
        [program, *where, *(["--requirepass", password] if password else [])],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while not _answers(port):
            assert process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait(60)


FLEET_KEY: Final = "sk-fleet-not-a-real-key"


def fleet_keys(*identities: str) -> FleetKeys:
    """What a machine knows that has used these accounts."""
    keys = FleetKeys()
    keys.learn(identities, FLEET_KEY)
    return keys
