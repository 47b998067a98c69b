"""Programs of one user meet on a content: one holds it, and leaves a note for the next."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.storage.fleet.content_locks import ContentLocks

KEY = ClaimKey("https://kimi.invalid/v1", "12345678", "file-extract", "ab" * 32)
BEGUN = Claim(owner="one", sent_name="a.txt", size=3, at=5.0)

# Each of four processes counts to 50 in a file that only the holder of the lock may touch.
COUNTING = """
import sys, time
from pathlib import Path
from exai_desktop.core.jobs.claims import ClaimKey
from exai_desktop.config.atomic_write import write_file
from exai_desktop.storage.fleet.content_locks import ContentLocks
locks = ContentLocks(Path(sys.argv[1]), sys.argv[2], write_file)
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
from exai_desktop.config.atomic_write import write_file
from exai_desktop.storage.fleet.content_locks import ContentLocks
hold = ContentLocks(Path(sys.argv[1]), "two", write_file).hold(
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


def test_a_killed_holder_leaves_its_note_and_no_lock(tmp_path: Path) -> None:
    locks = ContentLocks(tmp_path, "one", write_file)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert locks.hold(KEY) is None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    until = time.monotonic() + 60
    while (hold := locks.hold(KEY)) is None:
        assert time.monotonic() < until
    assert hold.earlier == Claim(owner="two", sent_name="b.txt", size=3, at=7.0)
    hold.release()


def test_our_own_note_is_none_of_another_program(tmp_path: Path) -> None:
    locks = ContentLocks(tmp_path, "one", write_file)
    hold = locks.hold(KEY)
    assert hold is not None
    hold.note(BEGUN)
    hold.release()
    again, other = locks.hold(KEY), None
    assert again is not None
    assert again.earlier is None
    again.release()
    other = ContentLocks(tmp_path, "two", write_file).hold(KEY)
    assert other is not None
    assert other.earlier == BEGUN
    other.note(None)
    other.release()
    gone = ContentLocks(tmp_path, "three", write_file).hold(KEY)
    assert gone is not None
    assert gone.earlier is None
    gone.release()


def test_notes_are_private_and_damaged_ones_are_as_good_as_none(tmp_path: Path) -> None:
    locks = ContentLocks(tmp_path / "folder", "one", write_file)
    hold = locks.hold(KEY)
    assert hold is not None
    hold.note(BEGUN)
    hold.release()
    [notes] = (tmp_path / "folder").glob("*.json")
    if sys.platform != "win32":
        assert notes.stat().st_mode & 0o077 == 0
        assert (tmp_path / "folder").stat().st_mode & 0o077 == 0
    for rubbish in (b"{", b"[]", b'{"a": 1}', b"[" * 100_000, b'{"a": {"owner": 3}}'):
        notes.write_bytes(rubbish)
        found = ContentLocks(tmp_path / "folder", "two", write_file).hold(KEY)
        assert found is not None
        assert found.earlier is None
        found.release()
