"""A lost answer and no list to settle it by: the user decides, also on the command line."""

from pathlib import Path

import pytest

from .program import Program
from .server import Server


@pytest.fixture
def doubtful(program: Program, sandbox: Server, tmp_path: Path) -> Path:
    """One file that the provider has, with its answer lost and its lists refused."""
    program.environment["EXAI_DESKTOP_SETTLE_S"] = "0.2"
    program.add_account(sandbox)
    sandbox.faults(
        {"kind": "lose_answer", "method": "POST", "times": 1},
        {"kind": "http_status", "method": "GET", "status": 400},
    )
    path = tmp_path / "a.txt"
    path.write_text("some words\n")
    [row] = [program.upload(path).expect(1).row]
    assert (row["state"], row["error"]["code"]) == ("needs_review", "REVIEW_NEEDED")
    sandbox.faults()
    return path


@pytest.mark.usefixtures("doubtful")
def test_the_file_at_the_provider_is_used(program: Program, sandbox: Server) -> None:
    [stored] = sandbox.stored()
    wrong = program.run("settle", "1", "--use", "no-such-file", "--json").expect(1)
    assert wrong.row["error"]["code"] == "REMOTE_NOT_FOUND"
    settled = program.run("settle", "1", "--use", stored["id"], "--json").expect(0).row
    assert (settled["state"], settled["file_id"]) == ("done", stored["id"])
    again = program.run("settle", "1", "--use", stored["id"], "--json").expect(1)
    assert again.row["error"]["code"] == "WRONG_STATE"


def test_it_is_sent_again(program: Program, sandbox: Server, doubtful: Path) -> None:
    program.run("settle", "1", "--send-again").expect(0)
    row = program.upload(doubtful).expect(0).row
    assert row["file_id"] == [file["id"] for file in sandbox.stored()][-1]


@pytest.mark.usefixtures("doubtful")
@pytest.mark.parametrize("words", [(), ("--use", "a", "--send-again")])
def test_one_answer_is_needed(program: Program, words: tuple[str, ...]) -> None:
    assert "either" in program.run("settle", "1", *words).expect(2).err


def test_the_same_file_again_says_that_a_decision_is_wanted(
    program: Program, sandbox: Server, doubtful: Path
) -> None:
    """It waits for the other's; the command must not wait for that in silence."""
    row = program.upload(doubtful).expect(1).row
    assert (row["state"], row["error"]["code"]) == ("waiting", "REVIEW_NEEDED")
    assert row["error"]["hint"]
    [stored] = sandbox.stored()
    program.run("settle", "1", "--use", stored["id"]).expect(0)
    third = program.upload(doubtful).expect(0).row
    assert (third["state"], third["file_id"]) == ("duplicate", stored["id"])
    assert len(sandbox.stored()) == 1
