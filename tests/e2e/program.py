"""The real program and its real sandbox as processes, as a user's shell would run them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

import httpx

COMMAND = (sys.executable, "-m", "exai_desktop")
KIMI = "kimi-intl"
FLAVOURS = {
    "kimi-intl": ("kimi", "intl"),
    "kimi-cn": ("kimi", "cn"),
    "zai": ("glm", "zai"),
    "bigmodel": ("glm", "bigmodel"),
}
PATIENCE_S = 60.0


def eventually(happened: Callable[[], bool], within_s: float = 10.0, every_s: float = 0.02) -> bool:
    """Whether it happens soon."""
    deadline = time.monotonic() + within_s
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


@dataclass(frozen=True)
class Ended:
    """How one process ended and what it said."""

    code: int
    raw_out: bytes
    raw_err: bytes
    seconds: float

    @property
    def out(self) -> str:
        return self.raw_out.decode("utf-8", "replace")

    @property
    def err(self) -> str:
        return self.raw_err.decode("utf-8", "replace")

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON lines of standard output; every line must be one."""
        rows = [json.loads(line) for line in self.raw_out.split(b"\n") if line]
        assert all(isinstance(row, dict) for row in rows), self.out
        return rows

    @property
    def row(self) -> dict[str, Any]:
        """The only JSON line."""
        assert len(self.rows) == 1, self.out + self.err
        return self.rows[0]

    def by_name(self) -> dict[str, dict[str, Any]]:
        """Rows of `upload` or `list` by the last part of their path."""
        named = {Path(row["path"]).name: row for row in self.rows}
        assert len(named) == len(self.rows), "two rows for one name"
        return named

    def expect(self, code: int) -> Self:
        """This, when the process ended with that exit code."""
        assert self.code == code, f"exit {self.code}\n{self.out[-4000:]}\n{self.err[-4000:]}"
        return self


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
        with httpx.Client(trust_env=False, verify=False, timeout=30) as client:
            yield Server(process, client)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End one process of ours for certain, by its id."""
    with process:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


class Program:
    """The program with one profile; `environment` is what a child finds besides."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        clean = {n: v for n, v in os.environ.items() if not n.startswith("EXAI_DESKTOP_")}
        self.environment = clean | dict(environment)
        self.environment |= {
            "EXAI_DESKTOP_HOME": str(home),
            "EXAI_DESKTOP_SETTLE_S": "0.3",
        }
        self._secrets: set[str] = set()
        self._started: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        *arguments: str | Path,
        without_privilege: bool = False,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        **environment: str,
    ) -> subprocess.Popen[bytes]:
        """Start a verb; `close` ends it at the latest."""
        command = [*COMMAND, *map(os.fspath, arguments)]
        if without_privilege and os.geteuid() == 0:
            command = [*_mortal(), *command]
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=self.environment | environment,
        )
        self._started.append(process)
        return process

    def finish(
        self, process: subprocess.Popen[bytes], stdin: bytes | None = None, limit_s: float = 60.0
    ) -> Ended:
        """Wait for a started verb. No verb ever shows a traceback or a key."""
        began = time.monotonic()
        out, err = process.communicate(stdin, limit_s)
        ended = Ended(process.returncode, out or b"", err, time.monotonic() - began)
        said = ended.out + ended.err
        assert "Traceback" not in said, said
        assert not [secret for secret in self._secrets if secret in said], "a key was shown"
        return ended

    def run(
        self,
        *arguments: str | Path,
        stdin: bytes | None = None,
        limit_s: float = 60.0,
        without_privilege: bool = False,
        **environment: str,
    ) -> Ended:
        """Run one verb to its end."""
        process = self.start(
            *arguments,
            without_privilege=without_privilege,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            **environment,
        )
        return self.finish(process, stdin, limit_s)

    def add_account(
        self,
        server: Server,
        flavour: str = KIMI,
        *,
        name: str = "main",
        key: str | None = None,
        url: str | None = None,
        in_flight: int | None = None,
    ) -> None:
        """`account add`, with the sandbox's own key and address unless given."""
        provider, region = FLAVOURS[flavour]
        secret = server.key(flavour) if key is None else key
        self._secrets |= {secret, *server.keys}
        more = [] if in_flight is None else ["--max-in-flight", str(in_flight)]
        self.run(
            *("account", "add", name, "--provider", provider, "--region", region),
            *("--base-url", url or server.url(flavour), "--key-stdin", *more),
            stdin=secret.encode() + b"\n",
        ).expect(0)

    def upload(self, *arguments: str | Path, **more: Any) -> Ended:
        """`upload --json`."""
        return self.run("upload", "--json", *arguments, **more)

    def jobs(self) -> list[dict[str, Any]]:
        """`list --json`."""
        return self.run("list", "--json").expect(0).rows

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)


def _mortal() -> Sequence[str]:
    """A prefix under which permissions also bind root; its user and its keyring stay."""
    setpriv = shutil.which("setpriv")
    assert setpriv is not None, "setpriv (util-linux) is needed to run these tests as root"
    return [setpriv, "--bounding-set", "-dac_override,-dac_read_search"]


def kill(process: subprocess.Popen[bytes]) -> bool:
    """kill -9; whether the process was still running."""
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    return running
