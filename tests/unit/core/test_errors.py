"""What an error tells: to people, to the record, and to what decides about the next step."""

import errno
import re

import pytest

from exai_desktop.core.errors.codes import ErrorCode, Outcome, Retry
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.errors.tree import (
    AccountError,
    AppError,
    EngineError,
    ErrorView,
    FileError,
    Sent,
    TransferError,
    not_written,
)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_its_facts(code: ErrorCode) -> None:
    error, info = AppError(code), CODES[code]
    assert (error.title, error.hint) == (info.title, info.hint)
    assert (error.retry, error.outcome) == (info.retry, info.outcome)


def test_an_error_as_text_names_code_title_and_what_happened_this_time() -> None:
    assert str(FileError(ErrorCode.EMPTY_FILE)) == "EMPTY_FILE: The file is empty"
    assert str(FileError(ErrorCode.EMPTY_FILE, "a.txt")) == "EMPTY_FILE: The file is empty (a.txt)"


@pytest.mark.parametrize("kind", [FileError, AccountError, EngineError, TransferError])
def test_all_errors_can_be_caught_as_one(kind: type[AppError]) -> None:
    with pytest.raises(AppError):
        raise kind(ErrorCode.UNEXPECTED_ERROR, "what happened")


def test_a_transfer_error_keeps_what_the_record_needs() -> None:
    error = TransferError(
        ErrorCode.RATE_LIMITED, "slow", sent=Sent.ALL, status=429, request_id="r1", retry_after=3.5
    )
    kept = (error.sent, error.status, error.request_id, error.retry_after, error.detail)
    assert kept == (Sent.ALL, 429, "r1", 3.5, "slow")


def test_without_word_of_it_nothing_was_sent() -> None:
    error = TransferError(ErrorCode.OFFLINE)
    assert (error.sent, error.status, error.is_answer) == (Sent.NOTHING, None, False)


@pytest.mark.parametrize(
    ("code", "status", "is_answer"),
    [
        (ErrorCode.PROVIDER_REJECTED, 400, True),
        (ErrorCode.AUTH_FAILED, 401, True),
        (ErrorCode.BALANCE_EXHAUSTED, 429, True),
        (ErrorCode.RATE_LIMITED, 429, True),
        # A gateway's 502 or an answer without an id leaves open what was stored.
        (ErrorCode.PROVIDER_UNAVAILABLE, 502, False),
        (ErrorCode.INVALID_ANSWER, 200, False),
        (ErrorCode.PROVIDER_REJECTED, None, False),
        (ErrorCode.NETWORK_ERROR, None, False),
    ],
)
def test_only_a_definite_answer_says_that_nothing_was_stored(
    code: ErrorCode, status: int | None, is_answer: bool
) -> None:
    assert TransferError(code, sent=Sent.ALL, status=status).is_answer is is_answer


def test_a_view_carries_all_of_an_error() -> None:
    view = ErrorView.of(AppError(ErrorCode.RATE_LIMITED, "60 a minute", retry_after=12.0))
    assert view == ErrorView(
        "RATE_LIMITED",
        CODES[ErrorCode.RATE_LIMITED].title,
        CODES[ErrorCode.RATE_LIMITED].hint,
        "60 a minute",
        12.0,
    )
    assert ErrorView.of_code("RATE_LIMITED", "60 a minute", 12.0) == view


def test_a_code_of_a_newer_program_is_shown_by_its_name() -> None:
    view = ErrorView.of_code("FROM_THE_FUTURE", "more", 1.0)
    assert view == ErrorView("FROM_THE_FUTURE", "FROM_THE_FUTURE", "", "more", 1.0)


# -- the table


