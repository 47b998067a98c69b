"""The audit trail in words."""

from __future__ import annotations

import pytest

from exai_desktop.core.audit.activity import (
    ActivityKind,
    DaySum,
    actions_of,
    activity_words,
    kind_of,
    moment_of,
)
from exai_desktop.core.audit.audit import AuditRow

K = ActivityKind


def row(action: str, **values: str | int | None) -> AuditRow:
    given: dict[str, str | int | None] = dict.fromkeys(AuditRow.__slots__)
    given |= {"seq": 1, "at": "2026-11-28T10:00:00.000000Z", "actor": "ada", "action": action}
    given |= {"path_text": "/home/ada/Invoices/a.pdf", "account": "work", "outcome": "ok"}
    given |= {"remote_id": "file-1"}
    return AuditRow(**(given | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "kind", "words"),
    [
        (row("job.done"), K.SENT, "Sent a.pdf to work: file-1"),
        (row("job.failed", error_code="TIMEOUT"), K.PROBLEM,
         "a.pdf failed: TIMEOUT"),
        (row("job.failed", error_code="OF_A_NEWER_PROGRAM"), K.PROBLEM,
         "a.pdf failed: OF_A_NEWER_PROGRAM"),
        (row("job.cancelled"), K.OTHER, "a.pdf was cancelled"),
        (row("copy.deleted"), K.DELETED, "Deleted file-1 at work"),
        (row("account.key_replaced", path_text=None), K.ACCOUNT, "Replaced the key of work"),
        (row("job.done", path_text=r"C:\x\b.pdf"), K.SENT, "Sent b.pdf to work: file-1"),
        # What stands in a name is no placeholder.
        (row("job.done", path_text="/x/{id}{nothing}.pdf"), K.SENT,
         "Sent {id}{nothing}.pdf to work: file-1"),
        (row("moon.landed", outcome="well"), K.OTHER, "moon.landed: well"),
    ],
)  # fmt: skip
def test_a_row_is_a_sentence(one: AuditRow, kind: ActivityKind, words: str) -> None:
    assert (kind_of(one), activity_words(one)) == (kind, words)


def test_the_title_of_an_error_is_its_reason() -> None:
    words = activity_words(row("job.failed", error_code="TIMEOUT"), "No answer in time")
    assert words == "a.pdf failed: No answer in time"


def test_kinds_and_times_and_shares() -> None:
    assert "job.failed" in actions_of([K.PROBLEM])
    assert not actions_of([])
    assert moment_of(row("job.done")) == 1_795_860_000.0
    assert moment_of(row("job.done", at="nonsense")) == 0.0
    assert DaySum("2026-11-28").success is None
    assert DaySum("2026-11-28", 3, 1).success == 0.75
