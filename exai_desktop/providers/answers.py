"""What all providers' answers share: strict file objects, ids, and what a failure means."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AppError, Sent, TransferError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.routing.capabilities import Provider
from exai_desktop.net.account_client import Answer
from exai_desktop.net.answer_headers import parse_retry_after

# Ids go into addresses; "." and ".." would walk in them.
_ID: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}")
# Anything above is milliseconds: as seconds it would lie beyond the year 5138.
_MILLISECONDS_ABOVE: Final = 1e11
_REQUEST_IDS: Final = ("msh-request-id", "x-log-id")

# What a status means when the body says nothing we know.
_BY_STATUS: Final[dict[int, ErrorCode]] = {
    401: ErrorCode.AUTH_FAILED,
    402: ErrorCode.BALANCE_EXHAUSTED,
    403: ErrorCode.PERMISSION_DENIED,
    404: ErrorCode.REMOTE_NOT_FOUND,
    413: ErrorCode.FILE_TOO_LARGE,
    429: ErrorCode.RATE_LIMITED,
}
# The server or something before it gave up waiting: it may have the file all the same.
_NO_ANSWER: Final = frozenset({408, 409, 425, 499})


class Refusal(NamedTuple):
    """A refusal in the provider's own form. `wait_s` when it says, or we know, how long."""

    code: ErrorCode
    message: str = ""
    wait_s: float | None = None


def _as_seconds(value: Any) -> Any:
    if isinstance(value, int | float) and value > _MILLISECONDS_ABOVE:
        return value / 1000
    return value


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


# Up to the year 3000.
_Time = Annotated[
    float, BeforeValidator(_as_seconds), Field(strict=True, ge=0, le=32_503_680_000.0)
]
_Text = Annotated[str, BeforeValidator(_or_empty)]


class FileForm(BaseModel):
    """A file object of either provider; fields we do not use may come and go."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)

    id: Annotated[str, Field(max_length=128)]
    bytes: Annotated[int, Field(ge=0, le=2**53)]
    created_at: _Time
    filename: _Text = ""
    purpose: _Text = ""
    status: _Text = ""
    status_details: Any = None
    expires_at: _Time | None = None


def file_of(answer: Answer, purpose: str, words: Mapping[str, RemoteStatus]) -> RemoteFile:
    """The file object an answer consists of. Raises INVALID_ANSWER."""
    form = answer.json_object()
    if form is None:
        raise invalid(answer, "not a JSON object")
    return _remote_file(answer, form, purpose, words)


def files_of(answer: Answer, purpose: str, words: Mapping[str, RemoteStatus]) -> list[RemoteFile]:
    """The file objects in `data`. One bad row spoils all: it could be the one looked for."""
    data = (answer.json_object() or {}).get("data")
    if not isinstance(data, list):
        raise invalid(answer, "no list of files")
    return [_remote_file(answer, form, purpose, words) for form in data]


def _remote_file(
    answer: Answer, raw: Any, purpose: str, words: Mapping[str, RemoteStatus]
) -> RemoteFile:
    """`words`: what the provider's status words mean; others are PENDING, none at all READY."""
    try:
        form = FileForm.model_validate(raw)
    except (ValidationError, OverflowError) as error:
        raise invalid(answer, _first_fault(error)) from None
    if not _ID.fullmatch(form.id):
        raise invalid(answer, "an impossible file id")
    status = RemoteStatus.READY
    if form.status:
        status = words.get(form.status.lower(), RemoteStatus.PENDING)
    said = form.status_details if isinstance(form.status_details, str) else ""
    return RemoteFile(
        id=form.id,
        name=plain_text(form.filename),
        bytes=form.bytes,
        created_at=form.created_at,
        purpose=plain_text(form.purpose) or purpose,
        status=status,
        status_text=plain_text(redact(said or form.status)),
        expires_at=form.expires_at,
    )


def _first_fault(error: ValidationError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return "a number out of range"
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"file object: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def id_in_path(file_id: str) -> str:
    """The id when it may stand in an address; REMOTE_NOT_FOUND when no provider can have it."""
    if not _ID.fullmatch(file_id):
        raise TransferError(ErrorCode.REMOTE_NOT_FOUND, "not a possible file id")
    return file_id


def purpose_in(table: Provider, region: str, wanted: str) -> str:
    """The provider's own name of a purpose; INVALID_PURPOSE before anything is sent."""
    try:
        return table.purpose(region, wanted).name
    except AppError as error:
        raise TransferError(error.code, error.detail) from None


def invalid(answer: Answer, why: str) -> TransferError:
    """INVALID_ANSWER: after an upload the list is asked before anything is sent again."""
    return _error(ErrorCode.INVALID_ANSWER, answer, f"HTTP {answer.status}: {why}")


def failure(answer: Answer, refusal: Refusal | None) -> TransferError:
    """What an answer that is no success means.

    `refusal` is None when the body is not in the provider's own form: then a gateway spoke, and
    once the whole body had left nobody knows what happened behind it.
    """
    status = answer.status
    told = f"HTTP {status}" + (f": {refusal.message}" if refusal and refusal.message else "")
    if status in _NO_ANSWER:
        lost = answer.sent is not Sent.NOTHING
        return _error(ErrorCode.ANSWER_LOST if lost else ErrorCode.TIMEOUT, answer, told)
    if status >= 500:
        return _error(ErrorCode.PROVIDER_UNAVAILABLE, answer, told)
    if refusal is not None:
        return _error(refusal.code, answer, told, refusal.wait_s)
    code = _BY_STATUS.get(status)
    if code is None or answer.sent is Sent.ALL:
        return invalid(answer, "not in the provider's form")
    return _error(code, answer, told)


def code_for(status: int) -> ErrorCode:
    """For a refusal in the provider's form with a word we do not know: it is definite still."""
    return _BY_STATUS.get(status, ErrorCode.PROVIDER_REJECTED)


def _error(
    code: ErrorCode, answer: Answer, detail: str, wait_s: float | None = None
) -> TransferError:
    ids = (answer.headers.get(name) for name in _REQUEST_IDS)
    request_id = next((plain_text(redact(found), 128) for found in ids if found), None)
    # Before it is cut to length: half a key is not known as one.
    detail = plain_text(redact(detail))
    error = TransferError(
        code, detail, sent=answer.sent, status=answer.status, request_id=request_id
    )
    if error.outcome in (Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.UNCERTAIN):
        asked = parse_retry_after(answer.headers.get("retry-after"), time.time())
        error.retry_after = wait_s if asked is None else asked
    return error
