"""Computers that share a Redis with a password, and a proxy with one: both kept with the keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from exai_desktop.storage.fleet.redis_state import open_blocking_redis
from tests.proxies import Authority, Opening, listening
from tests.redis_server import redis_server

from .program import Program
from .server import KIMI, Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no Redis for Windows")

PASSWORD = "shared-redis-not-a-real-password"
PASSPHRASE = "a passphrase for tests"
VAULT = {
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    "EXAI_DESKTOP_PASSPHRASE": PASSPHRASE,
}


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server(PASSWORD) as url:
        yield url


def computer(folder: Path, name: str) -> Program:
    """A profile of its own, with a vault, and nothing in common with another one."""
    made = Program(folder / name, VAULT)
    made.environment["XDG_STATE_HOME"] = str(folder / f"{name}-states")
    made._secrets |= {PASSPHRASE, PASSWORD}
    made.run("vault", "create").expect(0)
    return made


@pytest.fixture
def computers(tmp_path: Path) -> Iterator[tuple[Program, Program]]:
    both = computer(tmp_path, "one"), computer(tmp_path, "two")
    yield both
    for program in both:
        program.close()


def keep_password(program: Program, name: str, password: str = PASSWORD) -> None:
    stored = f"{password}\n".encode()
    program.run("setting", "set-secret", name, "--password-stdin", stdin=stored).expect(0)


def nowhere(program: Program, password: str) -> None:
    """It is in no file of the profile, in no list and in no report."""
    for file in program.home.rglob("*"):
        assert not file.is_file() or password.encode() not in file.read_bytes(), file
    for verb in (("setting", "list"), ("setting", "list", "--json"), ("doctor",)):
        ended = program.run(*verb)
        assert password not in ended.out + ended.err


def test_two_computers_store_once_in_one_redis_with_a_password(
    computers: tuple[Program, Program], sandbox: Server, tmp_path: Path, redis_url: str
) -> None:
    (tmp_path / "a.txt").write_text("text that both have")
    states = []
    for program in computers:
        program.run("setting", "set", "redis_url", redis_url).expect(0)
        keep_password(program, "redis_url")
        program.add_account(sandbox)
        states.append(program.upload(tmp_path / "a.txt").expect(0).row["state"])
        facts = json.loads(program.run("doctor", "--json").expect(0).out)["facts"]
        assert facts["redis"] == "nothing ignored"
        assert "problems" not in facts
        nowhere(program, PASSWORD)
        changed = program.run(
            *("account", "set-key", "main", "--key-stdin"),
            stdin=sandbox.key(KIMI).encode() + b"\n",
        )
        assert "need the new key, too" in changed.expect(0).err
    assert states == ["done", "duplicate"]
    assert len(sandbox.stored()) == 1
    redis = open_blocking_redis(redis_url, lambda: PASSWORD)
    names: Any = redis.keys("*")
    # -1 is "for ever"; -2 is a name whose end has come since it was listed.
    assert names and all(redis.ttl(name) != -1 for name in names)
    redis.close()


def test_the_password_of_redis_also_comes_from_the_environment(
    computers: tuple[Program, Program], sandbox: Server, tmp_path: Path, redis_url: str
) -> None:
    program, _ = computers
    (tmp_path / "a.txt").write_text("text")
    program.run("setting", "set", "redis_url", redis_url).expect(0)
    program.add_account(sandbox)
    # Without it each computer goes by itself, and says so.
    program.upload(tmp_path / "a.txt").expect(0)
    assert "FLEET_UNREACHABLE" in program.run("doctor").expect(0).out
    given = {"EXAI_DESKTOP_REDIS_PASSWORD": PASSWORD}
    facts = program.run("doctor", "--json", environment=given).expect(0).row["facts"]
    assert "problems" not in facts


@pytest.mark.parametrize("option", ["ssl_cert_reqs=none", "ssl_check_hostname=false", "x=1"])
def test_an_address_that_weakens_the_line_is_refused_and_stops_sending(
    computers: tuple[Program, Program], sandbox: Server, tmp_path: Path, option: str
) -> None:
    program, _ = computers
    url = f"rediss://redis.invalid?{option}"
    refused = program.run("setting", "set", "redis_url", url, "--json")
    assert refused.code != 0
    assert refused.row["error"]["code"] == "INVALID_SETTING"
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("text")
    ended = program.upload(tmp_path / "a.txt", environment={"EXAI_DESKTOP_REDIS_URL": url})
    assert ended.code != 0
    assert "UNUSABLE_SETTING" in ended.out + ended.err
    assert sandbox.stored() == []


def test_a_kept_password_opens_the_proxy(
    computers: tuple[Program, Program], sandbox: Server, tmp_path: Path
) -> None:
    program, _ = computers
    secret = "s3cret w@rd"
    program._secrets.add(secret)
    authority = Authority(tmp_path / "authority")
    program.environment |= {"NO_PROXY": "", "no_proxy": "", "REQUESTS_CA_BUNDLE": ""}
    url = f"https://kimi.invalid{urlsplit(sandbox.url(KIMI)).path}"
    with listening(Opening(authority, sandbox.url(KIMI), f"me:{secret}")) as place:
        program.add_account(sandbox, url=url)
        program.run("setting", "set", "extra_ca", authority.file).expect(0)
        program.run("setting", "set", "proxy", f"http://me@{place}").expect(0)
        (tmp_path / "a.txt").write_text("text")
        asked = program.upload(tmp_path / "a.txt").expect(1).row
        assert asked["error"]["code"] == "PROXY_AUTH_REQUIRED"
        keep_password(program, "proxy", secret)
        program.upload(tmp_path / "a.txt").expect(0)
        assert len(sandbox.stored()) == 1
        nowhere(program, secret)
        # It is for that address: another one does not get it.
        with listening(Opening(authority, sandbox.url(KIMI), f"me:{secret}")) as other:
            program.run("setting", "set", "proxy", f"http://me@{other}").expect(0)
            report = program.run("account", "test", "main", "--json").expect(1).row
            assert report["error"]["code"] == "PROXY_AUTH_REQUIRED"
    program.run("setting", "delete-secret", "proxy").expect(0)
