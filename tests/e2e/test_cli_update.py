"""`update`: a newer version is told when the project has signed for it, and only then."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exai_desktop.config.installation.release_feed import PURPOSE

from .program import Program

# The program with another public key in it, as nothing else may change it.
OTHER_KEY = """
import sys
from exai_desktop.config.installation import release_feed
key = sys.argv.pop(1)
release_feed.release_place = lambda: release_feed.ReleasePlace("", (key,))
from exai_desktop.__main__ import main
main()
"""


class Publisher:
    """Whoever has the key, and a server on loopback."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._key = Ed25519PrivateKey.generate()
        self.content, self.status, self.requests = b"", 200, []  # type: ignore[var-annotated]
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.requests.append((self.path, dict(self.headers)))
                self.send_response(publisher.status)
                self.send_header("Content-Length", str(len(publisher.content)))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(publisher.content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/releases.json"

    def publish(self, number: int = 1, version: str = "99.1", **other: Any) -> None:
        fields = {
            "product": "exai-desktop",
            "number": number,
            "valid_until": int(time.time()) + 86_400,
            "version": version,
            "page": "https://downloads.example/99.1",
            "notes": "Faster.",
        }
        text = json.dumps(fields | other)
        signature = self._key.sign(PURPOSE + text.encode()).hex()
        self.content = json.dumps({"signed": text, "signature": signature}).encode()

    def run(self, *words: str, key: str = "") -> tuple[int, str]:
        own = self._key.public_key().public_bytes_raw().hex()
        address = {"EXAI_DESKTOP_UPDATE_ADDRESS": self.address}
        ended = subprocess.run(
            [sys.executable, "-c", OTHER_KEY, key or own, "update", *words],
            env=os.environ | self._program.environment | address,
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def publisher(program: Program) -> Iterator[Publisher]:
    made = Publisher(program)
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_a_newer_version_is_told_and_nothing_of_the_user_is_sent(publisher: Publisher) -> None:
    publisher.publish()
    code, said = publisher.run("--check")
    assert code == 0, said
    assert "Version 99.1 is published: https://downloads.example/99.1" in said
    assert "Faster." in said
    [(path, headers)] = publisher.requests
    assert path == "/releases.json"
    assert set(headers) <= {"Host", "Accept", "Accept-Encoding", "Connection", "User-Agent"}
    assert headers["User-Agent"] == "exai-desktop"
    # It is known from now on without asking anybody.
    code, said = publisher.run("--json")
    assert json.loads(said)["newest"] == "99.1"
    assert len(publisher.requests) == 1


def test_an_older_list_that_is_brought_back_is_refused(publisher: Publisher) -> None:
    publisher.publish(number=5)
    assert publisher.run("--check")[0] == 0
    publisher.publish(number=4, version="99.2")
    code, said = publisher.run("--check")
    assert code == 1
    assert "UPDATE_FEED_REFUSED" in said
    assert "99.2" not in publisher.run()[1]


def test_what_somebody_else_has_signed_is_refused(publisher: Publisher) -> None:
    publisher.publish()
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    code, said = publisher.run("--check", key=stranger)
    assert code == 1
    assert "its signature is not that of the project" in said
    assert "99.1" not in publisher.run()[1]


def test_a_redirect_is_not_followed(publisher: Publisher) -> None:
    publisher.status = 302
    code, said = publisher.run("--check")
    assert code == 1
    assert "UPDATE_CHECK_FAILED" in said
    assert [path for path, _ in publisher.requests] == ["/releases.json"]


def test_a_build_without_a_key_asks_nobody(program: Program) -> None:
    ended = program.run("update", "--check").expect(1)
    assert "UPDATE_CHECK_OFF" in ended.err
    assert "does not know where releases are published" in program.run("update").expect(0).out
