"""A provider's files API: upload, list, find, delete and content, as all providers offer them.

Answers are read here, too: file objects, checked strictly, and errors. What a new provider has to
bring is in docs/add-a-provider.md.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from exai_desktop.core.accounts.accounts import Account, TransportStatus
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AppError, Sent, TransferError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.routing.capabilities import Provider
from exai_desktop.core.settings import Settings
from exai_desktop.net.account_client import AccountClient, Answer, parse_retry_after
from exai_desktop.providers.tiers.sdk import OpenAiTier
from exai_desktop.providers.tiers.tier import HttpTier, Question, Tier, tiers_of

# An id becomes part of an address, where "." and ".." would change the path.
_ID: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}")
# A larger time is in milliseconds: as seconds it would be after the year 5138.
_MILLISECONDS_ABOVE: Final = 1e11
_REQUEST_ID_HEADERS: Final = ("msh-request-id", "x-log-id")

# The code of an HTTP status when the body contains no word that we know.
_CODE_BY_STATUS: Final[dict[int, ErrorCode]] = {
    401: ErrorCode.AUTH_FAILED,
    402: ErrorCode.BALANCE_EXHAUSTED,
    403: ErrorCode.PERMISSION_DENIED,
    404: ErrorCode.REMOTE_NOT_FOUND,
    413: ErrorCode.FILE_TOO_LARGE,
    429: ErrorCode.RATE_LIMITED,
}
# The server, or a gateway before it, stopped waiting. The provider may have the file nevertheless.
_GAVE_UP_STATUSES: Final = frozenset({408, 409, 425, 499})
_WAITED_STATUSES: Final = frozenset({408, 499})


class Refusal(NamedTuple):
    """A refusal in the provider's own form. `wait_s` when the time to wait is known."""

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


class FileObject(BaseModel):
    """A file object as providers send it. Other fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)

    id: Annotated[str, Field(max_length=128)]
    bytes: Annotated[int, Field(ge=0, le=2**53)]
    created_at: _Time
    filename: _Text = ""
    purpose: _Text = ""
    status: _Text = ""
    status_details: Any = None
    expires_at: _Time | None = None


def file_of(answer: Answer, purpose: str, statuses: Mapping[str, RemoteStatus]) -> RemoteFile:
    """The one file object in an answer. Raises INVALID_ANSWER.

    `statuses` says what the provider's status words mean. A word that is not in it means PENDING,
    no word at all means READY.
    """
    body = answer.json_object()
    if body is None:
        raise invalid_answer(answer, "not a JSON object")
    return _remote_file(answer, body, purpose, statuses)


def files_of(
    answer: Answer, purpose: str, statuses: Mapping[str, RemoteStatus]
) -> list[RemoteFile]:
    """The file objects in `data`. One bad object fails the list: it may be the file we look for."""
    data = (answer.json_object() or {}).get("data")
    if not isinstance(data, list):
        raise invalid_answer(answer, "no list of files")
    return [_remote_file(answer, item, purpose, statuses) for item in data]


def has_more(answer: Answer) -> bool:
    """Whether a list says that it has another page."""
    return bool((answer.json_object() or {}).get("has_more"))


def text_of(answer: Answer) -> str:
    """The body as text; bytes that are not UTF-8 are replaced."""
    return answer.body.decode("utf-8", "replace")


def _remote_file(
    answer: Answer, raw: Any, purpose: str, statuses: Mapping[str, RemoteStatus]
) -> RemoteFile:
    try:
        file = FileObject.model_validate(raw)
    except (ValidationError, OverflowError) as error:
        raise invalid_answer(answer, _first_fault(error)) from None
    if not _ID.fullmatch(file.id):
        raise invalid_answer(answer, "an impossible file id")
    status = RemoteStatus.READY
    if file.status:
        status = statuses.get(file.status.lower(), RemoteStatus.PENDING)
    details = file.status_details if isinstance(file.status_details, str) else ""
    return RemoteFile(
        id=file.id,
        name=plain_text(file.filename),
        bytes=file.bytes,
        created_at=file.created_at,
        purpose=plain_text(file.purpose) or purpose,
        status=status,
        status_text=plain_text(redact(details or file.status)),
        expires_at=file.expires_at,
    )


def _first_fault(error: ValidationError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return "a number out of range"
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"file object: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def id_in_path(file_id: str) -> str:
    """The id, if it may be part of an address. Raises REMOTE_NOT_FOUND: no provider has another."""
    if not _ID.fullmatch(file_id):
        raise TransferError(ErrorCode.REMOTE_NOT_FOUND, "not a possible file id")
    return file_id


def purpose_in(table: Provider, region: str, wanted: str) -> str:
    """The provider's own name of a purpose. Raises INVALID_PURPOSE before anything is sent."""
    try:
        return table.purpose(region, wanted).name
    except AppError as error:
        raise TransferError(error.code, error.detail) from None


