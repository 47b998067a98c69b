"""The ways to a passphrase, their order, and that it stays nowhere."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from exai_desktop.config.passphrase import (
    CREDENTIAL,
    FILE_VARIABLE,
    VARIABLE,
    find_passphrase,
    key_file_for,
    read_passphrase,
)
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def private(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return tmp_path / "vault"


def test_nobody_has_given_one(vault: Path) -> None:
    assert find_passphrase(vault, None, {}) is None


def test_the_order_of_the_ways(vault: Path, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    private(credentials / CREDENTIAL, "by systemd\n")
    key_file = tmp_path / "key"
    VaultStore(vault).create(key_file_for(key_file), str(key_file), {})
    environment = {
        FILE_VARIABLE: str(private(tmp_path / "named", "by a variable's file\r\nsecond line")),
        VARIABLE: "by a variable",
        "CREDENTIALS_DIRECTORY": str(credentials),
    }
    file = private(tmp_path / "given", "by the option")
    assert find_passphrase(vault, file, dict(environment)) == "by the option"
    assert find_passphrase(vault, None, dict(environment)) == "by a variable's file"
    del environment[FILE_VARIABLE]
    assert find_passphrase(vault, None, dict(environment)) == "by a variable"
    del environment[VARIABLE]
    assert find_passphrase(vault, None, dict(environment)) == "by systemd"
    (credentials / CREDENTIAL).unlink()
    assert find_passphrase(vault, None, dict(environment)) == key_file.read_text().strip()


def test_the_variable_is_taken_out_of_the_environment(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {VARIABLE: "by a variable"}
    assert find_passphrase(vault, None, environment) == "by a variable"
    assert environment == {}
    monkeypatch.setenv(VARIABLE, "of the process")
    assert find_passphrase(vault) == "of the process"
    assert VARIABLE not in os.environ
    # An engine that is opened a second time in this process still has it.
    assert find_passphrase(vault) == "of the process"


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o666])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "given", "by the option")
    file.chmod(mode)
    with pytest.raises(EngineError) as caught:
        read_passphrase(file, "--passphrase-file")
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert f"chmod 600 '{file}'" in caught.value.detail


@posix
@pytest.mark.parametrize(
    ("mode", "is_good"), [(0o400, True), (0o440, True), (0o460, False), (0o444, False)]
)
def test_a_credential_is_as_systemd_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, is_good: bool
) -> None:
    """With User= it belongs to root, and an ACL for the user looks like a group's right."""
    file = private(tmp_path / CREDENTIAL, "by systemd")
    file.chmod(mode)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    if is_good:
        assert read_passphrase(file, "the credential") == "by systemd"
    else:
        with pytest.raises(EngineError):
            read_passphrase(file, "the credential")


@pytest.mark.parametrize("text", ["", "\n", "\r\nx"])
def test_a_file_without_a_first_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(EngineError):
        read_passphrase(private(tmp_path / "given", text), "--passphrase-file")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        read_passphrase(tmp_path / "nowhere", "--passphrase-file")
    binary = private(tmp_path / "binary", "")
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EngineError):
        read_passphrase(binary, "--passphrase-file")


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = key_file_for(path)
    assert len(made) >= 40
    assert key_file_for(path) == made
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(EngineError):
        key_file_for(tmp_path / "no" / "folder" / "key")
