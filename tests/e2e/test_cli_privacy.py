"""A setting that limits where files may go, and cannot be used, stops sending."""

import json
from pathlib import Path

import pytest

from .program import Program
from .server import Server

SECRET = "not-a-real-s3cr3t"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "a.txt"
    file.write_text("our own words")
    return file


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROXY", "socks://127.0.0.1:1080"),
        ("PROXY", f"nonsense://me:{SECRET}@127.0.0.1"),
        ("FOLDER_RULES", "contracts"),
        ("FOLDER_RULE", "/contracts = glm"),
        ("ALLOW_FALLBACK", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_sending(
    program: Program, sandbox: Server, file: Path, name: str, value: str
) -> None:
    program.add_account(sandbox)
    environment = {f"EXAI_DESKTOP_{name}": value}
    ended = program.upload(file, environment=environment).expect(2)
    assert ended.row["error"]["code"] == "UNUSABLE_SETTING"
    assert f"EXAI_DESKTOP_{name}" in ended.row["error"]["detail"]
    tested = program.run("account", "test", "main", environment=environment).expect(2)
    assert f"EXAI_DESKTOP_{name}" in tested.out
    assert "socks5://" in ended.err or name != "PROXY"
    assert SECRET not in ended.out + ended.err + tested.out + tested.err
    assert not sandbox.stored() and not program.jobs()
    program.upload(file).expect(0)


def test_a_damaged_settings_file_stops_sending_until_it_is_mended(
    program: Program, sandbox: Server, file: Path
) -> None:
    program.add_account(sandbox)
    program.run("rule", "set", str(file.parent), "glm").expect(0)
    settings = program.home / "settings.json"
    good = settings.read_text()
    newer = json.dumps(json.loads(good) | {"version": 2})
    unknown = json.dumps(json.loads(good) | {"settings": {"folder_rules": [{"path": "/x"}]}})
    for text in ("{", newer, unknown):
        settings.write_text(text)
        for _ in range(2):
            ended = program.upload(file, "--account", "main").expect(2)
            assert ended.row["error"]["code"] == "UNUSABLE_SETTING"
        if text != unknown:
            assert program.run("setting", "set", "theme", "dark").expect(2).err
            assert settings.read_text() == text
    settings.write_text(good)
    [refused] = program.upload(file).expect(1).rows
    assert refused["error"]["code"] == "PLACE_NOT_ALLOWED"
    assert not sandbox.stored()


@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY"])
def test_a_proxy_of_the_environment_that_cannot_be_used_holds_the_file(
    program: Program, sandbox: Server, file: Path, variable: str
) -> None:
    program.add_account(sandbox)
    environment = {variable: f"socks4://me:{SECRET}@127.0.0.1:1", "NO_PROXY": "", "no_proxy": ""}
    [waiting] = (ended := program.upload(file, environment=environment).expect(1)).rows
    assert (waiting["state"], waiting["error"]["code"]) == ("waiting", "UNUSABLE_SETTING")
    assert variable in waiting["error"]["detail"]
    assert SECRET not in ended.out + ended.err
    assert not sandbox.stored()
    # The next run has another environment: the file goes on by itself.
    other = file.with_name("b.txt")
    other.write_text("other words")
    program.upload(other).expect(0)
    program.upload(file).expect(0)
    assert len(sandbox.stored()) == 2


def test_a_proxy_in_the_way_gnome_writes_it(program: Program, sandbox: Server, file: Path) -> None:
    program.add_account(sandbox)
    environment = {"ALL_PROXY": "socks://127.0.0.1:1/", "all_proxy": "socks://127.0.0.1:1/"}
    program.upload(file, environment=environment).expect(0)  # this computer needs no proxy
    program.add_account(sandbox, name="far", url="https://far.invalid/v1", environment=environment)
    tested = program.run("account", "test", "far", environment=environment).expect(1)
    assert "(PROXY_UNREACHABLE)" in tested.out


def test_the_password_of_a_proxy_is_neither_kept_nor_shown(program: Program, file: Path) -> None:
    address = f"http://me:{SECRET}@proxy.invalid:3128"
    refused = program.run("setting", "set", "proxy", address).expect(2)
    assert "set-secret proxy" in refused.err
    program.run("setting", "set", "proxy", "http://me@proxy.invalid:3128").expect(0)
    environment = {"EXAI_DESKTOP_PROXY": address, "EXAI_DESKTOP_LOG_LEVEL": "debug"}
    said = [refused]
    for verb in (("setting", "list"), ("setting", "list", "--json"), ("doctor",)):
        said.append(program.run(*verb, environment=environment))
    said.append(program.run("setting", "set", "theme", "dark", environment=environment).expect(0))
    assert "***@proxy.invalid" in said[1].out and "***@proxy.invalid" in said[2].out
    assert not [ended for ended in said if SECRET in ended.out + ended.err]
    kept = [path for path in program.home.rglob("*") if path.is_file()]
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]
