"""What a start loads, and that it starts no other program: as a user's shell runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.cli.main import VERBS

from .program import Program
from .server import Server

# For a verb that another process carries out: a socket and JSON are enough.
ENGINE = (
    *("exai_desktop.engine.assembly", "exai_desktop.engine.service", "exai_desktop.storage"),
    *("exai_desktop.providers", "exai_desktop.net", "exai_desktop.gui", "exai_desktop.sandbox"),
    *("pydantic", "httpx", "keyring", "cryptography", "filelock", "sqlite3", "sqlite_utils"),
    *("PySide6", "starlette", "uvicorn"),
)

# An engine of its own, held until the test ends.
HOLD = """
import asyncio
from exai_desktop.bootstrap import open_service
async def hold():
    async with open_service():
        print("open", flush=True)
        await asyncio.sleep(1000)
asyncio.run(hold())
"""

# The program with a watch on every program that it starts, by whatever way.
WATCHED = """
import sys
WAYS = ("subprocess.Popen", "os.posix_spawn", "os.system", "os.exec", "os.fork", "os.forkpty")
def watch(event, words):
    if event in WAYS:
        print("STARTED", event, words, file=sys.stderr)
sys.addaudithook(watch)
from exai_desktop.__main__ import main
main()
"""


@pytest.fixture
def cold(program: Program) -> Program:
    program.is_warm = False
    return program


@pytest.fixture
def owned(cold: Program) -> Iterator[Program]:
    """Another process holds the profile."""
    holder = cold.start("-c", HOLD, command=[sys.executable])
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"open\n"
    yield cold
    holder.kill()
    holder.communicate(timeout=60)


def loaded(program: Program, *words: str) -> set[str]:
    """Every module that this verb loads."""
    command = [sys.executable, "-X", "importtime", "-m", "exai_desktop"]
    ended = program.finish(program.start(*words, command=command)).expect(0)
    lines = [line for line in ended.err.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


def of(modules: set[str], forbidden: tuple[str, ...]) -> list[str]:
    return sorted(
        name for name in modules if any(f"{name}.".startswith(f"{one}.") for one in forbidden)
    )


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--json"),
        ("files",),
        ("search", "walrus"),
        ("health",),
        ("pause",),
        ("resume",),
        ("retry", "--failed"),
        ("account", "list"),
        ("audit", "verify"),
        ("vault", "status"),
    ],
    ids=" ".join,
)
def test_a_verb_beside_an_owner_loads_no_engine(owned: Program, words: tuple[str, ...]) -> None:
    modules = loaded(owned, *words)
    assert modules
    assert of(modules, ENGINE) == []


def test_list_beside_an_owner_loads_nothing_but_a_socket(owned: Program) -> None:
    modules = loaded(owned, "list")
    frameworks = ("typer", "rich", "asyncio", "dataclasses", "exai_desktop.core.service")
    assert of(modules, (*ENGINE, *frameworks)) == []


def test_both_ways_to_list_print_the_same(owned: Program, sandbox: Server, tmp_path: Path) -> None:
    """The long one is taken where a passphrase is given."""
    owned.add_account(sandbox)
    files = [tmp_path / "报告.txt", tmp_path / "script.sh"]
    for file in files:
        file.write_text("#!/bin/sh\n" if file.suffix == ".sh" else "hello")
    owned.run("upload", *files).expect(1)
    for words in (["list"], ["list", "--json"], ["list", "--limit", "1"], ["list", "--state=done"]):
        short = owned.run(*words).expect(0)
        assert len(short.out.splitlines()) > 1
        long = owned.run(*words, environment={"EXAI_DESKTOP_PASSPHRASE": "no secret"}).expect(0)
        assert (short.out, short.err) == (long.out, long.err)


def test_help_and_version_load_no_engine(cold: Program) -> None:
    assert of(loaded(cold, "--help"), ENGINE) == []
    version = loaded(cold, "--version")
    assert of(version, (*ENGINE, "typer", "rich", "asyncio", "json", "ctypes")) == []


def test_the_list_of_verbs_says_what_their_own_help_says(program: Program) -> None:
    listed = " ".join(program.run("--help").expect(0).out.split())
    for name, (_, summary) in VERBS.items():
        assert f" {name} {summary}" in listed
        assert summary in " ".join(program.run(name, "--help").expect(0).out.split())


def test_a_verb_loads_no_web_server_and_no_window(cold: Program) -> None:
    modules = loaded(cold, "list")
    assert of(modules, ("PySide6", "starlette", "uvicorn", "httpx", "openai", "zai")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the keyring of the tests is Linux's")
def test_a_verb_starts_no_other_program(cold: Program, sandbox: Server, tmp_path: Path) -> None:
    """Also where nobody names a keyring, and the library looks for one."""
    del cold.environment["PYTHON_KEYRING_BACKEND"]
    cold.add_account(sandbox)
    (tmp_path / "a.txt").write_text("hello")
    watched = [sys.executable, "-c", WATCHED]
    for words in (("list",), ("account", "list"), ("upload", str(tmp_path / "a.txt"))):
        ended = cold.finish(cold.start(*words, command=watched)).expect(0)
        assert "STARTED" not in ended.err, ended.err
