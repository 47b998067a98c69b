"""An account at a service of one's own, from adding it to deleting a file there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aimock import AiMock, aimock

from .program import Program


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AiMock]:
    (tmp_path / "server").mkdir()
    with aimock(tmp_path / "server") as running:
        yield running


def add(program: Program, server: AiMock, *more: str, code: int = 0) -> str:
    ended = program.run(
        *("account", "add", "own", "--provider", "custom", "--key-stdin", *more),
        stdin=server.key.encode() + b"\n",
    ).expect(code)
    return ended.err


def test_a_service_of_ones_own(program: Program, server: AiMock, tmp_path: Path) -> None:
    assert "needs a base URL" in add(program, server, code=2)
    assert "is not NAME" in add(
        program, server, "--base-url", server.url, "--purpose", "no good", code=2
    )
    add(program, server, "--base-url", server.url)
    assert program.run("account", "test", "own", "--json").expect(0).row["ok"]
    lines, note = tmp_path / "requests.jsonl", tmp_path / "note.txt"
    lines.write_text(json.dumps({"custom_id": "1"}) + "\n")
    note.write_text("a note")
    rows = program.upload(lines, note).expect(0).by_name()
    assert {name: row["purpose"] for name, row in rows.items()} == {
        "requests.jsonl": "batch",
        "note.txt": "user_data",
    }
    assert {row["provider"] for row in rows.values()} == {"custom"}
    # The same again is not sent again.
    assert program.upload(lines).expect(0).row["state"] == "duplicate"
    listing = program.run("reconcile", "--json").expect(0)
    assert "missing" in listing.out
    number = str(rows["requests.jsonl"]["id"])
    assert program.run("content", number).expect(0).out.strip() == lines.read_text().strip()
    program.run("delete", number, "--yes").expect(0)


def test_its_own_purposes(program: Program, server: AiMock, tmp_path: Path) -> None:
    add(program, server, "--base-url", server.url, "--purpose", "evals:jsonl")
    (tmp_path / "a.jsonl").write_text("{}\n")
    (tmp_path / "a.txt").write_text("text")
    rows = program.upload(tmp_path / "a.jsonl", tmp_path / "a.txt").expect(1).by_name()
    assert (rows["a.jsonl"]["state"], rows["a.jsonl"]["purpose"]) == ("done", "evals")
    assert rows["a.txt"]["error"]["code"] == "INVALID_FILE_TYPE"
