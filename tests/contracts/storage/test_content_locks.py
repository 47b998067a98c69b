"""Programs of one user meet on a content: one holds it, and leaves a note for the next."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.storage.fleet import content_notes
from exai_desktop.storage.fleet.content_locks import ContentLocks

KEY = ClaimKey("https://kimi.invalid/v1", "12345678", "file-extract", "ab" * 32)
BEGUN = Claim(owner="one", sent_name="a.txt", size=3, at=5.0)

# Each of four processes counts to 50 in a file that only the holder of the lock may touch.
COUNTING = """
import sys, time
from pathlib import Path
from exai_desktop.core.jobs.claims import ClaimKey
from exai_desktop.storage.fleet.content_locks import ContentLocks
locks = ContentLocks(Path(sys.argv[1]), sys.argv[2])
key = ClaimKey("https://kimi.invalid/v1", "12345678", "file-extract", "ab" * 32)
counter = Path(sys.argv[1]) / "counter"
for _ in range(50):
    while (hold := locks.hold(key)) is None:
        time.sleep(0.001)
    number = int(counter.read_text() or 0)
    time.sleep(0.0005)
    counter.write_text(str(number + 1))
    hold.release()
"""
HOLDING = """
import sys, time
from pathlib import Path
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.storage.fleet.content_locks import ContentLocks
hold = ContentLocks(Path(sys.argv[1]), "two").hold(
    ClaimKey("https://kimi.invalid/v1", "12345678", "file-extract", "ab" * 32))
hold.note(Claim(owner="two", sent_name="b.txt", size=3, at=7.0))
print("held", flush=True)
time.sleep(60)
"""


def test_four_processes_never_hold_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "counter").write_text("0")
    command = [sys.executable, "-c", COUNTING, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(n)]) for n in range(4)]
    assert [process.wait(240) for process in processes] == [0] * 4
    assert (tmp_path / "counter").read_text() == "200"


@pytest.fixture
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each note goes on to the database at once."""
    monkeypatch.setattr(content_notes, "MOST_IN_LOG", 1)


@pytest.mark.usefixtures("no_log")
def test_notes_are_private_and_damaged_ones_are_as_good_as_none(tmp_path: Path) -> None:
    locks = ContentLocks(tmp_path / "folder", "one")
    hold = locks.hold(KEY)
    assert hold is not None
    hold.note(BEGUN)
    hold.release()
    [notes] = (tmp_path / "folder").glob("*.db")
    if sys.platform != "win32":
        assert [path.stat().st_mode & 0o077 for path in notes.parent.iterdir()] == [0, 0, 0]
        assert (tmp_path / "folder").stat().st_mode & 0o077 == 0
    sound = notes.read_bytes()
    for rubbish in (b"{", b"[" * 100_000, sound[:4096] + b"\xff" * (len(sound) - 4096)):
        notes.write_bytes(rubbish)
        found = ContentLocks(tmp_path / "folder", "two").hold(KEY)
        assert found is not None
        assert found.earlier is None
        found.release()


@pytest.mark.usefixtures("no_log")
def test_a_note_that_cannot_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    noted(tmp_path, "one", KEY)
    [notes] = tmp_path.glob("*.db")
    with closing(sqlite3.connect(notes)) as connection:
        connection.execute("UPDATE notes SET claim = '{}'")
        connection.commit()
    found = ContentLocks(tmp_path, "two").hold(KEY)
    assert found is not None
    assert found.earlier is None
    found.release()


