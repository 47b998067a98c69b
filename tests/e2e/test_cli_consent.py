"""Consent and unattended uploads, as scripts meet them."""

import json
import random
from pathlib import Path

from tests import documents
from tests.secrets.planted import pem

from .program import Program
from .server import Server


def test_a_question_is_answered_by_retry_or_ahead(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    path = tmp_path / "notes.txt"
    path.write_bytes(documents.png())
    row = program.upload(path).expect(1).row
    assert row["error"]["code"] == "CONTENT_MISMATCH"
    assert "Send anyway" in row["error"]["hint"]
    shown = program.run("show", str(row["id"])).expect(0).out
    assert f"exai-desktop retry {row['id']} --accept mismatch" in shown
    bad = program.run("retry", str(row["id"]), "--accept", "viruses").expect(2)
    assert "macros" in bad.err
    program.run("upload", path, "--accept", "MALICIOUS_FILE").expect(2)
    program.upload(path, "--accept", "macros").expect(1)
    assert program.upload(path, "--accept", "mismatch").expect(0).row["state"] == "done"
    # The refused one goes on too: its content is there already.
    program.run("retry", str(row["id"]), "--accept", "CONTENT_MISMATCH").expect(0)
    other = tmp_path / "other.md"
    for number in range(5):
        other.write_text(f"text {number}")
        program.upload(other).expect(0)
        state = program.run("show", str(row["id"]), "--json").expect(0).row["state"]
        if state == "duplicate":
            break
    assert state == "duplicate"
    rows = program.run("audit", "export", "--format", "json").expect(0).rows
    accepted = {json.loads(r["detail"]).get("accepted") for r in rows if r["job_id"] == row["id"]}
    assert accepted == {None, "CONTENT_MISMATCH"}


def test_a_key_in_a_file_is_asked_about(program: Program, sandbox: Server, tmp_path: Path) -> None:
    program.add_account(sandbox)
    path = tmp_path / "id_rsa.txt"
    path.write_text("one\n" + pem(random.Random(1), "OPENSSH"), encoding="utf-8")
    row = program.upload(path).expect(1).row
    assert row["error"]["code"] == "SECRET_INSIDE"
    assert row["error"]["detail"] == "a private key in line 2"
    shown = program.run("show", str(row["id"])).expect(0).out
    assert f"exai-desktop retry {row['id']} --accept secret" in shown
    assert "SECRET_INSIDE" in program.run("explain", "1028").expect(0).out
    # Nobody is there to be asked.
    program.environment["EXAI_DESKTOP_ALLOWED_FOLDERS"] = str(tmp_path)
    refused = program.upload(path, "--unattended").expect(1).row
    assert refused["error"]["code"] == "SECRET_INSIDE"
    bad = program.run("upload", path, "--unattended", "--accept", "secret").expect(2)
    assert "in advance" in bad.err
    assert not sandbox.stored()
    assert program.upload(path, "--accept", "secret").expect(0).row["state"] == "done"


def test_unattended_only_what_lies_in_an_allowed_folder(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "good.txt").write_text("good")
    (tmp_path / "secret.txt").write_text("secret")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    refused = program.upload(inside / "good.txt", "--unattended").expect(1).row
    assert refused["error"]["code"] == "PATH_TRAVERSAL"
    program.environment["EXAI_DESKTOP_ALLOWED_FOLDERS"] = str(inside)
    up = f"{inside}/../secret.txt"
    rows = program.upload(inside, up, "--unattended").expect(1).by_name()
    assert {name: row["error"] and row["error"]["code"] for name, row in rows.items()} == {
        "good.txt": None,
        "link.txt": "PATH_TRAVERSAL",
        "secret.txt": "PATH_TRAVERSAL",
    }
    assert [file["name"] for file in sandbox.stored()] == ["good.txt"]
