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


def test_a_plan_is_changed_by_options_shown_and_sent(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"text {number}")
        (folder / f"{number}.csv").write_text(f"a,{number}\n")
    for name, flavour in (("kimi", "kimi-intl"), ("glm", "zai")):
        program.run(
            *("account", "add", name, "--provider", name),
            *("--region", sandbox.accounts[flavour]["region"]),
            *("--base-url", sandbox.url(flavour), "--key-stdin"),
            stdin=sandbox.key(flavour).encode() + b"\n",
        ).expect(0)
    plan = ("upload", folder, "--plan", "--assign", "documents=glm")
    # Another company gets nothing without a word for this upload.
    assert "PLAN_MOVE_REFUSED" in program.run(*plan).expect(1).err
    said = program.run(*plan, "--allow", "glm", "--leave-out", "tables").expect(1).out
    assert "glm: 3 files" in said
    assert "       3  documents: txt" in said
    assert "       3  Left out when the plan was made" in said
    row = program.run(*plan, "--allow", "glm", "--json").expect(0).rows[-1]["plan"]
    assert {lane["sums"]["account"]: lane["sums"]["files"] for lane in row["lanes"]} == {
        "kimi": 3,
        "glm": 3,
    }
    assert [change["moved"] for change in row["changes"]] == [0, 3]
    assert sandbox.uploads() == []
    sent = program.run(
        *("upload", folder, "--assign", "documents=glm", "--allow", "glm"),
        *("--leave-out", "tables", "--json"),
    ).expect(1)
    states = {Path(row["path"]).name: (row["state"], row["account"]) for row in sent.rows}
    assert states["0.txt"] == ("done", "glm")
    assert states["0.csv"][0] == "refused"
    assert len(sandbox.uploads()) == 3
    for bad in ("documents", "nonsense=glm", "documents="):
        assert program.run("upload", folder, "--assign", bad).expect(2).err
    assert program.run("upload", folder, "--unattended", "--allow", "glm").expect(2).err
