"""A real server with OpenAI's files endpoints, written by others: npm's @copilotkit/aimock."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

KEY: Final = "sk-test-aimock-not-a-real-key"
PROGRAM: Final = Path(__file__).parents[1] / ".tools/aimock/node_modules/@copilotkit/aimock"
# It does not start without one; none of it is asked for.
FIXTURE: Final = '{"fixtures": [{"match": {"userMessage": "x"}, "response": {"content": "y"}}]}'


class AiMock(NamedTuple):
    url: str
    key: str = KEY


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def aimock(folder: Path, *options: str) -> Iterator[AiMock]:
    """Running on loopback; `options` are those of its command line."""
    if not PROGRAM.exists():
        pytest.fail("aimock is not there. Run: make test, which fetches it", pytrace=False)
    (folder / "fixtures").mkdir()
    (folder / "fixtures" / "one.json").write_text(FIXTURE)
    port = free_port()
    command = ["node", str(PROGRAM / "dist/cli.js"), "-p", str(port), "-f", "./fixtures"]
    process = subprocess.Popen(
        [*command, "--log-level", "warn", *options],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "AIMOCK_API_KEYS": KEY},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            assert process.poll() is None, "aimock ended"
            assert time.monotonic() < deadline, "aimock does not listen"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield AiMock(f"http://127.0.0.1:{port}/v1")
    finally:
        process.kill()
        process.wait(60)