def test_whose_file_it_is_the_notes_of_the_account_say(tmp_path: Path) -> None:
    """By its id, or, where nobody has one, by name and size; of other contents only."""
    locks = ContentLocks(tmp_path, "one")
    stored, other = RemoteFile("file-1", "z.txt", 9, 5.0, "file-extract"), replace(KEY, sha256="cd")
    lost = RemoteFile("file-2", "a (1).txt", 3, 5.0, "file-extract")
    assert not locks.is_anothers(other, stored)
    for claim, file, verdict in (
        (BEGUN.model_copy(update={"remote_id": "file-1"}), stored, True),
        (BEGUN.model_copy(update={"remote_id": "file-1"}), lost, False),
        (BEGUN, lost, True),
        (BEGUN, replace(lost, bytes=4), False),
        (BEGUN, stored, False),
    ):
        hold = locks.hold(KEY)
        assert hold is not None
        hold.note(claim)
        hold.release()
        assert locks.is_anothers(other, file) is verdict
        assert not locks.is_anothers(KEY, file)
        assert not locks.is_anothers(replace(other, key_fingerprint="87654321"), file)


def noted(folder: Path, owner: str, key: ClaimKey) -> None:
    hold = ContentLocks(folder, owner).hold(key)
    assert hold is not None
    hold.note(BEGUN.model_copy(update={"owner": owner}))
    hold.release()


@pytest.mark.usefixtures("no_log")
def test_an_account_has_two_files_and_they_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_notes, "KEPT", 10)
    keys = [replace(KEY, sha256=f"{number:064x}") for number in range(30)]
    for key in keys:
        noted(tmp_path, "one", key)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", ".db", ".log"]
    assert next(tmp_path.glob("*.log")).stat().st_size == 0
    assert (tmp_path / "locks").stat().st_size == 0
    earlier = []
    for key in keys:
        hold = ContentLocks(tmp_path, "two").hold(key)
        assert hold is not None
        earlier.append(hold.earlier is not None)
        hold.release()
    assert earlier == [False] * 20 + [True] * 10
    # Each account has its own.
    noted(tmp_path, "one", replace(KEY, base_url="https://other.invalid/v1"))
    assert len(list(tmp_path.glob("*.db"))) == 2


NOTING = """
import sys
from dataclasses import replace
from pathlib import Path
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.storage.fleet.content_locks import ContentLocks
locks = ContentLocks(Path(sys.argv[1]), sys.argv[2])
for number in range(40):
    key = ClaimKey("https://kimi.invalid/v1", "12345678", sys.argv[2], f"{number:064x}")
    hold = locks.hold(key)
    hold.note(Claim(owner=sys.argv[2], sent_name="a.txt", size=3, at=5.0))
    hold.release()
"""


@pytest.mark.parametrize("damaged", [False, True])
def test_notes_of_several_processes_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    with monkeypatch.context() as at_once:
        at_once.setattr(content_notes, "MOST_IN_LOG", 1)
        noted(tmp_path, "one", KEY)
    if damaged:
        [notes] = tmp_path.glob("*.db")
        notes.write_bytes(b"[" * 100_000)
    command = [sys.executable, "-c", NOTING, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(n)]) for n in range(3)]
    assert [process.wait(240) for process in processes] == [0] * 3
    keys = [
        replace(KEY, purpose=str(process), sha256=f"{number:064x}")
        for process in range(3)
        for number in range(40)
    ]
    assert all(is_noted(tmp_path, key) for key in keys)
    assert is_noted(tmp_path, KEY) is not damaged


def is_noted(folder: Path, key: ClaimKey) -> bool:
    hold = ContentLocks(folder, "two").hold(key)
    assert hold is not None
    hold.release()
    return hold.earlier is not None


def test_what_one_gives_back_another_keeps_holding(tmp_path: Path) -> None:
    """POSIX drops all locks of a process on a file when it closes any handle of it."""
    first = ContentLocks(tmp_path, "one").hold(KEY)
    second = ContentLocks(tmp_path, "one").hold(replace(KEY, sha256="cd" * 32))
    assert first is not None
    assert second is not None
    second.release()
    asking = HOLDING.replace("hold.note", "assert hold is None; sys.exit(7)\nhold.note")
    done = subprocess.run([sys.executable, "-c", asking, str(tmp_path)], check=False)
    assert done.returncode == 7
    first.release()
