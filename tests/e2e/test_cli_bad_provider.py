"""A provider that refuses, breaks or cannot be reached: said once, plainly, and nothing is lost."""

import socket
from pathlib import Path
from typing import Any

import pytest

from .program import Ended, Program
from .server import KIMI, Server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("text")
    return tmp_path / "a.txt"


def _outcome(ended: Ended) -> tuple[str, str]:
    row = ended.row
    assert row["error"], row
    assert row["error"]["title"]
    assert row["error"]["hint"]
    return str(row["state"]), str(row["error"]["code"])


@pytest.mark.parametrize(
    "key",
    ["sk-an-invented-key-0123456789", "sk-sandbox-kimi-cn-not-a-real-key"],
    ids=["wrong", "of the other region"],
)
def test_a_key_the_provider_refuses_holds_the_file(
    program: Program, sandbox: Server, file: Path, key: str
) -> None:
    program.add_account(sandbox, key=key)
    ended = program.upload(file).expect(1)
    assert _outcome(ended) == ("held", "AUTH_FAILED")
    assert "region" in ended.row["error"]["hint"]
    report = program.run("account", "test", "main", "--json").expect(1).row
    assert (report["ok"], report["error"]["code"]) == (False, "AUTH_FAILED")
    doctor = program.run("doctor", "--json").expect(1).row
    assert doctor["accounts"][0]["error"]["code"] == "AUTH_FAILED"
    people = program.run("upload", file).expect(1)
    assert "AUTH_FAILED" in people.out
    assert not [row for row in sandbox.stored() if not row["deleted"]]
    for log in (program.home / "logs").iterdir():
        assert key not in log.read_text(encoding="utf-8")


def test_an_address_where_nobody_listens_is_offline(
    program: Program, sandbox: Server, file: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    program.add_account(sandbox, url=f"http://127.0.0.1:{port}/v1")
    assert _outcome(program.upload(file).expect(1)) == ("waiting", "OFFLINE")
    report = program.run("account", "test", "main", "--json").expect(1).row
    assert report["error"]["code"] == "OFFLINE"


QUICK = {"EXAI_DESKTOP_SETTLE_S": "0.1"}

BAD_REQUEST = {"kind": "http_status", "status": 400, "error_type": "invalid_request_error"}
TOO_LARGE = "Invalid request: file size is too large, max file size is 100MB"
REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "quota_429"}, "held", "BALANCE_EXHAUSTED"),
    ({"kind": "http_status", "status": 403}, "held", "PERMISSION_DENIED"),
    ({**BAD_REQUEST, "error_type": "content_filter"}, "refused", "CONTENT_REFUSED"),
    ({**BAD_REQUEST, "message": TOO_LARGE}, "refused", "FILE_TOO_LARGE"),
    ({"kind": "wrong_size"}, "failed", "SIZE_MISMATCH"),
    ({"kind": "parse_error"}, "failed", "PARSE_FAILED"),
]


@pytest.mark.parametrize(
    ("fault", "state", "code"), REFUSALS, ids=[f"{code}" for _, _, code in REFUSALS]
)
def test_a_definite_refusal_has_its_own_name(
    program: Program, sandbox: Server, file: Path, fault: dict[str, Any], state: str, code: str
) -> None:
    program.add_account(sandbox)
    sandbox.faults({**fault, "method": "POST"})
    assert _outcome(program.upload(file).expect(1)) == (state, code)
    # It was said, not tried again and again.
    assert len(sandbox.uploads()) == 1


@pytest.mark.parametrize("kind", ["garbage", "no_id", "lose_answer"])
def test_an_answer_without_sense_is_settled_by_the_list(
    program: Program, sandbox: Server, file: Path, kind: str
) -> None:
    program.add_account(sandbox)
    sandbox.faults({"kind": kind, "method": "POST"})
    row = program.upload(file).expect(0).row
    assert row["state"] == "done"
    assert [stored["id"] for stored in sandbox.stored()] == [row["file_id"]]
    assert len(sandbox.uploads()) == 1


BROKEN: list[tuple[dict[str, Any], str | None]] = [
    ({"kind": "html_502"}, "PROVIDER_UNAVAILABLE"),
    ({"kind": "garbage", "store": False}, "INVALID_ANSWER"),
    ({"kind": "reset_after_body"}, "ANSWER_LOST"),
    ({"kind": "http_status", "status": 413, "form": "html"}, "INVALID_ANSWER"),
    ({"kind": "redirect"}, None),
]


@pytest.mark.parametrize(("fault", "code"), BROKEN, ids=[str(f["kind"]) for f, _ in BROKEN])
def test_a_provider_that_stays_broken_ends_the_wait(
    program: Program, sandbox: Server, file: Path, fault: dict[str, Any], code: str | None
) -> None:
    """The file is sent a few times at most, the command ends, and its last words name why."""
    program.add_account(sandbox)
    sandbox.faults({**fault, "method": "POST"})
    ended = program.upload(file, environment=QUICK).expect(1)
    state, said = _outcome(ended)
    assert state in ("waiting", "uncertain", "failed", "needs_review", "refused", "held")
    assert code is None or said in (code, "ATTEMPTS_EXHAUSTED")
    assert len(sandbox.uploads()) <= 8
    assert sandbox.stored() == []


def test_a_list_that_cannot_be_had_ends_the_wait(
    program: Program, sandbox: Server, file: Path
) -> None:
    program.add_account(sandbox)
    sandbox.faults({"kind": "html_502"})
    state, _ = _outcome(program.upload(file, environment=QUICK).expect(1))
    assert state in ("uncertain", "needs_review")
    # Healthy again: the next run settles it and nothing is stored twice.
    sandbox.faults()
    row = program.upload(file).expect(0).row
    assert [stored["id"] for stored in sandbox.stored(KIMI)] == [row["file_id"]]
