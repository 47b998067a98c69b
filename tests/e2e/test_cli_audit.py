"""`audit verify` and `audit export`, and what somebody with a database tool can hide."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.core.audit.audit import START, key_id, mac_of

from .program import Program
from .server import Server

KEEPER = "Secret Service"
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
ROWS = ["account.added", "job.sending", "job.confirming", "job.done"]


@pytest.fixture
def audited(program: Program, sandbox: Server, tmp_path: Path) -> Program:
    """A profile with one account and one file sent."""
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("hello")
    program.upload(tmp_path / "a.txt").expect(0)
    return program


def exported(program: Program, *more: str) -> list[dict[str, Any]]:
    return program.run("audit", "export", "--format", "json", *more).expect(0).rows


def tamper(program: Program, statement: str) -> None:
    """As somebody who takes the triggers off and puts them back, so that nothing else shows."""
    with closing(sqlite3.connect(program.home / "exai-desktop.db")) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).fetchall()
        assert len(triggers) == 3
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()


def test_a_whole_trail_is_said_to_be_whole(audited: Program) -> None:
    said = audited.run("audit", "verify").expect(0).out
    assert "The audit trail is intact: 4 rows." in said
    assert f"The chain is protected by {KEEPER}." in said
    report = audited.run("audit", "verify", "--json").expect(0).row
    assert (report["rows"], report["ok"], report["broken_at"]) == (4, True, None)
    assert (report["protected_by"], report["by_file"]) == (KEEPER, 0)
    assert report["anchored_seq"] == 4
    facts = audited.run("doctor", "--json").expect(0).row["facts"]
    assert facts["audit"] == f"chain protected by {KEEPER}"


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE audit SET outcome = 'failed' WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 4", 4),
        ("DELETE FROM audit", 1),
    ],
)
def test_a_row_that_was_changed_or_cut_is_named(audited: Program, sql: str, broken_at: int) -> None:
    tamper(audited, sql)
    report = audited.run("audit", "verify", "--json").expect(1).row
    assert (report["ok"], report["broken_at"]) == (False, broken_at)
    # Asking does not wipe out the proof.
    said = audited.run("audit", "verify").expect(1).out
    assert f"not intact from row {broken_at}" in said


def test_the_json_export_can_be_checked_by_another_program(audited: Program) -> None:
    rows = exported(audited)
    assert [row["action"] for row in rows] == ROWS
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    key = bytes.fromhex(_key(audited))
    previous = "0" * 64
    for row in rows:
        mac = row.pop("mac")
        message = json.dumps(list(row.values()), ensure_ascii=False, separators=(",", ":"))
        assert hmac.new(key, message.encode(), hashlib.sha256).hexdigest() == mac
        assert row["previous"] == previous
        previous = mac


def _key(program: Program) -> str:
    code = (
        "from exai_desktop.config.paths import places as p;"
        "from exai_desktop.config.profile_identity import ProfileIdentity as i;"
        "from exai_desktop.config.secret_store import KeyringStore as k;"
        "print(k(i(p()).id).get('audit'))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=program.environment, capture_output=True, text=True, check=True, timeout=240
    )
    return done.stdout.strip()


def test_the_csv_export_is_safe_in_a_spreadsheet(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox, name="=HYPERLINK(1)")
    program.run("account", "remove", "=HYPERLINK(1)").expect(0)
    target = tmp_path / "trail.csv"
    target.write_text("of before")
    target.chmod(0o644)
    said = program.run("audit", "export", "--output", target).expect(0).out
    assert "2 rows written" in said
    raw = target.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600
    assert raw.startswith(b"seq,at,actor,action,")
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["account"] for row in rows] == ["'=HYPERLINK(1)"] * 2
    assert [row["action"] for row in rows] == ["account.added", "account.removed"]
    same = program.run("audit", "export", "--format", "csv").expect(0)
    assert same.raw_out == raw
    mode = Path("/dev/null").stat().st_mode
    program.run("audit", "export", "--output", "/dev/null").expect(0)
    assert Path("/dev/null").stat().st_mode == mode
    assert [row["account"] for row in exported(program)] == ["=HYPERLINK(1)"] * 2


def test_an_export_begins_where_it_is_asked_to(audited: Program) -> None:
    assert exported(audited, "--since", "2020-01-31") == exported(audited)
    assert exported(audited, "--since", "2999-12-31") == []
    assert audited.run("audit", "export", "--json").expect(0).rows == exported(audited)
    audited.run("audit", "export", "--since", "yesterday").expect(2)
    audited.run("audit", "export", "--format", "xml").expect(2)


def test_a_place_that_cannot_be_written_is_said(audited: Program, tmp_path: Path) -> None:
    ended = audited.run("audit", "export", "--output", tmp_path / "nowhere" / "x.csv").expect(2)
    assert "No such file" in ended.err


def test_the_trail_outlives_the_account_and_the_file(audited: Program) -> None:
    number = str(audited.jobs()[0]["id"])
    audited.run("delete", number).expect(0)
    audited.run("account", "remove", "main").expect(0)
    assert [row["action"] for row in exported(audited)] == [
        *ROWS,
        "copy.deleting",
        "copy.deleted",
        "copy.deletion_seen",
        "account.removed",
    ]
    audited.run("audit", "verify").expect(0)


def test_without_a_keyring_the_file_is_named(audited: Program, tmp_path: Path) -> None:
    # Rows sealed with the keyring's key cannot be checked without it: that is said, not guessed.
    lost = audited.run("audit", "verify", "--json", environment=NO_KEYRING).expect(1).row
    assert (lost["broken_at"], lost["protected_by"]) == (1, "a file, not by the keyring")
    assert "key that is not available" in lost["problem"]
    assert lost["state"] == "unconfirmed"
    # A session without the keyring goes on with the file's key; later both are known.
    (tmp_path / "empty.txt").write_bytes(b"")
    audited.upload(tmp_path / "empty.txt", environment=NO_KEYRING).expect(1)
    report = audited.run("audit", "verify", "--json").expect(0).row
    assert (report["rows"], report["by_file"], report["protected_by"]) == (5, 1, KEEPER)
    assert "1 rows are protected by a file" in audited.run("audit", "verify").out


def test_cut_rows_and_a_deleted_anchor_are_said_and_the_user_may_know_why(
    audited: Program,
) -> None:
    tamper(audited, "DELETE FROM audit WHERE seq > 1")
    (audited.home / "audit-anchor.json").unlink()
    ended = audited.run("audit", "verify").expect(1)
    assert "not intact from row 2: the newest rows are missing" in ended.out
    assert "DATABASE_PUT_BACK" in ended.err
    report = audited.run("doctor", "--json").row["audit"]
    assert (report["state"], report["broken_at"]) == ("broken", 2)
    # Nobody is there to be asked.
    assert "Nothing was accepted" in audited.run("audit", "accept").expect(1).out
    audited.run("audit", "verify").expect(1)
    assert (
        "The audit trail is intact: 2 rows."
        in audited.run("audit", "accept", "--yes").expect(0).out
    )
    assert "anchored in: Secret Service" in audited.run("audit", "verify").expect(0).out
    assert [row["action"] for row in exported(audited)] == ["account.added", "audit.accepted"]


def test_rows_sealed_anew_with_an_own_key_are_said(audited: Program) -> None:
    key, rows, previous = b"1" * 32, exported(audited), START
    for row in rows:
        row |= {"path_text": "another", "key_id": key_id(key), "previous": previous}
        row["mac"] = previous = mac_of(key, list(row.values())[:-1])
    tamper(audited, "DELETE FROM audit")
    with closing(sqlite3.connect(audited.home / "exai-desktop.db")) as connection:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO audit VALUES ({marks})", [[*r.values()] for r in rows])
        connection.commit()
    (audited.home / "audit.key").write_text(key.hex())
    (audited.home / "audit-anchor.json").unlink()
    said = audited.run("audit", "verify").expect(1).out
    assert "not intact from row 1: the row is sealed with a key that is not accepted" in said


def test_a_signed_export_is_checked_by_somebody_without_the_profile(
    audited: Program, tmp_path: Path
) -> None:
    file, key_file, nowhere = tmp_path / "trail.jsonl", tmp_path / "key.txt", tmp_path / "nowhere"
    audited.run("audit", "export", file, "--signed").expect(0)
    assert file.stat().st_mode & 0o777 == 0o600
    public = audited.run("audit", "public-key").expect(0).out.strip()
    key_file.write_text(f"the office:\n{public}\n")
    stranger = NO_KEYRING | {"EXAI_DESKTOP_HOME": str(nowhere), "HOME": str(nowhere)}

    def check(code: int, *key: str | Path) -> str:
        arguments = [part for given in key for part in ("--public-key", given)]
        return (
            audited.run("audit", "check", file, *arguments, environment=stranger).expect(code).out
        )

    assert "The export is intact: 4 rows" in check(0, public)
    assert "The export is intact: 4 rows" in check(0, key_file)
    assert "another public key" in check(1, "ab" * 32)
    check(2, tmp_path / "absent.txt")
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines).replace("a.txt", "b.txt", 1), encoding="utf-8")
    assert "The export is not intact (line 3, row 2): the row was changed." in check(1, public)
    file.write_text("".join(lines[:-1]), encoding="utf-8")
    assert "its last line is missing" in check(1, public)
    assert not nowhere.exists()


def test_what_cannot_be_signed_touches_no_file(audited: Program, tmp_path: Path) -> None:
    file = tmp_path / "trail.jsonl"
    file.write_text("of before")
    ended = audited.run("audit", "export", file, "--signed", environment=NO_KEYRING).expect(1)
    assert "CREDENTIAL_STORE_UNAVAILABLE" in ended.err
    tamper(audited, "UPDATE audit SET path_text = 'x' WHERE seq = 2")
    ended = audited.run("audit", "export", file, "--signed").expect(1)
    assert "AUDIT_NOT_INTACT" in ended.err
    assert file.read_text() == "of before"
    audited.run("audit", "export", file, "--signed", "--format", "csv").expect(2)
    audited.run("audit", "export", file, "--output", file).expect(2)


def test_the_sandbox_has_a_trail_of_its_own(audited: Program) -> None:
    report = audited.run("audit", "verify", "--json", "--sandbox").expect(0).row
    assert (report["rows"], report["protected_by"]) == (0, "a file, not by the keyring")


def test_a_reader_that_leaves_early_is_no_fault(audited: Program) -> None:
    export = audited.start("audit", "export", "--format", "json")
    assert export.stdout is not None
    export.stdout.close()
    export.stdout = None
    ended = audited.finish(export)
    assert ended.code in (0, 1), ended.err
