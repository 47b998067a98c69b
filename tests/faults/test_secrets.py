"""Fake secrets through every way an error takes: none may be found in anything we write or say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.processes import eventually
from tests.e2e.program import Program
from tests.e2e.server import Server

from .planted_secrets import (
    BAD_SETTING,
    GLM_KEY,
    KEYRING_WORDS,
    OWN_KEY,
    PASSPHRASE,
    PROXY_PASSWORD,
    USERINFO,
    EchoServer,
    all_secrets,
    echoing,
    hits,
    hits_below,
    refusals,
    spoilt,
)

DEBUG = {"EXAI_DESKTOP_LOG_LEVEL": "debug", "EXAI_DESKTOP_SETTLE_S": "0.1"}


class Watched:
    """The program; all it says is kept, and looked through at the end."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.said: list[bytes] = []

    def run(self, *arguments: str | Path, stdin: str | None = None, **more: str) -> bytes:
        raw = None if stdin is None else stdin.encode()
        ended = self.program.run(*arguments, stdin=raw, environment={**DEBUG, **more})
        self.said += [ended.raw_out, ended.raw_err]
        return ended.raw_out + ended.raw_err

    def add(self, name: str, provider: str, region: str, url: str, key: str, **more: str) -> bytes:
        where = ("--provider", provider, "--region", region, "--base-url", url, "--key-stdin")
        return self.run("account", "add", name, *where, stdin=key, **more)

    def expect_clean(self) -> None:
        for verb in (
            ("doctor",),
            ("list",),
            ("list", "--json"),
            ("show", "1"),
            ("show", "1", "--json"),
            ("account", "list", "--json"),
            ("audit", "export", "--format", "csv"),
            ("audit", "export", "--format", "json"),
        ):
            self.run(*verb)
        found = hits_below(self.program.home)
        for number, text in enumerate(self.said):
            found += hits(f"output {number}", text)
        assert not found


@pytest.fixture
def watched(program: Program) -> Watched:
    return Watched(program)


@pytest.fixture(params=["keyring", "vault"])
def with_keys(watched: Watched, tmp_path: Path, request: pytest.FixtureRequest) -> Watched:
    """Keys in either store; what opens the vault is a planted secret too."""
    if request.param == "vault":
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        file = folder / "passphrase"
        file.write_text(PASSPHRASE, "utf-8")
        file.chmod(0o600)
        watched.program.environment["EXAI_DESKTOP_PASSPHRASE_FILE"] = str(file)
        assert b"vault" in watched.run("vault", "create")
    return watched


def test_the_planted_secrets_are_many_and_distinct_and_would_be_found() -> None:
    secrets = all_secrets()
    assert len(set(secrets)) == len(secrets) >= 60
    for secret in secrets:
        assert hits("here", f"before {secret} after".encode()) == [f"here: {secret}"]


@pytest.mark.early
def test_what_a_provider_gives_back_is_nowhere(with_keys: Watched, tmp_path: Path) -> None:
    watched, plants = with_keys, refusals()
    folder = tmp_path / "files"
    folder.mkdir()
    for number, plant in enumerate(plants):
        # The secret is in the file too, as it may be in anybody's.
        (folder / f"p-{number:02}.txt").write_text(f"password: {plant.secret}\n", "utf-8")
    with echoing(plants) as server:
        watched.add("main", "kimi", "intl", server.url, f"  {OWN_KEY}\r\n")
        watched.run("upload", folder, "--accept", "secret", "--json")
        rows = watched.program.jobs()
        assert f"Bearer {OWN_KEY}" in server.seen
        _spoil_every_question(watched, server)
        watched.expect_clean()
    # The answers did get there: in the record stands what was left of them.
    shown = {Path(row["path"]).name: (row["error"] or {}).get("detail", "") for row in rows}
    without = [name for name, detail in shown.items() if "***" not in detail]
    assert sorted(without) == [f"p-{n:02}.txt" for n in (len(plants) - 2,)], shown


def _spoil_every_question(watched: Watched, server: EchoServer) -> None:
    watched.add("glm", "glm", "zai", server.url, f"{GLM_KEY}\n")
    for plant in spoilt():
        server.answer = plant
        assert b'"ok": true' not in watched.run("doctor", "--json")


