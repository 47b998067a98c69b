"""What cannot work is named: a code of its own, a title, a hint, the right exit code."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .program import Ended, Program
from .server import KIMI, Server

MOST = 104_857_600  # what Kimi takes


def _error(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's error, complete."""
    error = row["error"]
    assert error is not None, row
    assert error["code"].isupper()
    assert error["title"]
    assert error["hint"]
    return dict(error)


def _code(ended: Ended) -> str:
    """The code of a verb that failed as a whole, said on both outputs."""
    code = str(_error(ended.row)["code"])
    assert code in ended.err
    return code


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def test_each_bad_file_has_its_own_reason(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "empty.txt").touch()
    _sparse(tmp_path / "large.txt", MOST + 1)
    _sparse(tmp_path / "huge.txt", 600 * 1024 * 1024)
    (tmp_path / "noise.xyz").write_text("text")
    (tmp_path / "README").write_text("text")
    (tmp_path / ".DS_Store").write_text("text")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "locked.txt").write_text("text")
    (tmp_path / "locked.txt").chmod(0)
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "bare").mkdir()
    (tmp_path / ".git").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.txt"))
        ended = program.upload(tmp_path, tmp_path / "missing.txt", without_privilege=True)
    rows = ended.expect(1).by_name()
    (tmp_path / "closed").chmod(0o700)
    assert {name: (row["state"], _error(row)["code"]) for name, row in rows.items()} == {
        "empty.txt": ("refused", "EMPTY_FILE"),
        "large.txt": ("refused", "FILE_TOO_LARGE"),
        "huge.txt": ("refused", "FILE_TOO_LARGE"),
        "noise.xyz": ("refused", "INVALID_FILE_TYPE"),
        "README": ("refused", "INVALID_EXTENSION"),
        ".DS_Store": ("refused", "SYSTEM_FILE"),
        "gone.txt": ("refused", "DANGLING_LINK"),
        "loop.txt": ("refused", "DANGLING_LINK"),
        "pipe.txt": ("refused", "NOT_A_FILE"),
        "socket.txt": ("refused", "NOT_A_FILE"),
        "locked.txt": ("refused", "FILE_UNREADABLE"),
        "closed": ("refused", "FOLDER_UNREADABLE"),
        "bare": ("refused", "EMPTY_FOLDER"),
        ".git": ("refused", "FOLDER_SKIPPED"),
        "missing.txt": ("refused", "FILE_NOT_FOUND"),
    }
    assert sandbox.uploads() == []


def test_the_largest_file_kimi_takes_is_not_refused_here(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "most.txt").write_bytes(b"0123456789abcde\n" * (MOST // 16))
    assert program.upload(tmp_path / "most.txt").expect(0).row["bytes"] == MOST


def test_without_an_account_nothing_is_queued(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert _code(program.upload(tmp_path / "a.txt").expect(3)) == "NO_ACCOUNT"
    assert program.jobs() == []
    said = program.run("upload", tmp_path / "a.txt").expect(3)
    assert said.out == ""
    assert "NO_ACCOUNT" in said.err


def test_what_no_file_can_satisfy_is_refused_at_once(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("text")
    file = tmp_path / "a.txt"
    assert _code(program.upload(file, "--account", "nobody").expect(2)) == "UNKNOWN_ACCOUNT"
    assert _code(program.upload(file, "--purpose", "fine-tune").expect(2)) == "INVALID_PURPOSE"
    for verb in ("show", "content"):
        assert _code(program.run(verb, "999", "--json").expect(2)) == "UNKNOWN_JOB"
    assert _code(program.run("cancel", "999", "--json").expect(2)) == "UNKNOWN_JOB"
    assert _code(program.run("retry", "999", "--json").expect(2)) == "UNKNOWN_JOB"
    assert _code(program.run("account", "remove", "x", "--json").expect(2)) == "UNKNOWN_ACCOUNT"
    assert _code(program.run("account", "test", "x", "--json").expect(2)) == "UNKNOWN_ACCOUNT"
    assert program.jobs() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("upload",),
        ("upload", "--no-such-option", "a.txt"),
        ("nonsense",),
        ("list", "--state", "lost"),
        ("show", "one"),
        ("retry",),
        ("retry", "1", "--failed"),
        ("account", "add", "a"),
        ("sandbox", "serve", "--port", "70000"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(program: Program, arguments: tuple[str, ...]) -> None:
    ended = program.run(*arguments).expect(2)
    assert ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("more", "key", "code"),
    [
        (("--provider", "dropbox"), b"sk-some-key-1234\n", "INVALID_ACCOUNT"),
        (("--provider", "kimi", "--region", "moon"), b"sk-some-key-1234\n", "INVALID_ACCOUNT"),
        (
            ("--provider", "kimi", "--base-url", "http://example.com/v1"),
            b"sk-some-key-1234\n",
            "INVALID_ACCOUNT",
        ),
        (("--provider", "kimi"), b"\n", "INVALID_KEY_FORMAT"),
        (("--provider", "kimi"), b"sk-two words-1234\n", "INVALID_KEY_FORMAT"),
        (("--provider", "kimi"), "sk-密钥-1234\n".encode(), "INVALID_KEY_FORMAT"),
        (("--provider", "kimi"), b"sk-\xff\xfe-1234\n", "INVALID_KEY_FORMAT"),
    ],
    ids=["provider", "region", "plain http", "no key", "two words", "not ASCII", "not UTF-8"],
)
def test_an_account_that_cannot_work_is_not_kept(
    program: Program, more: tuple[str, ...], key: bytes, code: str
) -> None:
    command = ("account", "add", "main", *more, "--key-stdin", "--json")
    ended = program.run(*command, stdin=key).expect(2)
    assert _code(ended) == code
    assert "1234" not in ended.out + ended.err
    assert program.run("account", "list", "--json").expect(0).rows == []


def test_a_second_account_of_one_name_is_refused(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox)
    more = ("--provider", "kimi", "--base-url", sandbox.url(KIMI), "--key-stdin", "--json")
    ended = program.run("account", "add", "main", *more, stdin=b"sk-another-key-99\n")
    assert _code(ended.expect(2)) == "ACCOUNT_EXISTS"
    # The first key is still the one that counts.
    program.run("account", "test", "main").expect(0)


def test_delete_and_content_of_what_was_never_stored(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.xyz").write_text("text")
    number = str(program.upload(tmp_path / "a.xyz").expect(1).row["id"])
    assert _code(program.run("content", number, "--json").expect(1)) == "REMOTE_NOT_FOUND"
    ended = program.run("delete", number, "--json").expect(1)
    assert ended.rows[0]["error"]["code"] == "REMOTE_NOT_FOUND"
    assert ended.rows[-1] == {"deleted": []}
