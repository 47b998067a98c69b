"""Exit codes. Scripts depend on them; they never change their meaning."""

from __future__ import annotations

from enum import IntEnum

from exai_desktop.core.error_codes import ErrorCode


class Exit(IntEnum):
    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    NO_ACCOUNT = 3
    ANOTHER_INSTANCE = 4


_BY_CODE = {
    ErrorCode.NO_ACCOUNT: Exit.NO_ACCOUNT,
    ErrorCode.ANOTHER_INSTANCE: Exit.ANOTHER_INSTANCE,
    ErrorCode.UNKNOWN_ACCOUNT: Exit.USAGE,
    ErrorCode.UNKNOWN_JOB: Exit.USAGE,
    ErrorCode.INVALID_PURPOSE: Exit.USAGE,
    ErrorCode.INVALID_ACCOUNT: Exit.USAGE,
    ErrorCode.INVALID_KEY_FORMAT: Exit.USAGE,
    ErrorCode.INVALID_SETTING: Exit.USAGE,
    ErrorCode.ACCOUNT_EXISTS: Exit.USAGE,
}


def exit_for(code: ErrorCode) -> Exit:
    """The exit code of a verb that ended with this error."""
    return _BY_CODE.get(code, Exit.SOME_FAILED)
