"""Data API and sign-in before a database: npm's @supabase/lite, written by others.

It is no PostgREST: what it lacks or does otherwise stands in `test_data_api.py`.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.aimock import free_port

from .project import HERE, Project

PACKAGES: Final = HERE.parents[1] / ".tools" / "supabase-lite" / "node_modules"
PUBLISHABLE: Final = "sb_publishable_" + "test" * 6
PASSWORD: Final = "obviously-not-a-real-password-1"


class DataApi:
    """A client with the publishable key; signed in, or not."""

    def __init__(self, url: str, stack: ExitStack, token: str | None = None) -> None:
        headers = {"apikey": PUBLISHABLE}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._url = url
        # Closes the connections.
        self._stack = stack
        client = httpx.Client(base_url=url, headers=headers, timeout=120, verify=False)
        self.http = stack.enter_context(client)

    def call(self, function: str, **arguments: object) -> httpx.Response:
        return self.http.post(f"/rest/v1/rpc/{function}", json=arguments)

    def value(self, function: str, **arguments: object) -> Any:
        answer = self.call(function, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sign_up(self, email: str) -> httpx.Response:
        return self.http.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})

    def signed_in(self, email: str) -> DataApi:
        """A new user."""
        answer = self.sign_up(email)
        assert answer.status_code == 200, answer.text
        return DataApi(self._url, self._stack, answer.json()["access_token"])


@contextmanager
def data_api(project: Project, *, without: tuple[int, ...] = ()) -> Iterator[DataApi]:
    """Before this database, which has roles and no schema `auth` yet; then with our schema.

    `without`: the numbers of shims that are left out.
    """
    if not PACKAGES.exists():
        pytest.fail("@supabase/lite is not there. Run: make test, which fetches it", pytrace=False)
    # Node looks for packages beside the file.
    folder = Path(tempfile.mkdtemp(prefix="exai-lite-"))
    for name in ("data_api.mjs", "storage.mjs"):
        shutil.copy(HERE / name, folder)
    (folder / "node_modules").symlink_to(PACKAGES)
    port = free_port()
    shims = ",".join(str(number) for number in without)
    process = subprocess.Popen(
        ["node", "data_api.mjs", project.sockets, project.name, str(port), shims],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "DO_NOT_TRACK": "1"},
        stdout=subprocess.PIPE,
        # What PostgreSQL refuses is told there with a trace; the tests look at the answers.
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process)
        project.give_auth()
        project.give_storage()
        project.migrate()
        with ExitStack() as stack:
            yield DataApi(f"http://127.0.0.1:{port}", stack)
    finally:
        process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    assert process.stdout is not None
    while not select.select([process.stdout], [], [], 1)[0]:
        assert process.poll() is None, "the data API ended"
        assert time.monotonic() < deadline, "the data API does not listen"
    assert process.stdout.readline() == b"READY\n"
