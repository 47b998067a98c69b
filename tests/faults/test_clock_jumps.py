"""The machine's clock is set by a day while the real program works, or between two runs of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.processes import eventually, kill
from tests.e2e.program import Program
from tests.e2e.server import Server

from .after_kills import SETTLE_S, lost_and_double, make, nothing_lost, settle, states

DAY_S = 86_400
LOSES = {"kind": "lose_answer", "method": "POST", "times": 2}
# No day, and far more than these few files ever take on a machine with other work.
SOON_S = 90
THROTTLES = {"kind": "rate_429", "method": "POST", "times": 2, "retry_after": 2}


class WrongClock:
    """What the program takes for the time of day; how long a second lasts is not touched."""

    def __init__(self, program: Program, folder: Path) -> None:
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            # Never a skip: a clock that is set happens to everybody.
            pytest.fail(
                "libfaketime not found. Run: packaging/linux/install-system-packages test",
                pytrace=False,
            )
        self._program = program
        self._file = folder / "offset"
        self.set(0)
        program.environment |= {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Seconds until a jump is noticed; 0 would read the file at every look at the clock.
            "FAKETIME_CACHE_DURATION": "1",
            "NO_FAKE_STAT": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """In one step: a reader never finds half of it."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n", encoding="ascii")
        new.replace(self._file)

    def mend(self) -> None:
        """The programs started from now on have the right time."""
        del self._program.environment["LD_PRELOAD"]


@pytest.fixture
def clock(program: Program, sandbox: Server, tmp_path: Path) -> WrongClock:
    program.environment["EXAI_DESKTOP_SETTLE_S"] = str(SETTLE_S)
    (tmp_path / "temporary").mkdir()
    program.environment["TMPDIR"] = str(tmp_path / "temporary")
    program.add_account(sandbox, in_flight=2)
    return WrongClock(program, tmp_path)


@pytest.mark.parametrize(
    ("fault", "jump_s"),
    [
        pytest.param(LOSES, DAY_S, id="lost answers, forward", marks=pytest.mark.long),
        pytest.param(LOSES, -DAY_S, id="lost answers, back"),
        pytest.param(THROTTLES, DAY_S, id="throttled, forward", marks=pytest.mark.long),
        pytest.param(THROTTLES, -DAY_S, id="throttled, back"),
    ],
)
def test_a_jump_while_files_are_sent_and_waited_for(
    program: Program,
    clock: WrongClock,
    sandbox: Server,
    tmp_path: Path,
    fault: dict[str, object],
    jump_s: int,
) -> None:
    sandbox.settings(answer_delay_s=0.3)
    sandbox.faults(fault)
    paths = make(tmp_path / "files", "jump", 6, 20_000)
    process = program.start("upload", "--json", *paths)
    assert eventually(lambda: len(sandbox.uploads()) >= 2)
    began = time.monotonic()
    clock.set(jump_s)
    ended = program.finish(process)
    # Whatever waited, waited as long as it was meant to.
    assert time.monotonic() - began < SOON_S
    assert {row["state"] for row in ended.rows} <= {"done", "needs_review"}
    clock.mend()
    decide(program, sandbox, paths)
    nothing_lost(program, sandbox, paths)


def decide(program: Program, server: Server, paths: Sequence[Path]) -> None:
    """Where time proves nothing the program asks, and has sent nothing again; answer as a user."""
    _, double = lost_and_double(server, paths)
    assert double == 0, "sent again without asking"
    there = {Path(file["name"]).name: file["id"] for file in server.stored()}
    for job in program.jobs():
        if job["state"] != "needs_review":
            continue
        assert job["error"]["code"] == "REVIEW_NEEDED"
        found = there.get(Path(job["path"]).name)
        wish = ["--use", found] if found else ["--send-again"]
        program.run("settle", str(job["id"]), *wish).expect(0)


@pytest.mark.parametrize("first_s", [DAY_S, pytest.param(-DAY_S, marks=pytest.mark.long)])
def test_killed_with_a_wrong_clock_and_restarted_with_the_right_one(
    program: Program, clock: WrongClock, sandbox: Server, tmp_path: Path, first_s: int
) -> None:
    """What the first run noted lies a day away for the second."""
    sandbox.settings(answer_delay_s=0.6)
    paths = make(tmp_path / "files", "restart", 6, 20_000)
    clock.set(first_s)
    process = program.start("upload", "--json", *paths[:1])
    program.finish(process).expect(0)  # the provider's own time is known from now on
    process = program.start("upload", "--json", *paths)
    assert eventually(lambda: len(sandbox.uploads()) >= 3)
    assert kill(process)
    assert states(program)["sending"] > 0
    clock.mend()
    began = time.monotonic()
    program.upload(*paths)
    assert time.monotonic() - began < SOON_S
    decide(program, sandbox, paths)
    settle(program, paths)
    nothing_lost(program, sandbox, paths)


def test_a_program_that_was_asleep_goes_on_at_once(
    program: Program, clock: WrongClock, sandbox: Server, tmp_path: Path
) -> None:
    """Stopped in the middle, and the clock has gone on by a day meanwhile, as in a suspend."""
    sandbox.settings(answer_delay_s=0.3)
    paths = make(tmp_path / "files", "asleep", 6, 20_000)
    process = program.start("upload", "--json", *paths)
    assert eventually(lambda: len(sandbox.uploads()) >= 2)
    process.send_signal(signal.SIGSTOP)
    time.sleep(2)
    clock.set(DAY_S)
    process.send_signal(signal.SIGCONT)
    program.finish(process).expect(0)
    clock.mend()
    nothing_lost(program, sandbox, paths)
