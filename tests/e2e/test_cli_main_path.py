"""What a user does with the command line when all is well."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import documents
from tests.own_time import of_children

from .processes import COMMAND
from .program import Program
from .server import KIMI, Server

SAMPLES = Path(__file__).resolve().parents[2] / "resources" / "samples"

# DESIGN section 10, with the number that the other verbs take; scripts depend on every name.
FIELDS = {
    *("id", "path", "state", "provider", "account", "file_id", "purpose", "bytes", "sha256"),
    *("route_reason", "transport", "attempts", "error", "skipped", "file_state"),
}
ERROR_FIELDS = {"code", "title", "hint", "detail", "retry_after"}


@pytest.fixture(autouse=True)
def _as_a_shell_starts_it(program: Program) -> None:
    program.is_warm = False


def _same(server: Server, row: dict[str, Any]) -> None:
    """The bytes at the provider are the bytes on the disk, and the row tells the truth."""
    data = Path(row["path"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == row["sha256"]
    assert len(data) == row["bytes"]
    assert server.bytes_of(row["file_id"]) == data


def test_every_sample_arrives_byte_for_byte(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox, name="kimi")
    program.add_account(sandbox, "zai", name="glm")
    ended = program.upload(SAMPLES, "--allow-fallback").expect(1)
    rows = ended.by_name()
    assert set(rows) == {path.name for path in SAMPLES.iterdir()}
    refused = {name: row["error"]["code"] for name, row in rows.items() if row["error"]}
    assert refused == {"empty.txt": "EMPTY_FILE", "archive.zip": "ARCHIVE_NOT_TAKEN"}
    taken = [row for name, row in rows.items() if name not in refused]
    for row in taken:
        assert row["state"] == "done", row
        _same(sandbox, row)
    assert len(sandbox.stored()) == len(taken)
    # The scan has no text: what Kimi refused went to the other company, as was allowed.
    assert rows["scan of contract.pdf"]["provider"] == "glm"
    assert rows["scan of contract.pdf"]["route_reason"].startswith("fallback allowed")


@pytest.mark.parametrize("size", [100_000, 1_000_000, 10_000_000, 100_000_000])
def test_a_file_of_any_size_arrives_byte_for_byte(
    program: Program, sandbox: Server, tmp_path: Path, size: int
) -> None:
    program.add_account(sandbox)
    file = tmp_path / "data.txt"
    block = documents.text(1_000_006)
    with file.open("wb") as out:
        for start in range(0, size, len(block)):
            out.write(block[: size - start])
    row = program.upload(file).expect(0).row
    assert row["state"] == "done"
    assert row["bytes"] == size
    _same(sandbox, row)


def test_json_rows_have_the_promised_fields(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("same")
    (tmp_path / "b.bin").write_text("refused")
    rows = program.upload(tmp_path).expect(1).by_name()
    done, refused = rows["a.txt"], rows["b.bin"]
    assert set(done) == set(refused) == FIELDS
    assert set(refused["error"]) == ERROR_FIELDS
    stored = sandbox.stored(KIMI)[0]
    digest = hashlib.sha256(b"same").hexdigest()
    assert done == {
        "id": done["id"],
        "path": str(tmp_path / "a.txt"),
        "state": "done",
        "provider": "kimi",
        "account": "main",
        "file_id": stored["id"],
        "purpose": "file-extract",
        "bytes": 4,
        "sha256": digest,
        "route_reason": "preferred account",
        "transport": "http",
        "attempts": 1,
        "error": None,
        "skipped": False,
        "file_state": "present",
    }
    again = program.upload(tmp_path / "a.txt").expect(0).row
    assert set(again) == FIELDS | {"twin_of"}
    assert (again["state"], again["file_id"]) == ("duplicate", stored["id"])
    assert again["twin_of"] == done["id"]


def test_people_get_one_line_a_file_and_a_sum(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    for number in range(3):
        (tmp_path / f"note {number}.txt").write_text(f"text {number}")
    ended = program.run("upload", tmp_path).expect(0)
    *lines, last = ended.out.splitlines()
    assert len(lines) == 3
    for file in sandbox.stored():
        assert sum(file["id"] in line and file["name"] in line for line in lines) == 1
    assert last == "3 of 3 files are uploaded."
    assert ended.err == ""


@pytest.fixture
def one_done(program: Program, sandbox: Server, tmp_path: Path) -> dict[str, Any]:
    """An uploaded file; its row."""
    program.add_account(sandbox)
    (tmp_path / "harbour.txt").write_text("the text of the harbour")
    return program.upload(tmp_path / "harbour.txt").expect(0).row


def test_list_show_and_content_tell_of_an_uploaded_file(
    program: Program, one_done: dict[str, Any]
) -> None:
    number = str(one_done["id"])
    assert program.run("list", "--json").expect(0).row == one_done
    assert program.run("list", "--json", "--state", "failed").expect(0).rows == []
    assert program.run("list", "--json", "--search", "HARBOUR").expect(0).row == one_done
    assert program.run("list", "--json", "--search", "nowhere").expect(0).rows == []
    listed = program.run("list").expect(0).out
    assert "harbour.txt" in listed
    assert one_done["file_id"] in listed
    detail = program.run("show", number, "--json").expect(0).row
    assert one_done.items() <= detail.items()
    assert detail["copy"] == {"id": one_done["file_id"], "state": "present"}
    assert [step["to"] for step in detail["history"]] == [
        *("queued", "checking", "hashing", "waiting", "sending", "confirming", "done")
    ]
    assert [(try_["number"], try_["outcome"]) for try_ in detail["tries"]] == [(1, "stored")]
    assert one_done["sha256"] in program.run("show", number).expect(0).out
    content = program.run("content", number, "--json").expect(0).row
    assert content == {"id": one_done["id"], "content": "the text of the harbour"}
    assert program.run("content", number).expect(0).out == "the text of the harbour\n"


def test_delete_removes_at_the_provider_and_keeps_the_record(
    program: Program, sandbox: Server, one_done: dict[str, Any]
) -> None:
    number = str(one_done["id"])
    assert program.run("delete", number, "--json").expect(0).row == {"deleted": [one_done["id"]]}
    assert [file["deleted"] for file in sandbox.stored()] == [True]
    assert program.run("show", number, "--json").expect(0).row["copy"]["state"] == "deleted"
    second = program.run("delete", number, "--json").expect(1)
    assert second.rows[0]["error"]["code"] == "REMOTE_NOT_FOUND"
    # The content may be sent again now.
    assert program.upload(one_done["path"]).expect(0).row["state"] == "done"


def test_cancel_and_retry(program: Program, sandbox: Server, tmp_path: Path) -> None:
    # Nobody listens there: the job waits in the queue and is left in it.
    program.add_account(sandbox, url="http://127.0.0.1:9/v1")
    (tmp_path / "a.txt").write_text("text")
    row = program.upload(tmp_path / "a.txt").expect(1).row
    assert (row["state"], row["error"]["code"]) == ("waiting", "OFFLINE")
    number = str(row["id"])
    assert program.run("account", "remove", "main", "--json").expect(1).row["error"]["code"] == (
        "ACCOUNT_IN_USE"
    )
    assert program.run("cancel", number, "--json").expect(0).row == {"cancelled": [row["id"]]}
    assert program.jobs()[0]["state"] == "cancelled"
    # Nothing is left to cancel.
    assert program.run("cancel", number, "--json").expect(1).row == {"cancelled": []}
    program.run("account", "remove", "main").expect(0)
    program.add_account(sandbox)
    assert program.run("retry", number, "--json").expect(0).row == {"retried": [row["id"]]}
    # Any engine that runs carries it out; each waits for its own file, and for what has begun.
    (tmp_path / "b.txt").write_text("another")
    program.finish_queue(tmp_path / "b.txt")
    assert {job["id"]: job["state"] for job in program.jobs()}[row["id"]] == "done"
    assert program.run("retry", number, "--json").expect(1).row == {"retried": []}


def test_accounts_are_listed_tested_and_removed(program: Program, sandbox: Server) -> None:
    assert program.run("account", "list", "--json").expect(0).rows == []
    program.add_account(sandbox, name="one")
    program.add_account(sandbox, "bigmodel", name="two")
    rows = program.run("account", "list", "--json").expect(0).rows
    assert [(r["name"], r["provider"], r["region"]) for r in rows] == [
        ("one", "kimi", "intl"),
        ("two", "glm", "bigmodel"),
    ]
    assert [r["problem"] for r in rows] == [None, None]
    report = program.run("account", "test", "one", "--json").expect(0).row
    assert (report["ok"], report["files"], report["error"]) == (True, 0, None)
    removed = program.run("account", "remove", "one", "--json").expect(0).row
    assert removed == {"removed": "one"}
    assert [r["name"] for r in program.run("account", "list", "--json").rows] == ["two"]
    # The key went with it: the same name must bring its own again.
    program.add_account(sandbox, name="one")
    assert program.run("account", "test", "one").expect(0).out.startswith("one: 127.0.0.1:")
    # No key lies in the profile.
    for file in program.home.rglob("*"):
        if file.is_file():
            assert not any(key.encode() in file.read_bytes() for key in sandbox.keys), file


def test_doctor_says_what_works(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox)
    found = program.run("doctor", "--json").expect(0).row
    assert set(found) == {"facts", "audit", "jobs", "accounts", "supabase"}
    assert (found["audit"]["state"], found["audit"]["rows"]) == ("intact", 1)
    assert found["facts"]["keys"] == "Secret Service"
    assert found["facts"]["data"] == str(program.home)
    assert [(a["account"], a["ok"], a["error"]) for a in found["accounts"]] == [
        ("main", True, None)
    ]
    said = program.run("doctor").expect(0).out
    assert "Secret Service" in said
    assert "audit trail    The audit trail is intact: 1 rows." in said


@pytest.mark.parametrize(("option", "most_times"), [("--version", 6), ("--help", 60)])
def test_what_needs_no_engine_is_quick(program: Program, option: str, most_times: int) -> None:
    program.run(option).expect(0)
    best = min(_processor_s(*COMMAND, option) for _ in range(3))
    bare = min(_processor_s(COMMAND[0], "-c", "pass") for _ in range(3))
    # As many times the bare start, which a busy machine slows down as well.
    assert best < bare * most_times, f"{best:.2f} s; Python alone takes {bare:.2f} s"
    assert not program.home.exists()


def _processor_s(*command: str) -> float:
    before = of_children()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return of_children() - before
