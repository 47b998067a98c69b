"""Equal files share one id: what the installed program says before and after it is deleted."""

from __future__ import annotations

import os
import pty
from pathlib import Path

from .program import Program
from .server import Server

COUNT = 4


def uploaded(program: Program, sandbox: Server, folder: Path) -> list[int]:
    program.add_account(sandbox)
    for number in range(COUNT):
        (folder / f"{number}.txt").write_text("the same words\n")
    rows = program.upload(folder).expect(0).rows
    assert len({row["file_id"] for row in rows}) == 1
    assert {row["file_state"] for row in rows} == {"present"}
    return [int(row["id"]) for row in rows]


def test_a_shared_id_is_not_deleted_unasked_and_each_file_says_it_is_gone(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "equal"
    folder.mkdir()
    first, *others = uploaded(program, sandbox, folder)
    old = program.run("get", folder / "2.txt").expect(0).out.strip()
    asked = program.run("delete", str(first)).expect(1)
    assert "FILE_SHARED" in asked.err
    assert f"{COUNT} files in the list share" in asked.err
    assert program.run("get", "1.txt").expect(0).out.strip() == old
    program.run("delete", str(first), "--yes").expect(0)
    gone = program.run("list", "--gone", "--json").expect(0).rows
    assert sorted(row["id"] for row in gone) == sorted([first, *others])
    assert {(row["state"] in ("done", "duplicate"), row["file_state"]) for row in gone} == {
        (True, "deleted")
    }
    assert "Deleted at the provider" in program.run("list").expect(0).out
    refused = program.run("get", "1.txt", "--json").expect(1)
    assert refused.row["error"]["code"] == "FILE_GONE"
    assert old not in program.run("get", "1.txt").expect(1).out
    assert program.run("retry", "--gone", "--json").expect(0).row == {
        "retried": sorted([first, *others])
    }
    other = tmp_path / "other.txt"
    other.write_text("the next upload takes them along\n")
    program.finish_queue(other)
    new = {program.run("get", folder / f"{n}.txt").expect(0).out.strip() for n in range(COUNT)}
    assert len(new) == 1
    assert old not in new


def test_one_who_says_no_deletes_nothing(program: Program, sandbox: Server, tmp_path: Path) -> None:
    folder = tmp_path / "equal"
    folder.mkdir()
    first, *_ = uploaded(program, sandbox, folder)
    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        try:
            process = program.start("delete", str(first), stdin=theirs)
            os.write(ours, answer)
            ended = program.finish(process).expect(code)
        finally:
            os.close(theirs)
            os.close(ours)
        assert f"{COUNT} files in the list share" in ended.err
    assert len(program.run("list", "--gone", "--json").expect(0).rows) == COUNT


def test_get_asks_the_provider_when_told_to(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "equal"
    folder.mkdir()
    uploaded(program, sandbox, folder)
    known = program.run("get", "0.txt", "--json").expect(0).row
    assert program.run("get", known["sha256"][:12]).expect(0).out.strip() == known["file_id"]
    sandbox.reset()
    assert program.run("get", "0.txt").expect(0).out.strip() == known["file_id"]
    assert "FILE_GONE" in program.run("get", "0.txt", "--check").expect(1).err
    assert "REMOTE_NOT_FOUND" in program.run("get", "never.txt").expect(1).err