def invalid_answer(answer: Answer, why: str) -> TransferError:
    """INVALID_ANSWER. After an upload, the engine then looks in the list before it sends again."""
    return _error(ErrorCode.INVALID_ANSWER, answer, f"HTTP {answer.status}: {why}")


def failure(answer: Answer, refusal: Refusal | None) -> TransferError:
    """The error for an answer that is no success.

    `refusal` is None when the body is not in the provider's own form. Then a gateway answered:
    if the whole body had left, nobody knows whether the provider has the file.
    """
    status = answer.status
    detail = f"HTTP {status}" + (f": {refusal.message}" if refusal and refusal.message else "")
    if status in _GAVE_UP_STATUSES:
        return _error(_gave_up_code(answer), answer, detail)
    if status >= 500:
        return _error(ErrorCode.PROVIDER_UNAVAILABLE, answer, detail)
    if refusal is not None:
        return _error(refusal.code, answer, detail, refusal.wait_s)
    code = _CODE_BY_STATUS.get(status)
    if code is None or answer.sent is Sent.ALL:
        return invalid_answer(answer, "not in the provider's form")
    return _error(code, answer, detail)


def _gave_up_code(answer: Answer) -> ErrorCode:
    """The server waited in vain for the rest of the body, or another request is in the way."""
    if answer.sent is Sent.NOTHING:
        return ErrorCode.TIMEOUT
    is_cut = answer.sent is Sent.SOME and answer.status in _WAITED_STATUSES
    return ErrorCode.UPLOAD_CUT if is_cut else ErrorCode.ANSWER_LOST


def code_for(status: int) -> ErrorCode:
    """The code of a refusal in the provider's form whose word we do not know."""
    return _CODE_BY_STATUS.get(status, ErrorCode.PROVIDER_REJECTED)


def _error(
    code: ErrorCode, answer: Answer, detail: str, wait_s: float | None = None
) -> TransferError:
    ids = (answer.headers.get(name) for name in _REQUEST_ID_HEADERS)
    request_id = next((plain_text(redact(found), 128) for found in ids if found), None)
    # Redact before the text is cut: half a key is not recognised as one.
    detail = plain_text(redact(detail))
    error = TransferError(
        code, detail, sent=answer.sent, status=answer.status, request_id=request_id
    )
    if error.outcome in (Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.UNCERTAIN):
        asked = parse_retry_after(answer.headers.get("retry-after"), time.time())
        error.retry_after = wait_s if asked is None else asked
    return error


