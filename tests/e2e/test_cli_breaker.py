"""A provider that fails again and again is paused, and the command line says so."""

from __future__ import annotations

from pathlib import Path

from .program import Program
from .server import Server

QUICK = {"EXAI_DESKTOP_SETTLE_S": "0.1", "EXAI_DESKTOP_BREAKER_FAILURES": "2"}
DOWN = {"kind": "http_status", "status": 503, "method": "POST"}


def test_faults_in_a_row_a_word_about_it_and_a_test_that_ends_it(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text(f"file {number}")
    program.add_account(sandbox)
    sandbox.faults(DOWN)
    ended = program.upload(tmp_path, environment=QUICK).expect(1)
    assert len(ended.rows) == 6
    codes = {row["error"]["code"] for row in ended.rows}
    assert "CIRCUIT_BREAKER_OPEN" in codes
    # Two faults opened it; what was under way meanwhile is all that was sent besides.
    assert len(sandbox.uploads()) <= 4
    waiting = next(r for r in ended.rows if r["error"]["code"] == "CIRCUIT_BREAKER_OPEN")
    assert waiting["state"] == "waiting"
    assert 200 < waiting["error"]["retry_after"] < 340

    # The next program knows it, without a single question to the provider.
    row = program.run("account", "list", "--json").expect(0).row
    assert row["breaker"]["phase"] == "open"
    assert "paused after 2 failures in a row" in program.run("account", "list").expect(0).out
    before = len(sandbox.uploads())
    again = program.upload(tmp_path / "0.txt", environment=QUICK).expect(1)
    assert again.row["error"]["code"] in ("CIRCUIT_BREAKER_OPEN", "CONCURRENT_UPLOAD")
    assert len(sandbox.uploads()) == before

    # Well again: a test by the user does not wait for the schedule.
    sandbox.faults()
    program.run("account", "test", "main", environment=QUICK).expect(0)
    program.upload(tmp_path, environment=QUICK).expect(0)
    assert program.run("account", "list", "--json").expect(0).row["breaker"]["phase"] == "closed"
    stored = [row["sha256"] for row in sandbox.stored()]
    assert len(stored) == len(set(stored)) == 6
