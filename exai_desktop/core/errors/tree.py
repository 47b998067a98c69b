"""The two state machines: jobs (our work) and copies (what lies at a provider).

Every change of state in the program goes through `check`; the tables below are the only place
that says what may follow what. Property tests hold their laws (tests/unit/core/test_states.py).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode, Outcome, Retry
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.table import CODES


class IllegalMoveError(Exception):
    """A move the table does not allow: a fault in the program, never the user's."""


class Sent(StrEnum):
    """How much of the body had left when an attempt ended."""

    NOTHING = "nothing"
    SOME = "some"
    # The last block was handed to the network: the provider may have the whole file.
    ALL = "all"


class AppError(Exception):
    """`detail` is what happened this time. Secrets are taken out of it here, before anybody can
    show, log or store it."""

    def __init__(
        self, code: ErrorCode, detail: str = "", *, retry_after: float | None = None
    ) -> None:
        self.code = code
        self.detail = redact(detail)
        super().__init__(code.value, self.detail)
        self.retry_after = retry_after

    @property
    def title(self) -> str:
        return CODES[self.code].title

    @property
    def hint(self) -> str:
        return CODES[self.code].hint

    @property
    def retry(self) -> Retry:
        return CODES[self.code].retry

    @property
    def outcome(self) -> Outcome:
        return CODES[self.code].outcome

    def __str__(self) -> str:
        return f"{self.code}: {self.title}" + (f" ({self.detail})" if self.detail else "")


class FileError(AppError):
    """The file itself cannot be taken as it is."""


class AccountError(AppError):
    """The account cannot be used as it is."""


class EngineError(AppError):
    """The program, its profile or the request to it."""


_BY_ERRNO: Final = {
    errno.ENOSPC: ErrorCode.DISK_FULL,
    errno.EDQUOT: ErrorCode.DISK_FULL,
    errno.EROFS: ErrorCode.PROFILE_READ_ONLY,
    errno.EACCES: ErrorCode.PROFILE_FORBIDDEN,
    errno.EPERM: ErrorCode.PROFILE_FORBIDDEN,
    errno.ENAMETOOLONG: ErrorCode.PROFILE_PATH_TOO_LONG,
}


def not_written(error: OSError, what: str) -> EngineError:
    """Something of the profile could not be written or made: by the system's own number."""
    number = error.errno or 0
    reason = f"{error.strerror} ({errno.errorcode.get(number, number)})"
    return EngineError(_BY_ERRNO.get(number, ErrorCode.DATABASE_ERROR), f"{what}: {reason}")


class TransferError(AppError):
    """One attempt ended without a confirmed answer.

    `sent` decides what may follow: after the first byte an attempt without a definite answer is
    uncertain and is settled by the provider's list, never by sending again.
    """

    def __init__(
        self,
        code: ErrorCode,
        detail: str = "",
        *,
        sent: Sent = Sent.NOTHING,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, detail, retry_after=retry_after)
        self.sent = sent
        self.status = status
        self.request_id = request_id

    @property
    def is_answer(self) -> bool:
        """The provider answered definitely: whatever it said, it did not store the file."""
        return self.status is not None and self.outcome not in (
            Outcome.UNCERTAIN,
            Outcome.UNAVAILABLE,
        )


@dataclass(frozen=True, slots=True)
class ErrorView:
    """An error as the window, the command line and the record show it."""

    code: str
    title: str
    hint: str
    detail: str = ""
    retry_after: float | None = None

    @classmethod
    def of(cls, error: AppError) -> ErrorView:
        return cls(error.code.value, error.title, error.hint, error.detail, error.retry_after)

    @classmethod
    def of_code(cls, code: str, detail: str = "", retry_after: float | None = None) -> ErrorView:
        """From what the database holds; a code of a newer program keeps its name."""
        try:
            info = CODES[ErrorCode(code)]
        except ValueError:
            return cls(code, code, "", detail, retry_after)
        return cls(code, info.title, info.hint, detail, retry_after)

    def commands(self, job_id: int | None = None) -> list[str]:
        """The commands that carry out the hint, with the number of the job if it is known."""
        try:
            verbs = CODES[ErrorCode(self.code)].commands
        except ValueError:
            return []
        number = "ID" if job_id is None else str(job_id)
        return [f"exai-desktop {verb.replace(' ID', f' {number}')}" for verb in verbs]
