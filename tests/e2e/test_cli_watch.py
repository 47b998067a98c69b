"""`watch` on the command line, with the sandbox."""

import signal
from pathlib import Path

import pytest

from .processes import eventually
from .program import Program
from .server import Server


def _stored(sandbox: Server) -> list[str]:
    return sorted(file["name"] for file in sandbox.stored())


@pytest.mark.usefixtures("interruptible")
def test_a_folder_is_watched_until_the_program_is_ended(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("the first words")
    (folder / "b.log.txt").write_text("nobody wants this")
    assert "No watched folders" in program.run("watch", "list").expect(0).out
    added = program.run(
        *("watch", "add", folder, "--account", "main", "--ignore", "*.log.txt"),
        *("--settle", "0.2", "--json"),
    ).expect(0)
    assert added.row["folder"] == str(folder) and added.row["state"] == "off"
    assert "Nothing is being watched now" in added.err
    process = program.start("watch", "run", "--json")
    assert eventually(lambda: _stored(sandbox) == ["a.txt"])
    (folder / "below").mkdir()
    (folder / "below" / "c.txt").write_text("more words")
    assert eventually(lambda: _stored(sandbox) == ["a.txt", "c.txt"])
    # Another process asks the one that watches.
    assert eventually(lambda: program.run("watch", "list", "--json").row["done"] == 2)
    listed = program.run("watch", "list", "--json").expect(0)
    assert listed.row["state"] == "watching" and listed.row["skipped"] == 1
    assert listed.row["last_file"] == str(Path("below", "c.txt")) and not listed.err
    skipped = program.run("watch", "skipped", folder, "--json").expect(0).rows
    assert skipped[0] == {"path": "b.log.txt", "reason": "pattern", "detail": ""}
    assert skipped[-1] == {"counts": {"pattern": 1}}
    assert program.run("watch", "pause", folder, "--json").expect(0).row["state"] == "paused"
    (folder / "d.txt").write_text("while it is paused")
    assert program.run("watch", "resume", "1", "--json").expect(0).row["state"] == "watching"
    assert eventually(lambda: _stored(sandbox) == ["a.txt", "c.txt", "d.txt"])
    # Stored is not yet done: the answer is on its way.
    assert eventually(lambda: program.run("watch", "list", "--json").row["done"] == 3)
    process.send_signal(signal.SIGTERM)
    ended = program.finish(process).expect(130)
    assert [Path(row["path"]).name for row in ended.rows] == ["a.txt", "c.txt", "d.txt"]
    assert program.run("watch", "list").expect(0).out.count("Not being watched now") == 1
    program.run("watch", "remove", folder).expect(0)
    assert "UNKNOWN_WATCH" in program.run("watch", "remove", folder).expect(2).err


def test_what_cannot_be_watched_is_said(
    program: Program, sandbox: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    assert "NO_ACCOUNT" in program.run("watch", "add", folder).expect(3).err
    program.add_account(sandbox)
    program.run("watch", "add", folder, "--new-only").expect(0)
    assert "WATCHED_TWICE" in program.run("watch", "add", folder).expect(2).err
    assert "WATCHED_NESTED" in program.run("watch", "add", folder / "below").expect(2).err
    assert "WATCH_FOLDER_UNUSABLE" in program.run("watch", "add", tmp_path / "no").expect(2).err
    assert "is empty" in program.run("watch", "add", "").expect(2).err
    assert "IGNORE_PATTERN" in program.run("watch", "edit", "1", "--ignore", "!").expect(2).err
    home = tmp_path / "home"
    home.mkdir()
    refused = program.run("watch", "add", home, environment={"HOME": str(home)}).expect(2)
    assert "WATCH_TOO_WIDE" in refused.err and "--yes" in refused.err
    edited = program.run("watch", "edit", "1", "--settle", "9", "--no-subfolders", "--json")
    assert edited.expect(0).row["settle_s"] == 9 and edited.row["subfolders"] is False
    # Its path leads to another folder now: nothing is taken from there, unless it is wanted.
    folder.rename(tmp_path / "away")
    folder.mkdir()
    refused = program.run("watch", "skipped", folder).expect(2)
    assert "another folder is in the place" in refused.err
    program.run("watch", "resume", folder, "--same-folder").expect(0)
    assert "Nothing is skipped" in program.run("watch", "skipped", folder).expect(0).out
