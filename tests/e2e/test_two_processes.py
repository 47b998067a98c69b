"""Two processes on one profile: the second hands its verbs over, and nothing is sent twice."""

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .processes import eventually
from .program import Ended, Program
from .server import KIMI, Server

# Holds the profile as a hung program would: the lock is taken, nobody answers.
HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1], thread_local=False, fallback_to_soft=False)
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


# As the kernel numbers the states of TCP; LISTEN is 0A.
ESTABLISHED = "01"


def _tcp_states(pid: int) -> set[str]:
    """The states of all TCP and UDP sockets of one process."""
    links = (str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir())
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    rows = [
        line.split()
        for table in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    ]
    return {row[3] for row in rows if row[9] in inodes}


@pytest.fixture
def slow(program: Program, sandbox: Server) -> Server:
    """An account whose provider takes a second to answer: long enough for two to meet."""
    program.add_account(sandbox)
    sandbox.settings(answer_delay_s=1.0)
    return sandbox


def _sending(server: Server, count: int = 1) -> bool:
    return eventually(lambda: len(server.uploads()) >= count)


def test_the_same_content_from_two_processes_is_stored_once(
    program: Program, slow: Server, tmp_path: Path
) -> None:
    names = ["one.txt", "two.txt", "three.txt"]
    for name in names:
        (tmp_path / name).write_text("the same content under three names")
    paths = [tmp_path / name for name in names]
    started = [program.start("upload", "--json", *paths) for _ in range(2)]
    ended: list[Ended] = [program.finish(process).expect(0) for process in started]
    rows: list[dict[str, Any]] = [row for each in ended for row in each.rows]
    assert [len(each.rows) for each in ended] == [3, 3]
    [done] = [row for row in rows if row["state"] == "done"]
    others = [row for row in rows if row["state"] == "duplicate"]
    assert len(others) == 5
    assert {(row["twin_of"], row["file_id"]) for row in others} == {(done["id"], done["file_id"])}
    assert [stored["id"] for stored in slow.stored()] == [done["file_id"]]


def test_each_account_gets_its_own_copy(program: Program, slow: Server, tmp_path: Path) -> None:
    program.add_account(slow, "zai", name="other")
    (tmp_path / "a.txt").write_text("one content, two accounts")
    started = [
        program.start("upload", "--json", tmp_path / "a.txt", "--account", account)
        for account in ("main", "other")
    ]
    ids = {program.finish(process).expect(0).row["file_id"] for process in started}
    assert len(ids) == 2
    assert {stored["id"] for stored in slow.stored()} == ids


def test_the_second_goes_on_when_the_first_has_finished(
    program: Program, slow: Server, tmp_path: Path
) -> None:
    """The owner's own batch is over first; the batch handed to it still is carried to its end."""
    (tmp_path / "short.txt").write_text("one file")
    long_ones = [tmp_path / f"long {number}.txt" for number in range(3)]
    for number, path in enumerate(long_ones):
        path.write_text(f"one of three, {number}")
    slow.settings(answer_delay_s=3.0)
    owner = program.start("upload", "--json", tmp_path / "short.txt")
    assert _sending(slow)
    second = program.start("upload", "--json", *long_ones)
    assert _sending(slow, 2), "the second was not handed over in time"
    assert program.finish(owner).expect(0).row["state"] == "done"
    rows = program.finish(second).expect(0).by_name()
    assert set(rows) == {path.name for path in long_ones}
    assert {row["state"] for row in rows.values()} == {"done"}
    assert len(slow.stored()) == 4


def test_other_verbs_are_answered_while_an_upload_runs(
    program: Program, slow: Server, tmp_path: Path
) -> None:
    # Long enough for ten verbs, as long as one takes just now.
    plain = program.run("list").expect(0).seconds
    slow.settings(answer_delay_s=max(4.0, 10 * plain))
    (tmp_path / "a.txt").write_text("text")
    owner = program.start("upload", "--json", tmp_path / "a.txt")
    assert _sending(slow)
    [job] = program.jobs()
    assert job["state"] == "sending"
    assert program.run("show", str(job["id"]), "--json").expect(0).row["state"] == "sending"
    assert program.run("doctor", "--json").expect(0).row["jobs"] == {"sending": 1}
    assert program.run("show", "99", "--json").expect(2).row["error"]["code"] == "UNKNOWN_JOB"
    assert program.finish(owner).expect(0).row["state"] == "done"


def test_the_program_listens_on_its_private_socket_only(
    program: Program, slow: Server, tmp_path: Path
) -> None:
    slow.settings(answer_delay_s=3.0)
    (tmp_path / "a.txt").write_text("text")
    owner = program.start("upload", "--json", tmp_path / "a.txt")
    assert _sending(slow)
    [socket] = [path for path in program.home.rglob("*") if path.is_socket()]
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(program.home.stat().st_mode) == 0o700
    # It talks to the provider, so its sockets can be seen; none of them listens.
    assert _tcp_states(owner.pid) == {ESTABLISHED}
    assert not Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text(encoding="ascii")
    program.finish(owner).expect(0)
    assert not socket.exists()


def test_a_holder_that_does_not_answer_ends_the_wait(program: Program, tmp_path: Path) -> None:
    locks = program.home / "locks"
    locks.mkdir(parents=True, mode=0o700)
    command = [sys.executable, "-c", HOLD, str(locks / "profile.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            began = time.monotonic()
            ended = program.run("list", "--json").expect(4)
            took = time.monotonic() - began
            assert ended.row["error"]["code"] == "ANOTHER_INSTANCE"
            assert ended.row["error"]["hint"]
        finally:
            holder.kill()
    # The lock went with its process.
    free = program.run("list", "--json").expect(0)
    assert free.rows == []
    # Ten seconds; that a busy machine starts a program slowly is none of the wait.
    assert 8 < took < 12 + 4 * free.seconds


def test_a_stopped_owner_ends_the_wait(program: Program, slow: Server, tmp_path: Path) -> None:
    """It holds the lock and its socket takes connections, but no answer ever comes."""
    slow.settings(answer_delay_s=60)
    (tmp_path / "a.txt").write_text("text")
    owner = program.start("upload", "--json", tmp_path / "a.txt")
    assert _sending(slow)
    # The end of a body leaves a moment later than the rest.
    assert eventually(lambda: bool(slow.stored(KIMI)))
    owner.send_signal(signal.SIGSTOP)
    try:
        ended = program.run("list", "--json").expect(4)
        assert ended.row["error"]["code"] == "ANOTHER_INSTANCE"
    finally:
        owner.kill()
    assert [row["state"] for row in program.jobs()] == ["uncertain"]
    assert [stored["purpose"] for stored in slow.stored(KIMI)] == ["file-extract"]
