"""`history` and `clear`: what has left the queue is found, told apart, exported and forgotten."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path

import httpx

from .program import Program
from .server import KIMI, Server


def test_what_is_cleared_is_found_in_the_history_and_forgotten_there(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    drop = tmp_path / "Invoices"
    drop.mkdir()
    (drop / "a.txt").write_text("the first text")
    (drop / "twin.txt").write_text("the first text")
    (drop / "empty.txt").touch()
    program.add_account(sandbox)
    program.upload(drop).expect(1)
    in_queue = program.run("history", "--json").expect(0).rows
    assert {row["cleared_at"] for row in in_queue} == {None}

    program.run("clear").expect(2)
    program.run("clear", "999").expect(1)
    assert "3" in program.run("clear", "--all").expect(0).out
    assert program.run("list", "--json").expect(0).rows == []
    rows = program.run("history", "--json").expect(0).rows
    assert [row | {"cleared_at": None, "light": 0} for row in rows] == [
        row | {"light": 0} for row in in_queue
    ]
    by_name = {row["name"]: row for row in rows}
    refused, sent = by_name["empty.txt"], by_name["a.txt"]
    assert (refused["kind"], refused["error"]["code"]) == ("refused", "EMPTY_FILE")
    assert refused["light"] is refused["file_id"] is None
    assert (sent["kind"], sent["sharing"]) == ("sent", 2)
    assert "by 2 names" in sent["light"]

    def found(*words: str) -> set[str]:
        return {row["name"] for row in program.run("history", "--json", *words).expect(0).rows}

    assert found("--kind", "refused") == {"empty.txt"}
    assert found("--search", "file is EMPTY") == {"empty.txt"}
    assert found("--search", sent["file_id"]) == {"a.txt", "twin.txt"}
    assert found("--search", "invoices") == set(by_name)
    assert found("--until", "2001-01-01") == set()
    assert found("--batch", str(sent["batch"]), "--sort", "name") == set(by_name)

    table = program.run("history", "--by-batch", "--columns", "number,name,folder,light").expect(0)
    assert "3 files, 1 without an ID" in table.out
    assert "The file is empty" in table.out
    assert "Invoices" in table.out
    program.run("history", "--columns", "nonsense").expect(2)
    program.run("history", "--csv", "--json").expect(2)
    program.run("history", "-o", "somewhere").expect(2)

    target = tmp_path / "out.csv"
    program.run("history", "--csv", "-o", str(target)).expect(0)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert len(list(csv.DictReader(io.StringIO(target.read_text())))) == 3
    script = program.run("history", "--as", "python").expect(0).out
    assert sent["file_id"] in script
    assert "empty.txt" not in script
    compile(script, "script", "exec")

    program.run("history", "forget").expect(2)
    assert "--yes" in program.run("history", "forget", "--all").expect(2).err
    program.run("history", "forget", "999", "--yes").expect(1)
    program.run("history", "forget", str(refused["id"]), "--yes").expect(0)
    assert found() == {"a.txt", "twin.txt"}
    program.run("history", "forget", "--all", "--yes").expect(0)
    assert "no such file" in program.run("history").expect(0).out
    # What lies at the provider is as it was, and the same content is not sent again.
    [copy] = program.run("files", "--json").expect(0).rows
    assert copy["file_id"] == sent["file_id"]
    [again] = program.upload(drop / "a.txt", "--json").expect(0).rows
    assert (again["state"], again["file_id"]) == ("duplicate", sent["file_id"])


def test_one_file_is_checked_at_its_provider(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("some text")
    program.add_account(sandbox)
    program.upload(file).expect(0)
    [copy] = program.run("files", "--json").expect(0).rows
    number = str(copy["id"])
    said = program.run("verify", "--file", number).expect(0).out
    assert copy["file_id"] in said
    assert "Seen now" in said
    program.run("verify", "--file", number, "--account", "main").expect(2)
    program.run("verify", "--file", "99").expect(1)
    # Somebody deletes it there; nobody has told the program.
    headers = {"Authorization": f"Bearer {sandbox.key(KIMI)}"}
    address = f"{sandbox.url(KIMI)}/files/{copy['file_id']}"
    httpx.delete(address, headers=headers).raise_for_status()
    assert "Missing at the provider" in program.run("verify", "--file", number).expect(1).out
    [row] = program.run("history", "--json").expect(0).rows
    assert (row["kind"], row["file_state"]) == ("gone", "missing")