def test_the_table_has_one_row_a_code_and_one_number_a_row() -> None:
    assert set(CODES) == set(ErrorCode)
    numbers = [info.number for info in CODES.values()]
    assert len(set(numbers)) == len(numbers)
    assert {number // 1000 for number in numbers} <= {1, 2, 3, 4, 5, 6, 7, 9}


@pytest.mark.parametrize("code", ErrorCode)
def test_a_row_is_made_for_people(code: ErrorCode) -> None:
    info = CODES[code]
    assert info.title[0].isupper() and not info.title.endswith(".")
    assert info.hint[0].isupper() and info.hint.endswith(".")
    assert code == code.name


# How a hint may begin: the next step is a verb.
_VERBS = {
    *(
        "Add",
        "Allow",
        "Cancel",
        "Change",
        "Check",
        "Choose",
        "Convert",
        "Copy",
        "Correct",
        "Delete",
        "Do",
    ),
    *(
        "Enter",
        "Free",
        "Give",
        "Leave",
        "Open",
        "Read",
        "Rename",
        "Report",
        "Restore",
        "Retry",
        "Run",
    ),
    *("Save", "Sign", "Split", "Start", "Try", "Unlock", "Unpack", "Upload", "Use", "Wait"),
}
# Words that a reader with little English, or from outside the field, has to guess.
_RIDDLES = (
    *("at once", "ballast", "breaker", "console", "gate", "goes on by itself", "grace", "heed"),
    *("lane", "left alone", "meanwhile", "of late", "settle", "thereof", "twin", "under way"),
    *("whatever it", "whoever", "no more", "fault", "is gone", "takes this", "given up"),
)


@pytest.mark.parametrize("code", ErrorCode)
def test_a_row_is_plain_english(code: ErrorCode) -> None:
    info = CODES[code]
    assert len(info.title.split()) <= 8
    assert info.hint.split()[0].strip(":,") in _VERBS
    text = f"{info.title}. {info.hint}"
    # Commands and names of settings stand in `commands`: the window shows the hint too.
    assert re.findall(r"`|[a-z]_[a-z]|--|exai-desktop", text) == []
    assert [word for word in _RIDDLES if re.search(rf"\b{word}\b", text.lower())] == []


def test_the_commands_of_a_hint_name_the_job_where_it_is_known() -> None:
    view = ErrorView.of_code("REVIEW_NEEDED")
    assert view.commands(7) == [
        "exai-desktop settle 7 --use FILE_ID",
        "exai-desktop settle 7 --send-again",
    ]
    assert ErrorView.of_code("MACROS_FOUND").commands() == ["exai-desktop retry ID --accept macros"]
    assert ErrorView.of_code("EMPTY_FILE").commands(7) == []
    assert ErrorView.of_code("FROM_THE_FUTURE").commands(7) == []


@pytest.mark.parametrize("code", ErrorCode)
def test_what_goes_on_by_itself_is_what_can_pass_by_itself(code: ErrorCode) -> None:
    info = CODES[code]
    passing = {Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.UNCERTAIN, Outcome.LOCAL}
    if info.retry is Retry.LATER:
        assert info.outcome in passing
    # A key, a balance and the user's own cancel are never tried again by the program.
    if info.outcome in (Outcome.AUTH, Outcome.QUOTA, Outcome.CANCELLED):
        assert info.retry is not Retry.LATER


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, "DISK_FULL", "ENOSPC"),
        (errno.EDQUOT, "DISK_FULL", "EDQUOT"),
        (errno.EROFS, "PROFILE_READ_ONLY", "EROFS"),
        (errno.EACCES, "PROFILE_FORBIDDEN", "EACCES"),
        (errno.EPERM, "PROFILE_FORBIDDEN", "EPERM"),
        (errno.ENAMETOOLONG, "PROFILE_PATH_TOO_LONG", "ENAMETOOLONG"),
        (errno.EIO, "DATABASE_ERROR", "EIO"),
        (0, "DATABASE_ERROR", "(0)"),
    ],
)
def test_what_cannot_be_written_is_told_by_the_systems_number(
    number: int, code: str, said: str
) -> None:
    error = not_written(OSError(number, "words of the system"), "a file")
    assert error.code == code
    assert error.detail.startswith("a file: words of the system")
    assert said in error.detail
