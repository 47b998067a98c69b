"""Whatever an error is or was called, it is found."""

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.former_names import FORMER, RESERVED, explain, former_names
from exai_desktop.core.errors.table import CODES

# The two sets of names of the service this program follows, and their numbers.
ORIGINAL = {
    **dict.fromkeys(
        (
            *("FILE_NOT_FOUND", "FILE_TOO_LARGE", "INVALID_FILE_TYPE", "MALWARE_DETECTED"),
            *("PATH_TRAVERSAL", "PROVIDER_UNAVAILABLE", "RATE_LIMITED", "AUTH_FAILED"),
            *("INVALID_PURPOSE", "STORAGE_FULL", "NETWORK_ERROR", "INTERNAL_ERROR"),
            "QUOTA_EXCEEDED",
        )
    ),
    **{"VALIDATION_FAILED": 1001, "INVALID_FILE_TYPE": 1002, "FILE_TOO_LARGE": 1003},
    **{"FILE_NOT_FOUND": 1004, "INVALID_PATH": 1005, "MALICIOUS_FILE": 1006},
    **{"INVALID_EXTENSION": 1007, "UNAUTHORIZED": 2001, "INVALID_TOKEN": 2002},
    **{"TOKEN_EXPIRED": 2003, "QUOTA_EXCEEDED": 2004, "PERMISSION_DENIED": 2005},
    **{"PROVIDER_ERROR": 3001, "PROVIDER_UNAVAILABLE": 3002, "CIRCUIT_BREAKER_OPEN": 3003},
    **{"ALL_PROVIDERS_UNAVAILABLE": 3004, "INVALID_PURPOSE": 3005, "UPLOAD_FAILED": 3006},
    **{"DELETE_FAILED": 3007, "FILE_LOCKED": 4001, "LOCK_TIMEOUT": 4002},
    **{"CONCURRENT_UPLOAD": 4003, "STORAGE_ERROR": 5001, "SUPABASE_ERROR": 5002},
    **{"DATABASE_ERROR": 5003, "UNEXPECTED_ERROR": 9001, "CONFIGURATION_ERROR": 9002},
    "NETWORK_ERROR": 9003,
}
ADDED = (
    *("EMPTY_FILE", "FILE_CHANGED", "CANCELLED", "OFFLINE", "TIMEOUT", "BALANCE_EXHAUSTED"),
    *("ACCOUNT_LOCKED", "PROVIDER_FILE_LIMIT", "DISK_FULL", "CREDENTIAL_STORE_LOCKED"),
)


@pytest.mark.parametrize("name", [*ORIGINAL, *ADDED])
def test_every_original_name_is_known_and_has_its_number(name: str) -> None:
    number, found = ORIGINAL.get(name), explain(name)
    assert found is not None
    if name in ErrorCode.__members__:
        assert number in (None, CODES[ErrorCode(name)].number)
    elif found.former is not None:
        assert (found.former.name, found.former.number) == (name, number)
    else:
        assert found.reserved is not None
        assert (found.reserved.name, found.reserved.number) == (name, number)


def test_a_code_is_found_by_name_in_any_case_and_by_number() -> None:
    for word in ("PROVIDER_REJECTED", " provider_rejected\n", "3006"):
        found = explain(word)
        assert found is not None
        assert (found.codes, found.former) == ((ErrorCode.PROVIDER_REJECTED,), None)


def test_a_name_of_before_leads_to_what_it_is_called_now() -> None:
    for word in ("validation_failed", "1001"):
        found = explain(word)
        assert found is not None
        assert found.former is not None
        assert ErrorCode.CONTENT_MISMATCH in found.codes
    assert former_names(ErrorCode.AUTH_FAILED) == ("2001 UNAUTHORIZED",)
    assert former_names(ErrorCode.UNEXPECTED_ERROR) == ("INTERNAL_ERROR",)
    assert former_names(ErrorCode.EMPTY_FOLDER) == ()


def test_what_has_no_error_behind_it_is_reserved() -> None:
    for word in ("SUPABASE_ERROR", "5002"):
        found = explain(word)
        assert found is not None
        assert (found.codes, found.reserved) == ((), RESERVED[-1])


@pytest.mark.parametrize("word", ["", "NONE", "7", "0", "NO_SUCH", "1002 INVALID_FILE_TYPE"])
def test_anything_else_is_unknown(word: str) -> None:
    assert explain(word) is None


def test_no_name_is_used_twice() -> None:
    old = [former.name for former in FORMER] + [reserved.name for reserved in RESERVED]
    assert len({*old, *ErrorCode}) == len(old) + len(ErrorCode)
    numbers = {info.number for info in CODES.values()}
    assert not numbers & {reserved.number for reserved in RESERVED}
    assert len(numbers) == len(CODES)
