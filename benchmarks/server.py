"""The sandbox's servers in a process of their own: what all clients here are measured against."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FLAVOUR: Final = "sandbox-kimi-intl"
PURPOSE: Final = "file-extract"


@dataclass(frozen=True, slots=True)
class Server:
    """Address and key of one account; `reset` forgets all files that were sent."""

    base_url: str
    key: str
    zai_url: str
    zai_key: str
    _control_url: str
    _control_token: str

    def reset(self) -> None:
        self._ask("POST", "reset")

    def stored(self) -> Counter[str]:
        """How often each content is there, by its hash."""
        files = json.loads(self._ask("GET", "files"))["files"]
        return Counter(str(file["sha256"]) for file in files)

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(
            f"{self._control_url}/{path}",
            method=method,
            headers={"X-Sandbox-Control": self._control_token},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())


@contextmanager
def serving(store: Path) -> Iterator[Server]:
    """Servers without a limit on the number of files."""
    command = [sys.executable, "-m", "exai_desktop", "sandbox", "serve", "--with-parent"]
    command += ["--store", str(store), "--set", "max_files=1000000"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            described = json.loads(process.stdout.readline())
            account, zai = (
                next(a for a in described["accounts"] if a["name"] == name)
                for name in (FLAVOUR, "sandbox-zai")
            )
            control = described["control"]
            yield Server(
                account["base_url"],
                account["key"],
                zai["base_url"],
                zai["key"],
                control["url"],
                control["token"],
            )
        finally:
            process.stdin.close()
