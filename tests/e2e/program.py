"""The real program as a process, as a user's shell would run it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Self

import pytest

from .processes import COMMAND
from .server import KIMI, Server
from .warm_start import WarmProcess, can_be_warm

# Only a program that is stuck meets it, however busy the machine.
LIMIT_S = 500.0


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


class Program:
    """The program with one profile; `environment` is what a child finds besides."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        # Whether a start may find the imports done; see `warm_start`.
        self.is_warm = True
        self.has_lost_its_keyring: Callable[[], bool] = lambda: False
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
        environment: Mapping[str, str] = MappingProxyType({}),
        command: Sequence[str] = COMMAND,
    ) -> subprocess.Popen[bytes]:
        """Start a verb; `close` ends it at the latest."""
        command = [*command, *(os.fspath(argument) for argument in arguments)]
        if without_privilege and os.geteuid() == 0:
            command = [*_mortal(), *command]
        complete = self.environment | dict(environment)
        kind = WarmProcess if self.is_warm and can_be_warm(command, complete) else subprocess.Popen
        process = kind(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=complete)
        self._started.append(process)
        return process

    def finish(
        self, process: subprocess.Popen[bytes], stdin: bytes | None = None, limit_s: float = LIMIT_S
    ) -> Ended:
        """Wait for a started verb. No verb ever shows a traceback or a key."""
        began = time.monotonic()
        out, err = process.communicate(stdin, limit_s)
        ended = Ended(process.returncode, out or b"", err, time.monotonic() - began)
        if self.has_lost_its_keyring():
            pytest.fail("the keyring daemon has ended", pytrace=False)
        said = ended.out + ended.err
        assert "Traceback" not in said, said
        assert not [secret for secret in self._secrets if secret in said], "a key was shown"
        return ended

    def run(
        self,
        *arguments: str | Path,
        stdin: bytes | None = None,
        limit_s: float = LIMIT_S,
        without_privilege: bool = False,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> Ended:
        """Run one verb to its end."""
        process = self.start(
            *arguments,
            without_privilege=without_privilege,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            environment=environment,
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
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`account add`, with the sandbox's own key and address unless given."""
        place = server.accounts[flavour]
        secret = server.key(flavour) if key is None else key
        self._secrets |= {secret, *server.keys}
        more = [] if in_flight is None else ["--max-in-flight", str(in_flight)]
        self.run(
            *("account", "add", name, "--provider", place["provider"], "--region", place["region"]),
            *("--base-url", url or server.url(flavour), "--key-stdin", *more),
            stdin=secret.encode() + b"\n",
            environment=environment,
        ).expect(0)

    def upload(self, *arguments: str | Path, limit_s: float = LIMIT_S, **more: Any) -> Ended:
        """`upload --json`."""
        return self.run("upload", "--json", *arguments, limit_s=limit_s, **more)

    def finish_queue(self, path: Path, *arguments: str | Path) -> None:
        """Upload this file, again and again, until the queue is empty: an upload ends when its
        own files have ended, and others may be in line behind them."""
        text = path.read_text("utf-8")
        for number in range(100):
            self.upload(path, *arguments).expect(0)
            if all(map(self._is_final, self.jobs())):
                return
            # What is stored already ends at once, before anything beside it can be sent.
            path.write_text(f"{text}{number}", "utf-8")
        open_ = [job for job in self.jobs() if not self._is_final(job)]
        raise AssertionError(f"still open: {open_}")

    @staticmethod
    def _is_final(job: Mapping[str, Any]) -> bool:
        return job["state"] in ("done", "duplicate", "refused", "failed", "cancelled")

    def jobs(self) -> list[dict[str, Any]]:
        """`list --json`."""
        return self.run("list", "--json").expect(0).rows

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=60)


def _mortal() -> Sequence[str]:
    """A prefix under which permissions also bind root; its user and its keyring stay."""
    setpriv = shutil.which("setpriv")
    assert setpriv is not None, "setpriv (util-linux) is needed to run these tests as root"
    return [setpriv, "--bounding-set", "-dac_override,-dac_read_search"]