def test_a_proxy_and_its_password(watched: Watched) -> None:
    with echoing([]) as server:
        host = server.url.removeprefix("http://").removesuffix("/v1")
        proxy = {"EXAI_DESKTOP_PROXY": f"http://me:{PROXY_PASSWORD}@{host}"}
        watched.add("main", "kimi", "intl", "https://kimi.invalid/v1", OWN_KEY, **proxy)
        assert b"PROXY_" in watched.run("account", "test", "main", **proxy)
        watched.run("doctor", "--json", **proxy)
        assert any(sent.startswith("Basic ") for sent in server.seen), "the proxy was not asked"
        for address in (f"ftp://me:{PROXY_PASSWORD}@{host}", f"http://{PROXY_PASSWORD}@:99999"):
            assert b"UNUSABLE_SETTING" in watched.run("list", EXAI_DESKTOP_PROXY=address)
    watched.expect_clean()


def test_settings_addresses_and_keys_that_cannot_be_used(watched: Watched) -> None:
    for name in ("SETTLE_S", "THEME", "MAX_FILE_BYTES"):
        said = watched.run("list", **{f"EXAI_DESKTOP_{name}": BAD_SETTING})
        assert b"INVALID_SETTING" in said
    watched.run("list", EXAI_DESKTOP_PASSPHRASE=PASSPHRASE)
    for url in (
        f"https://me:{USERINFO}@kimi.invalid/v1",
        f"https://kimi.invalid/v1?token={USERINFO}",
        f"https://kimi.invalid:99999/{USERINFO}",
    ):
        assert b"INVALID_ACCOUNT" in watched.add("main", "kimi", "intl", url, OWN_KEY)
    for key in (f"{OWN_KEY} {OWN_KEY}", f"{OWN_KEY}\u00e9", OWN_KEY * 20):
        said = watched.add("main", "kimi", "intl", "https://kimi.invalid/v1", key)
        assert b"INVALID_KEY_FORMAT" in said
    watched.expect_clean()


@pytest.mark.early
def test_a_keyring_that_tells_the_key_when_it_fails(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "talkative_keyring.py").write_text(
        "from keyring.backend import KeyringBackend\n"
        "class Keyring(KeyringBackend):\n"
        "    priority = 9\n"
        "    def get_password(self, service, name):\n"
        f"        raise RuntimeError('{KEYRING_WORDS} for ' + name)\n"
        "    def set_password(self, service, name, password):\n"
        f"        raise RuntimeError('{KEYRING_WORDS} ' + password)\n"
        "    def delete_password(self, service, name):\n"
        f"        raise RuntimeError('{KEYRING_WORDS}')\n",
        encoding="utf-8",
    )
    talkative = {
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "talkative_keyring.Keyring",
    }
    said = watched.add("main", "kimi", "intl", "https://kimi.invalid/v1", OWN_KEY, **talkative)
    assert b"CREDENTIAL_STORE_UNAVAILABLE" in said
    watched.add("main", "kimi", "intl", "https://kimi.invalid/v1", OWN_KEY)
    said = watched.run("account", "test", "main", **talkative)
    assert b"CREDENTIAL_STORE_UNAVAILABLE" in said
    watched.run("doctor", **talkative)
    watched.expect_clean()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux shows processes")
def test_no_key_is_in_the_arguments_or_the_environment_of_a_process(
    watched: Watched, sandbox: Server, tmp_path: Path
) -> None:
    program = watched.program
    program.is_warm = False
    (tmp_path / "a.txt").write_text("text")
    sandbox.faults({"kind": "stall", "method": "POST"})
    program.add_account(sandbox)
    keys = [key.encode() for key in sandbox.keys]
    ours = program.start("upload", tmp_path / "a.txt", environment=DEBUG)
    assert eventually(lambda: bool(sandbox.uploads()))
    rehearsal = program.start("upload", "--sandbox", tmp_path / "a.txt", environment=DEBUG)
    assert eventually(lambda: bool(_children(rehearsal.pid)))
    looked_at = 0
    for process in (ours, rehearsal):
        for pid in (process.pid, *_children(process.pid)):
            for name in ("cmdline", "environ"):
                shown = Path(f"/proc/{pid}/{name}").read_bytes()
                assert not [key for key in keys if key in shown], f"{pid}/{name}"
                looked_at += 1
    assert looked_at >= 6
    _end(ours)
    _end(rehearsal)


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.communicate(timeout=60)
    assert not Path(f"/proc/{process.pid}/cmdline").exists() or os.name != "posix"
