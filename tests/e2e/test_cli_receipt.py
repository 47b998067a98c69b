"""`receipt`: what became of a drop, as sums, for a spreadsheet, for a script."""

from __future__ import annotations

import ast
import csv
import io
import json
import stat
import subprocess
from pathlib import Path

import pytest

from exai_desktop.core.accounts.secret_store import variable_of

from .program import Program
from .server import Server


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """Two contents in three files, one name that is a formula, two files that are refused."""
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "a.txt").write_text("the first text")
    (folder / "=2+5.txt").write_text("the second text")
    (folder / "twin.txt").write_text("the first text")
    (folder / "empty.txt").touch()
    (folder / "program.exe").write_bytes(b"MZ" + bytes(200))
    return folder


def test_a_receipt_tells_where_how_many_and_why_not(
    program: Program, sandbox: Server, drop: Path
) -> None:
    program.add_account(sandbox)
    program.run("receipt").expect(2)
    program.upload(drop / "a.txt").expect(0)
    program.upload(drop).expect(1)
    said = program.run("receipt").expect(0).out
    assert "3 of 5 files have an ID" in said
    assert "2 of them were there already" in said
    assert "2 of them share their ID" in said
    assert "main (Kimi, International (api.moonshot.ai)): 3 files" in said
    assert "2 files without an ID" in said
    assert "The file is empty (EMPTY_FILE), for example empty.txt" in said

    groups = program.run("list", "--by-reason", "--json").expect(0).rows
    assert {group["code"]: group["files"] for group in groups} == {
        "EMPTY_FILE": 1,
        "MALICIOUS_FILE": 1,
    }
    assert "1  Refused: The file is empty" in program.run("list", "--by-reason").expect(0).out
    program.run("list", "--by-reason", "--all").expect(2)

    listed = program.run("receipt", "list").expect(0).out.splitlines()
    assert len(listed) == 2
    assert listed[0].endswith("5 files")
    first = listed[1].split()[0]
    assert "1 of 1 file have an ID" in program.run("receipt", first).expect(0).out
    program.run("receipt", "99").expect(2)
    program.run("receipt", "x").expect(2)
    for digits in (19, 20, 5_000):
        assert "BATCH" in program.run("receipt", "9" * digits).expect(2).err
    for both in (first, "last", "list"):
        assert "--job" in program.run("receipt", both, "--job", "1").expect(2).err
    program.run("receipt", "--csv", "--json").expect(2)
    program.run("receipt", "--as", "fortran").expect(2)
    program.run("receipt", "-o", "somewhere").expect(2)


def test_a_receipt_is_one_json_object_and_a_safe_table(
    program: Program, sandbox: Server, drop: Path, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    program.upload(drop).expect(1)
    [whole] = program.run("receipt", "--json").expect(0).rows
    assert (whole["receipt"]["files"], whole["receipt"]["with_id"]) == (5, 3)
    assert {file["name"] for file in whole["files"]} == {path.name for path in drop.iterdir()}
    assert sum(group["files"] for group in whole["receipt"]["missing"]) == 2

    target = tmp_path / "receipt.csv"
    target.write_text("an older one")
    target.chmod(0o644)
    program.run("receipt", "--csv", "-o", target).expect(0)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.glob(".*.part")) == []
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert "'=2+5.txt" in {row["name"] for row in rows}
    assert {row["reason"] for row in rows} >= {"The file is empty"}
    same = tmp_path / "receipt.json"
    program.run("receipt", "--json", "-o", same).expect(0)
    assert json.loads(same.read_text()) == whole
    refused = program.run("receipt", "--csv", "-o", tmp_path / "nowhere" / "x.csv").expect(1)
    assert "RECEIPT_NOT_WRITTEN" in refused.err

    # Some files instead of a batch.
    some = [str(file["id"]) for file in whole["files"]][:2]
    [two] = program.run("receipt", "--json", "--job", some[0], "--job", some[1]).expect(0).rows
    assert [str(file["id"]) for file in two["files"]] == some


def test_ids_can_be_used_as_they_are(program: Program, sandbox: Server, drop: Path) -> None:
    program.add_account(sandbox)
    program.upload(drop).expect(1)
    known = {row["name"]: row["file_id"] for row in _jobs(program) if row["file_id"]}
    table = program.run("receipt", "--as", "table").expect(0).out.splitlines()
    assert table[0].split("\t") == ["file", "id", "account"]
    assert {line.split("\t")[1] for line in table[1:]} == set(known.values())
    listed = json.loads(program.run("receipt", "--as", "json").expect(0).out)
    assert {one["name"]: one["file_id"] for one in listed} == known

    script = program.run("receipt", "--as", "python").expect(0).out
    names = {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
    }
    assert {name: file_id for name, file_id, _, _ in names["FILES"]} == known
    assert names["ACCOUNTS"]["main"] == (sandbox.url("kimi-intl"), variable_of("main"))

    lines = program.run("receipt", "--as", "curl").expect(0).out
    assert sandbox.key("kimi-intl") not in lines + script
    key = {variable_of("main"): sandbox.key("kimi-intl")}
    fetched = subprocess.run(
        ["/bin/sh", "-c", lines], capture_output=True, check=True, text=True,
        env={"PATH": "/usr/bin:/bin"} | key,
    ).stdout  # fmt: skip
    assert fetched.count("the first text") == 2
    assert fetched.count("the second text") == 1


def _jobs(program: Program) -> list[dict[str, str]]:
    return [{**job, "name": Path(job["path"]).name} for job in program.jobs()]


def test_accounts_with_the_same_variable_have_numbered_ones(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    """The example in docs/command-line.md, as it stands there."""
    keys = {"my work": "kimi-intl", "my-work": "kimi-cn"}
    for name, flavour in keys.items():
        program.add_account(sandbox, flavour, name=name)
    folder = tmp_path / "drop"
    folder.mkdir()
    for name in keys:
        (folder / f"{name}.txt").write_text(f"the text at {name}")
        # A batch of its own is enough: the variables are those of all accounts.
        program.upload(folder / f"{name}.txt", "--account", name).expect(0)
    jobs = [word for job in program.jobs() for word in ("--job", str(job["id"]))]
    script = program.run("receipt", *jobs, "--as", "curl").expect(0).out
    said = [line for line in script.splitlines() if line.startswith("#")]
    page = Path(__file__).parents[2].joinpath("docs", "command-line.md").read_text("utf-8")
    assert len(said) == 3
    assert set(said) <= set(page.splitlines())
    variables = {
        line.removeprefix("# ").partition(":")[0]: name
        for line in said
        for name in keys
        if f"the key of {name}." in line
    }
    assert sorted(variables.values()) == sorted(keys)
    given = {variable: sandbox.key(keys[name]) for variable, name in variables.items()}
    fetched = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, check=True, text=True,
        env={"PATH": "/usr/bin:/bin"} | given,
    ).stdout  # fmt: skip
    assert all(f"the text at {name}" in fetched for name in keys)
    python = program.run("receipt", *jobs, "--as", "python").expect(0).out
    assert all(variable in python for variable in variables)
