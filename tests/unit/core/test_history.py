"""A file of the history: its kind, its folder, what is known of its id."""

from exai_desktop.core.copies.lights import IdFacts
from exai_desktop.core.copies.words import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.history import HistoryKind, PastFile, codes_like
from exai_desktop.core.jobs.states import FINAL, JobState


def past(state: JobState, gone: CopyState | None = None, seen: float | None = None) -> PastFile:
    path = "/home/ada/Invoices/a.pdf"
    return PastFile(1, 2, 3.0, path, "a.pdf", state, 4, 5.0, 6.0, file_state=gone, verified_at=seen)


def test_a_file_has_one_kind() -> None:
    assert past(JobState.DONE).kind is HistoryKind.SENT
    assert past(JobState.DUPLICATE).kind is HistoryKind.SENT
    assert past(JobState.DONE, CopyState.MISSING).kind is HistoryKind.GONE
    kinds = {past(state).kind for state in FINAL}
    assert kinds == set(HistoryKind) - {HistoryKind.GONE}
    assert past(JobState.DONE).folder == "/home/ada/Invoices"


def test_only_what_was_sent_has_an_id_to_tell_of() -> None:
    assert past(JobState.FAILED).id_facts is None
    assert past(JobState.DONE).id_facts == IdFacts(CopyState.PRESENT, 6.0)
    known = past(JobState.DONE, CopyState.DELETED, 9.0).id_facts
    assert known == IdFacts(CopyState.DELETED, 9.0)


def test_errors_are_found_by_name_number_and_title() -> None:
    assert ErrorCode.TIMEOUT in codes_like("timeout")
    assert codes_like("9006") == (ErrorCode.TIMEOUT,)
    assert ErrorCode.TIMEOUT in codes_like("answer in TIME")
    assert codes_like(" ") == ()
