"""Room at an account, and the settle time: pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.delays import LONGEST_S, settle_s
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ContentClaims, Hold
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.routing.routing import Limits, Usage, check_room, fullness, limits_of

KIMI = Account("work", "kimi", "intl", "https://kimi.invalid/v1")


def test_limits_are_the_providers_and_the_users() -> None:
    found = limits_of(KIMI, "file-extract", load_provider_table(), 0, 5_000)
    assert found == Limits(1000, 10_000_000_000, 1000, None, 5_000)


def test_an_account_nobody_knows_has_only_the_users_limits() -> None:
    stranger = Account("own", "nobody", "", "http://127.0.0.1/v1")
    assert limits_of(stranger, "any", load_provider_table(), 7, 0) == Limits(own_files=7)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(files=3), ErrorCode.PROVIDER_FILE_LIMIT),
        (Limits(purpose_files=2), ErrorCode.PROVIDER_FILE_LIMIT),
        (Limits(bytes=109), ErrorCode.PROVIDER_FILE_LIMIT),
        (Limits(own_files=3), ErrorCode.QUOTA_EXCEEDED),
        (Limits(own_bytes=109), ErrorCode.QUOTA_EXCEEDED),
    ],
)
def test_one_file_too_many_is_refused_and_the_last_that_fits_is_not(
    limits: Limits, code: ErrorCode
) -> None:
    with pytest.raises(AccountError) as caught:
        check_room(Usage(3, 100, 2), 10, limits)
    assert caught.value.code is code
    check_room(Usage(2, 99, 1), 10, limits)


def test_without_limits_everything_has_room() -> None:
    check_room(Usage(10**9, 10**15, 10**9), 10**12, Limits())


@given(st.floats(0, 600), st.lists(st.floats(0, 10_000), max_size=200))
def test_the_settle_time_is_never_shorter_than_the_setting(
    least: float, delays: list[float]
) -> None:
    found = settle_s(least, delays)
    assert least <= found <= LONGEST_S


def test_a_slow_provider_gets_three_times_its_slowest_answer() -> None:
    assert settle_s(60, []) == 60
    assert settle_s(60, [1.0] * 100) == 60
    assert settle_s(60, [30.0] * 100) == 90
    # One in two hundred is an accident, two in a hundred are not.
    assert settle_s(60, [1.0] * 199 + [500.0]) == 60
    assert settle_s(60, [1.0] * 98 + [500.0] * 2) == LONGEST_S


def test_a_note_of_another_version_of_the_program_is_read_as_far_as_it_goes() -> None:
    noted = {"owner": "a", "sent_name": "b.txt", "size": 3, "at": 5.0, "of tomorrow": 1}
    assert Claim.model_validate(noted).remote_id == ""
    assert ClaimKey("a", "b", "c", "d") == ClaimKey("a", "b", "c", "d")
    assert {"earlier", "note", "release"} <= set(dir(Hold))
    assert "hold" in dir(ContentClaims)
    assert "since" in dir(RecoveryLog)


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        (Limits(), (0.0, "")),
        (Limits(files=1000, own_files=4), (0.75, "3 of 4 files, your own limit")),
        (Limits(files=1000, purpose_files=2), (1.0, "2 of 2 files for one purpose")),
        (Limits(bytes=200, own_bytes=400), (0.5, "100 of 200 bytes")),
    ],
)
def test_how_full_it_is_by_the_nearest_limit(limits: Limits, found: tuple[float, str]) -> None:
    assert fullness(Usage(files=3, bytes=100, purpose_files=2), limits) == found
