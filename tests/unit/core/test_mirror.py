"""What an answer of the user's project means for the row, and ids that all devices make alike."""

from __future__ import annotations

from typing import Any

import pytest

from exai_desktop.core.mirror import claims, link, service
from exai_desktop.core.mirror.operations import (
    GONE_HERE,
    AnswerStatus,
    MirrorAccount,
    Operation,
    OperationAnswer,
    RecordKind,
    WaitingRow,
    derived_id,
    outcome,
)
from exai_desktop.core.mirror.quota import QuotaUse
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry, SignInWay, waiting_lines
from exai_desktop.core.mirror.status import WORDS, MirrorState, MirrorStatus, RefusedRow

A, K = AnswerStatus, RecordKind
EARLY, LATE = "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00+00:00"


def told(kind: RecordKind, **data: object) -> Operation:
    return Operation("op", kind, "key", data)


def answered(status: AnswerStatus, **more: Any) -> OperationAnswer:
    return OperationAnswer("op", status, **more)


def test_what_was_applied_is_done() -> None:
    assert outcome(told(K.FILE), answered(A.APPLIED, rev=3)) == (3, True)


def test_what_is_gone_there_is_told_as_new_unless_it_is_gone_here() -> None:
    assert outcome(told(K.FILE, name="a"), answered(A.GONE)) == (None, False)
    assert outcome(told(K.FILE, **GONE_HERE), answered(A.GONE)) == (None, True)
    assert outcome(told(K.FILE), answered(A.REFUSED, code="23514")) == (None, False)
    assert outcome(told(K.FILE), answered(A.CONFLICT)) == (None, False)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_done"),
    [
        ({"status": "present", "last_verified": EARLY}, {"status": "missing"}, False),
        (
            {"status": "present", "last_verified": EARLY},
            {"status": "missing", "last_verified": LATE},
            True,
        ),
        (
            {"status": "present", "last_verified": LATE},
            {"status": "missing", "last_verified": EARLY},
            False,
        ),
        ({"status": "present"}, {"status": "deleted", "last_verified": EARLY}, True),
        ({"status": "deleted"}, {"status": "missing", "last_verified": LATE}, False),
        ({"status": "present"}, {"status": "present", "last_verified": LATE}, False),
    ],
)
def test_the_later_look_decides(
    ours: dict[str, str], theirs: dict[str, str], is_done: bool
) -> None:
    conflict = answered(A.CONFLICT, current={"rev": 7, **theirs})
    assert outcome(told(K.COPY, **ours), conflict) == (7, is_done)


def test_only_copies_are_known_better_elsewhere() -> None:
    conflict = answered(A.CONFLICT, current={"rev": 7, "status": "missing", "last_verified": LATE})
    assert outcome(told(K.FILE, status="present"), conflict) == (7, False)


def test_all_devices_make_the_same_ids() -> None:
    account = MirrorAccount("kimi", "https://kimi.example/v1", "0123abcd")
    assert account.id == MirrorAccount("other", account.base_url, account.key_mark).id
    assert account.id != MirrorAccount("kimi", account.base_url, "ffffffff").id
    assert derived_id(account.id, "file-1") == derived_id(account.id, "file-1")


def test_an_operation_as_it_is_sent() -> None:
    operation = Operation("1", K.FILE, "2", {"name": "a"}, base_rev=4)
    row = WaitingRow(K.FILE, 1, (operation,))
    assert row.op_id == "1"
    assert operation.as_json() == {
        "id": "1",
        "kind": "file",
        "key": "2",
        "base_rev": 4,
        "data": {"name": "a"},
    }


def test_each_state_has_words() -> None:
    assert set(WORDS) == set(MirrorState)
    assert MirrorStatus(MirrorState.UNREACHABLE).words == "signed in, the project does not answer"


def test_who_is_signed_in() -> None:
    out = {MirrorState.SIGNED_OUT, MirrorState.UNAVAILABLE}
    assert {state for state in MirrorState if not MirrorStatus(state).is_signed_in} == out


def test_a_user_and_the_facts_are_values() -> None:
    user = link.MirrorUser("https://project.example", "1", "me@example.com", "p")
    assert user == link.MirrorUser(user.url, user.user_id, user.email, user.profile)
    assert link.ProjectFacts(1, None).schema == 1
    assert [step.value for step in claims.ClaimStep] == ["renew", "note", "release"]
    assert service.MirrorService.__doc__


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("22001", "a value does not fit into the table (22001)"),
        ("23514", "a rule of the table forbids it (23514)"),
        ("42501", "this user may not write it (42501)"),
        ("413", "the project cannot take it (413)"),
        ("", "the project cannot take it"),
    ],
)
def test_a_refusal_is_told_in_words(code: str, words: str) -> None:
    assert RefusedRow("copy", 1, "a.pdf", code).words == words


@pytest.mark.parametrize(
    ("limit", "used", "words"),
    [
        (10 * 1024**3, 3435973837, "3.2 of 10 GiB used by all your devices"),
        (1536 * 1024, 0, "0 of 1.5 MiB used by all your devices"),
        (0, 7, "7 of 0 bytes used by all your devices"),
    ],
)
def test_how_full_the_limit_of_all_devices_is(limit: int, used: int, words: str) -> None:
    assert QuotaUse(limit, 1, used, 0, 0, 0.0).words == words


def test_room_for_new_files() -> None:
    use = QuotaUse(100, 50, 60, 10, since_bytes=5, as_of=0.0)
    assert (use.filled_bytes, use.left_bytes) == (65, 25)
    assert not use.is_too_large(50)
    assert use.is_too_large(51)
    # More was deleted here than the project has counted; or more was sent than there is room.
    assert QuotaUse(100, 50, 0, 0, -5, 0.0).filled_bytes == 0
    assert QuotaUse(100, 50, 200, 0, 0, 0.0).left_bytes == 0


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (SignInWay.LINK, "a link to me@example.com. Open the link in a browser on this computer."),
        (SignInWay.CODE, "a message with a code to me@example.com."),
        (SignInWay.OAUTH, "Sign in in the browser. Waiting for 15 minutes."),
    ],
)
def test_one_is_told_what_to_do_now(way: SignInWay, words: str) -> None:
    request = SignInRequest("https://project.example", "key", way, "me@example.com")
    lines = waiting_lines(SignInTry("1", way, 900.0), request.email)
    assert words in " ".join(lines)
