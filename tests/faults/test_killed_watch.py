"""A program that dies between finding a file and having it in the queue loses and doubles none."""

import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import end, eventually
from tests.e2e.program import Program
from tests.e2e.server import Server

from .after_kills import states
from .killed_watch import MOMENTS


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_between_found_and_enqueued(
    program: Program, sandbox: Server, tmp_path: Path, moment: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.txt").write_text(f"the words of number {number}")
    program.add_account(sandbox, in_flight=4)
    program.run("watch", "add", folder, "--settle", "0.2").expect(0)
    command = (sys.executable, "-m", "tests.faults.killed_watch", moment)
    process = program.start("watch", "run", "--json", command=command)
    assert program.finish(process).code == -signal.SIGKILL
    assert sum(states(program).values()) == (0 if moment == "before" else 20)
    process = program.start("watch", "run", "--json")
    assert eventually(lambda: states(program)["done"] == 20)
    end(process)
    assert sum(states(program).values()) == 20
    assert sorted(file["name"] for file in sandbox.stored()) == sorted(
        f"{number}.txt" for number in range(20)
    )
