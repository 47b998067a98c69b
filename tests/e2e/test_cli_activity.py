"""`audit list` and `stats`: what happened, in words and in sums."""

from __future__ import annotations

import time
from pathlib import Path

from .program import Program
from .server import Server


def test_what_happened_is_told_in_words_and_sums(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("some text")
    (tmp_path / "empty.txt").touch()
    assert "Nothing" in program.run("audit", "list", "--kind", "sent").expect(0).out
    program.add_account(sandbox)
    program.upload(tmp_path / "a.txt", tmp_path / "empty.txt").expect(1)

    told = program.run("audit", "list").expect(0).out
    assert "Sent a.txt to main: " in told
    assert "empty.txt was refused: The file is empty" in told
    assert "Added the account main" in told
    assert "Began to send" not in told
    assert "Began to send a.txt" in program.run("audit", "list", "--steps").expect(0).out

    def actions(*words: str) -> list[str]:
        rows = program.run("audit", "list", "--json", *words).expect(0).rows
        return [row["action"] for row in rows]

    assert actions("--kind", "problem") == ["job.refused"]
    assert actions("--kind", "sent", "--account", "main") == ["job.done"]
    assert actions("--account", "nobody") == []
    assert actions("--day", "2001-01-01") == []
    assert set(actions("--day", time.strftime("%Y-%m-%d"))) >= {"job.done", "job.refused"}
    assert len(actions("--limit", "1")) == 1
    program.run("audit", "list", "--day", "yesterday").expect(2)

    days = program.run("stats", "--json", "--days", "3").expect(0).rows
    assert len(days) == 3
    assert {day["success"] for day in days[:2]} == {None}
    today = days[-1]
    assert (today["sent"], today["failed"], today["success"]) == (1, 1, 0.5)
    assert today["bytes"] == len("some text")
    assert "50 % sent" in program.run("stats").expect(0).out
    program.run("stats", "--days", "0").expect(2)
