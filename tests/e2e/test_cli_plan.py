"""`upload --plan`: what would become of files, and not a byte leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .program import Program
from .server import Server


def test_a_plan_says_where_and_how_long_and_sends_nothing(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.txt").write_bytes(os.urandom(50_000).hex().encode())
    (folder / "program.exe").write_text("x")
    (folder / "empty.txt").touch()
    account = sandbox.accounts["kimi-intl"]
    program.run(
        *("account", "add", "main", "--provider", "kimi", "--region", account["region"]),
        *("--base-url", sandbox.url("kimi-intl"), "--uploads-per-minute", "3", "--key-stdin"),
        stdin=sandbox.key("kimi-intl").encode() + b"\n",
    ).expect(0)
    said = program.run("upload", folder, "--plan").expect(1).out
    assert "7 of 9 files can be sent. About 2 min, because of the limits of the accounts." in said
    assert "INVALID_FILE_TYPE" in said
    assert "EMPTY_FILE" in said
    assert "main: 7 files, 700,000 bytes; left afterwards: 993 files" in said
    assert "       1  The file is empty" in said
    rows = program.run("upload", folder, "--plan", "--json").expect(1).rows
    assert rows[-1]["plan"]["seconds"] == pytest.approx(120, abs=1)
    assert [row["account"] for row in rows[:-1]].count("main") == 7
    assert sandbox.uploads() == []
    assert program.jobs() == []
    # Once something was sent the line is known too.
    program.upload(folder / "0.txt").expect(0)
    plan = program.run("upload", folder / "1.txt", "--plan", "--json").expect(0).rows[-1]["plan"]
    assert plan["line_s"] > 0
    assert program.run("upload", folder, "--plan", "--account", "nobody").expect(2).err
