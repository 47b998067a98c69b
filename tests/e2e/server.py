"""The real sandbox as a process, and what it really holds."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from .processes import COMMAND, end

KIMI = "kimi-intl"


class Server:
    """`exai-desktop sandbox serve` in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], client: httpx.Client) -> None:
        self.process = process
        self._client = client
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the sandbox did not start"
        described = json.loads(line)
        self._control = described["control"]
        self.accounts = {row["name"].removeprefix("sandbox-"): row for row in described["accounts"]}

    def url(self, flavour: str) -> str:
        return str(self.accounts[flavour]["base_url"])

    def key(self, flavour: str) -> str:
        return str(self.accounts[flavour]["key"])

    @property
    def keys(self) -> list[str]:
        return [str(row["key"]) for row in self.accounts.values()]

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = self._client.request(
            method,
            self._control["url"] + path,
            json=body,
            headers={"X-Sandbox-Control": self._control["token"]},
        )
        assert answer.status_code == 200, answer.text
        return answer

    def reset(self) -> None:
        self._ask("POST", "/reset")

    def settings(self, **values: Any) -> None:
        self._ask("POST", "/settings", values)

    def faults(self, *faults: Mapping[str, Any], seed: int | None = None) -> None:
        self._ask("POST", "/faults", {"faults": list(faults), "seed": seed})

    def stored(self, flavour: str | None = None) -> list[dict[str, Any]]:
        """What the sandbox really has, deleted files included."""
        path = "/files" + (f"?flavour={flavour}" if flavour else "")
        files = self._ask("GET", path).json()["files"]
        assert isinstance(files, list)
        return files

    def bytes_of(self, file_id: str) -> bytes:
        return self._ask("GET", f"/files/{file_id}/bytes").content

    def uploads(self) -> list[dict[str, Any]]:
        """The log of all POST /files, with how far each came."""
        log = self._ask("GET", "/requests").json()["requests"]
        return [row for row in log if row["method"] == "POST" and row["flavour"]]


@contextlib.contextmanager
def serving(store: Path, *settings: str) -> Iterator[Server]:
    """A sandbox server until the block is left."""
    sets = [part for setting in settings for part in ("--set", setting)]
    command = [*COMMAND, "sandbox", "serve", "--port", "0", "--store", str(store), *sets]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        with httpx.Client(trust_env=False, verify=False, timeout=120) as client:
            yield Server(process, client)
    finally:
        end(process)
