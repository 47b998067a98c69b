"""The log of notes: what is in it survives cuts, other programs and its own emptying."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.claims import Claim
from exai_desktop.storage.fleet import content_notes
from exai_desktop.storage.fleet.byte_locks import byte_locks
from exai_desktop.storage.fleet.content_notes import MOST_IN_LOG, Notes
from exai_desktop.storage.fleet.note_log import NoteLog

WRITER = """
import sys
from pathlib import Path
from exai_desktop.core.jobs.claims import Claim
from exai_desktop.storage.fleet.byte_locks import byte_locks
from exai_desktop.storage.fleet.content_notes import notes_of
folder, name, many = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
notes = notes_of(folder / "a.db", byte_locks(folder / "locks"), 1)
for number in range(many):
    claim = Claim(owner=name, sent_name="a.txt", size=3, at=1.0, remote_id=f"{name}-{number}")
    notes.put(f"{name} {number}", claim)
"""


def notes_in(folder: Path) -> Notes:
    """Its own object each time, like another program's."""
    return Notes(folder / "a.db", byte_locks(folder / "locks"), 1)


def claim(owner: str = "one", remote_id: str = "") -> Claim:
    return Claim(owner=owner, sent_name="a.txt", size=3, at=1.0, remote_id=remote_id)


def found(notes: Notes, *contents: str) -> list[str | None]:
    claims = [notes.find(content) for content in contents]
    return [None if each is None else each.remote_id for each in claims]


def test_a_line_that_was_cut_or_changed_counts_as_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    log = NoteLog(path)
    log.add("one", "1")
    log.add("two", "2")
    log.add("three", "3")
    log.close()
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"2"', b'"9"')[:-4])
    log = NoteLog(path)
    assert log.newest() == {"one": "1"}
    log.add("four", None)
    assert log.newest() == {"one": "1", "four": None}
    assert NoteLog(path).newest() == {"one": "1", "four": None}


def test_a_log_emptied_and_filled_again_is_read_from_its_start(tmp_path: Path) -> None:
    """By another program, so that it is longer than before."""
    ours, theirs = NoteLog(tmp_path / "a.log"), NoteLog(tmp_path / "a.log")
    ours.add("one", "1")
    assert ours.newest() == theirs.newest() == {"one": "1"}
    theirs.empty()
    theirs.add("two", "2")
    theirs.add("three", "3")
    assert ours.newest() == {"two": "2", "three": "3"}


def test_what_another_program_notes_is_seen_at_once(tmp_path: Path) -> None:
    ours, theirs = notes_in(tmp_path), notes_in(tmp_path)
    ours.put("a", claim("one", "file-1"))
    assert found(theirs, "a") == ["file-1"]
    theirs.put("a", None)
    theirs.put("b", claim("two", "file-2"))
    assert found(ours, "a", "b") == [None, "file-2"]


def test_the_log_goes_to_the_database_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_notes, "MOST_IN_LOG", 5)
    ours, theirs = notes_in(tmp_path), notes_in(tmp_path)
    assert found(theirs, "0") == [None]  # both have read the log before
    for number in range(12):
        (ours if number % 2 else theirs).put(str(number), claim("one", f"file-{number}"))
    ours.put("0", None)
    assert len(NoteLog(tmp_path / "a.log").newest()) < 5
    expected = [None, *(f"file-{number}" for number in range(1, 12))]
    for notes in (ours, theirs, notes_in(tmp_path)):
        assert found(notes, *map(str, range(12))) == expected
    remote = RemoteFile("file-3", "a.txt", 3, 0.0, "file-extract")
    assert ours.may_be_of_another("4", remote)
    assert not ours.may_be_of_another("3", remote)


def test_a_log_or_database_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    notes.put("a", claim(remote_id="file-1"))
    for path in tmp_path.glob("a.*"):
        path.unlink()
    assert found(notes, "a") == [None]
    notes.put("b", claim(remote_id="file-2"))
    assert found(notes_in(tmp_path), "b") == ["file-2"]


def test_four_programs_write_and_empty_the_log_at_once(tmp_path: Path) -> None:
    """Each fills the log more than once: whoever empties it must not lose another one's note."""
    many = MOST_IN_LOG // 2
    names = ("one", "two", "three", "four")
    children = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name, str(many)])
        for name in names
    ]
    assert [child.wait(timeout=240) for child in children] == [0] * len(names)
    notes = notes_in(tmp_path)
    for name in names:
        contents = [f"{name} {number}" for number in range(many)]
        assert found(notes, *contents) == [f"{name}-{number}" for number in range(many)]
    assert len(NoteLog(tmp_path / "a.log").newest()) < MOST_IN_LOG
