"""Finding an error by any name it has or had: our code, a former name, or a number.

Programs written for the web service this one follows know its names. Where one of them means what
a code of ours means, it is a former name of it; what has no meaning here yet is reserved, so that
nothing else is ever called so.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from exai_desktop.core.errors.codes import ErrorCode, Retry
from exai_desktop.core.errors.table import CODES

E = ErrorCode


class Former(NamedTuple):
    """A former name. `codes`: what it is called now; several where it said less than we do."""

    name: str
    number: int | None
    codes: tuple[ErrorCode, ...]


class Reserved(NamedTuple):
    """A name without an error behind it in this version, and why."""

    name: str
    number: int
    reason: str


class Explanation(NamedTuple):
    """What is known of one name. `former` is the name asked for when it is no code of ours."""

    codes: tuple[ErrorCode, ...]
    former: Former | None = None
    reserved: Reserved | None = None


FORMER: Final = (
    Former("STORAGE_FULL", None, (E.DISK_FULL, E.DISK_LOW)),
    Former("INTERNAL_ERROR", None, (E.UNEXPECTED_ERROR,)),
    Former(
        "VALIDATION_FAILED",
        1001,
        (E.CONTENT_MISMATCH, E.FILE_DAMAGED, E.DECEPTIVE_NAME, E.EMPTY_FILE),
    ),
    Former("INVALID_PATH", 1005, (E.PATH_TRAVERSAL, E.NOT_A_FILE, E.DANGLING_LINK)),
    Former("UNAUTHORIZED", 2001, (E.AUTH_FAILED,)),
    Former("PROVIDER_ERROR", 3001, (E.PROVIDER_UNAVAILABLE, E.INVALID_ANSWER, E.PROVIDER_REJECTED)),
    Former("UPLOAD_FAILED", 3006, (E.PROVIDER_REJECTED, E.ATTEMPTS_EXHAUSTED)),
    Former("DELETE_FAILED", 3007, (E.REMOTE_NOT_FOUND, E.PROVIDER_UNAVAILABLE)),
    Former("FILE_LOCKED", 4001, (E.FILE_UNREADABLE, E.READ_FAILED)),
    Former("LOCK_TIMEOUT", 4002, (E.CONCURRENT_UPLOAD, E.ANOTHER_INSTANCE)),
    Former("STORAGE_ERROR", 5001, (E.DATABASE_ERROR, E.DISK_FULL)),
    Former("CONFIGURATION_ERROR", 9002, (E.INVALID_SETTING,)),
)

_NO_MIRROR: Final = "belongs to the mirror in Supabase, which this version does not have"
RESERVED: Final = (
    Reserved("INVALID_TOKEN", 2002, _NO_MIRROR),
    Reserved("TOKEN_EXPIRED", 2003, _NO_MIRROR),
    Reserved("SUPABASE_ERROR", 5002, _NO_MIRROR),
)

RETRY_WORDS: Final = {
    Retry.LATER: "yes",
    Retry.ASK: "no; solve the cause, then retry",
    Retry.NEVER: "no; a retry would fail in the same way",
}


def explain(word: str) -> Explanation | None:
    """By name, in any case, or by number; None for what was never a name of an error.

    A number of ours is ours, even where it had another name before.
    """
    asked = word.strip().upper()
    for code, info in CODES.items():
        if asked in (code.value, str(info.number)):
            return Explanation((code,))
    for former in FORMER:
        if asked in (former.name, str(former.number)):
            return Explanation(former.codes, former=former)
    for reserved in RESERVED:
        if asked in (reserved.name, str(reserved.number)):
            return Explanation((), reserved=reserved)
    return None


def former_names(code: ErrorCode) -> tuple[str, ...]:
    """What it was called before, with the number it had then, if any."""
    return tuple(
        f"{former.number} {former.name}" if former.number else former.name
        for former in FORMER
        if code in former.codes
    )