class FilesApiProvider(ABC):
    """One account at a provider: `core.machine.FileProvider` and `ExtractsText`.

    A subclass says what its provider's refusals look like and how its list is asked for. It
    overrides a call only where its provider differs. `readers` are the threads that read and hash
    a file while it is sent. Raises `AccountError` for an address or a key that cannot be used.
    """

    # What the provider's status words mean; an unknown word means PENDING.
    statuses: ClassVar[Mapping[str, RemoteStatus]] = {}
    # Headers of every request, beside those of every provider.
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        account: Account,
        key: str,
        table: Provider,
        settings: Settings,
        readers: Executor,
    ) -> None:
        self._account = account
        self._table = table
        self._client = AccountClient(account, key, settings, headers=self.headers)
        sdks: dict[str, Callable[[], Tier]] = {
            "openai": lambda: OpenAiTier(self._client, key, readers)
        }
        self._tiers = tiers_of(
            settings.transport_order,
            HttpTier(self._client, readers),
            sdks | dict(self._own_tiers(key, readers)),
        )

    @classmethod
    @abstractmethod
    def refusal(cls, answer: Answer) -> Refusal | None:
        """The refusal in an answer; None when there is none in the provider's own form.

        The answer may be of any status. A refusal in an answer with HTTP 200 fails the call too.
        """

    @abstractmethod
    async def _list(self, purpose: str) -> Sequence[RemoteFile]:
        """All files of this purpose, in any order. `purpose` is the provider's own name."""

    @classmethod
    def is_not_found(cls, answer: Answer) -> bool:
        """Whether the provider says that it has no such file.

        A 404 in another form does not count: a gateway says 404 for a wrong address, too.
        """
        return answer.status == 404 and cls.refusal(answer) is not None

    def _own_tiers(self, key: str, readers: Executor) -> Mapping[str, Callable[[], Tier]]:
        """Transport tiers that only this provider has, by their names."""
        del key, readers
        return {}

    async def upload(self, upload: Upload) -> RemoteFile:
        """POST /files. The size in the answer is passed on unchanged: the engine compares it."""
        purpose = self._purpose(upload.purpose)
        answer = self.checked(await self._tiers.upload(upload, purpose))
        return file_of(answer, purpose, self.statuses)

    async def list(self, purpose: str) -> Sequence[RemoteFile]:
        """All files of this purpose, oldest first."""
        files = await self._list(self._purpose(purpose))
        return sorted(files, key=lambda file: file.created_at)

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        """GET /files/{id}."""
        answer = await self._tiers.ask(Question("find", id_in_path(file_id)))
        if self.is_not_found(answer):
            return None
        return file_of(self.checked(answer), purpose, self.statuses)

    async def delete(self, file_id: str) -> None:
        """DELETE /files/{id}."""
        answer = await self._tiers.ask(Question("delete", id_in_path(file_id)))
        if not self.is_not_found(answer):
            self.checked(answer)

    async def content(self, file_id: str) -> str:
        """GET /files/{id}/content. By its status alone: the text may look like a refusal."""
        answer = await self._tiers.ask(Question("content", id_in_path(file_id)))
        if not answer.is_success:
            raise failure(answer, self.refusal(answer))
        return text_of(answer)

    async def _list_pages(
        self, purpose: str, params: Mapping[str, str | int], max_pages: int
    ) -> Sequence[RemoteFile]:
        """The files of all pages; each page is asked for by the last id of the page before.

        Half a list must never count as a whole one, so a list without an end is an error.
        """
        found: dict[str, RemoteFile] = {}
        params = {"purpose": purpose, **params}
        for _ in range(max_pages):
            answer = self.checked(await self._tiers.ask(Question("list", params=params)))
            page = files_of(answer, purpose, self.statuses)
            known = len(found)
            found |= {file.id: file for file in page}
            if not has_more(answer):
                return [*found.values()]
            if len(found) == known:
                raise invalid_answer(answer, "the file list repeats itself")
            params["after"] = page[-1].id
        raise invalid_answer(answer, "the list does not end")

    @classmethod
    def checked(cls, answer: Answer) -> Answer:
        """The same answer, if it is a success. Raises the error of the refusal otherwise."""
        refusal = cls.refusal(answer)
        if not answer.is_success or refusal is not None:
            raise failure(answer, refusal)
        return answer

    def _purpose(self, wanted: str) -> str:
        """The provider's own name of a purpose."""
        return purpose_in(self._table, self._account.region, wanted)

    @property
    def transport(self) -> str:
        """The name of the tier in use."""
        return self._tiers.status.name

    @property
    def transport_status(self) -> TransportStatus:
        """The tier in use, with the reason of the last step down."""
        return self._tiers.status

    async def ready(self) -> None:
        """Make sure that the tier in use works."""
        await self._tiers.ready()

    @property
    def clock_offset_s(self) -> float | None:
        """The provider's clock minus ours, in seconds; None before its first answer."""
        return self._client.server_clock.offset_s

    @property
    def rate_limit_wait_s(self) -> float:
        """Seconds until the provider's rate limit allows the next request."""
        return max(0.0, self._client.rate_limited_until - time.monotonic())

    async def close_unused(self) -> None:
        """Meets `core.copies.provider.KeepsConnections`."""
        await self._client.close_unused()

    async def close(self) -> None:
        """Close the connections."""
        self._tiers.close()
        await self._client.close()
