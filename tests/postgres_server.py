"""A real PostgreSQL of the tests' own: on a socket in a private folder, ended by its id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

OLDEST: Final = 15
ROOT: Final = Path(__file__).parents[1]
# Another version: the folder of its programs.
CHOSEN: Final = os.environ.get("EXAI_DESKTOP_TEST_POSTGRES")
# The tests do not pull plugs: that PostgreSQL survives it is not ours to prove.
_OPTIONS: Final = (
    *("-c", "listen_addresses="),
    *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
    *("-c", "max_connections=200", "-c", "shared_buffers=32MB", "-c", "autovacuum=off"),
    *("-c", "client_min_messages=warning", "-c", "log_min_messages=panic", "-c", "jit=off"),
)


def _programs() -> Path:
    """The folder with `initdb` and `postgres`: the system's, or what `make test` has unpacked."""
    unpacked = ROOT / ".tools" / "postgres"
    found = [
        (int(folder.parent.name), folder)
        for place in (Path("/usr/lib/postgresql"), unpacked / "usr/lib/postgresql")
        for folder in place.glob("*/bin")
        if folder.parent.name.isdecimal() and (folder / "initdb").exists()
    ]
    if CHOSEN:
        return Path(CHOSEN)
    newest = max(found, default=(0, Path()))
    if newest[0] >= OLDEST:
        return newest[1]
    on_path = shutil.which("initdb")
    if on_path is None:
        pytest.fail(
            f"PostgreSQL {OLDEST} or later not found. Run: make test, which fetches it",
            pytrace=False,
        )
    return Path(on_path).resolve().parent


class _Owner:
    """Who runs the server: PostgreSQL refuses to be run by root."""

    def __init__(self, folder: Path) -> None:
        self.process: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.process |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def can_run(self, program: Path) -> bool:
        try:
            done = subprocess.run(
                [program, "--version"], capture_output=True, check=False, **self.process
            )
        except PermissionError:
            return False
        return done.returncode == 0


def _environment(programs: Path) -> dict[str, str]:
    """What was unpacked finds its libraries beside it."""
    usr = programs.parents[3]
    if usr == Path("/usr"):
        return dict(os.environ)
    libraries = ":".join(str(folder) for folder in (usr / "lib").glob("*-linux-gnu*"))
    return {**os.environ, "LD_LIBRARY_PATH": libraries}


@contextmanager
def postgres_server() -> Iterator[str]:
    """How to connect to it as superuser, without a database: `host=... user=...`."""
    # Not pytest's temporary folder: that is root's alone, and a socket's path is short.
    root = Path(tempfile.mkdtemp(prefix="exai-pg-"))
    owner = _Owner(root)
    programs = _programs()
    owner.process["env"] = _environment(programs)
    if not owner.can_run(programs / "postgres"):
        # The checkout lies where only root may look.
        tree = programs.parents[3]
        shutil.copytree(tree, root / "usr", symlinks=True)
        programs = root / "usr" / programs.relative_to(tree)
        owner.process["env"] = _environment(programs)
    data, sockets = root / "data", root / "s"
    process: subprocess.Popen[bytes] | None = None
    try:
        subprocess.run(
            [
                *(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"),
                *("--locale=C", "--no-sync", "--no-instructions"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **owner.process,
        )
        subprocess.run(["mkdir", sockets], check=True, **owner.process)
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", sockets, *_OPTIONS], **owner.process
        )
        address = f"host={sockets} user=postgres"
        _wait(process, address)
        yield address
    finally:
        if process is not None:
            # Not SIGKILL: its children would live on. At once, without a last checkpoint.
            process.send_signal(signal.SIGQUIT)
            process.wait(60)
        shutil.rmtree(root, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            psycopg.connect(f"{address} dbname=postgres").close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, "postgres ended"
            assert time.monotonic() < deadline, "postgres does not answer"
            time.sleep(0.02)
