"""A wrong key is replaced, an account is changed: by the installed program and a real server."""

from __future__ import annotations

from pathlib import Path

from .program import Program
from .server import KIMI, Server


def set_key(program: Program, key: str, *more: str, code: int = 0) -> str:
    ended = program.run(
        "account", "set-key", "rot", "--key-stdin", *more, stdin=f"{key}\n".encode()
    )
    return ended.expect(code).err


def test_files_held_for_a_wrong_key_go_on_with_the_right_one(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox, name="rot", key="sk-wrong-not-a-real-key")
    path = tmp_path / "r.txt"
    path.write_text("case twelve\n")
    held = program.upload(path, "--account", "rot").expect(1).row
    assert (held["state"], held["error"]["code"]) == ("held", "AUTH_FAILED")
    refused = program.run("account", "remove", "rot").expect(1)
    assert "account set-key" in refused.err
    # A second wrong key replaces nothing, and says why.
    assert "AUTH_FAILED" in set_key(program, "sk-worse-not-a-real-key", code=1)
    set_key(program, sandbox.key(KIMI))
    other = tmp_path / "other.txt"
    other.write_text("the next upload takes it along\n")
    program.finish_queue(other)
    [row] = [row for row in program.jobs() if row["path"] == str(path)]
    assert row["state"] == "done"
    # The same content again: the copy of before is known under the new key.
    again = tmp_path / "again.txt"
    again.write_text("the next upload takes it along\n")
    assert program.upload(again, "--account", "rot").expect(0).row["state"] == "duplicate"


def test_an_account_is_changed_and_nothing_else(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox, name="rot")
    before = program.run("account", "list", "--json").expect(0).row
    changed = program.run(
        *("account", "edit", "rot", "--tier", "1", "--bytes-per-second", "5000", "--json")
    ).expect(0)
    after = program.run("account", "list", "--json").expect(0).row
    limits = {"max_in_flight", "uploads_per_minute", "bytes_per_s"}
    assert {name for name in after if after[name] != before[name]} == limits
    assert changed.row["uploads_per_minute"] == after["uploads_per_minute"] > 0
    assert program.run("account", "test", "rot", "--json").expect(0).row["ok"]


def test_nothing_to_change_and_no_key_are_wrong_usage(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox, name="rot")
    assert "use set-key" in program.run("account", "edit", "rot").expect(2).err
    assert "--key-stdin" in program.run("account", "set-key", "rot").expect(2).err
    assert "INVALID_KEY_FORMAT" in set_key(program, "two words", code=2)
    assert "INVALID_ACCOUNT" in set_key(program, sandbox.key(KIMI), "--region", "moon", code=2)
