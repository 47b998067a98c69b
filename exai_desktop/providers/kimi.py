"""Moonshot's Kimi, both regions. No version header is sent: this is the older, compatible API.

Sources: platform.kimi.ai/docs/api/files-upload and /errors, checked 2026-09-03.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from exai_desktop.core.accounts.accounts import Balance
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.files_api import (
    FilesApiProvider,
    Refusal,
    code_for,
    failure,
    files_of,
    has_more,
    id_in_path,
    invalid_answer,
    text_of,
)
from exai_desktop.providers.tiers.tier import Question

E = ErrorCode

# There is no official list; these are the words seen. Any other word means "not yet".
STATUSES: Final = {
    **dict.fromkeys(("ok", "ready", "processed"), RemoteStatus.READY),
    **dict.fromkeys(("error", "failed"), RemoteStatus.ERROR),
}

# By `error.type`: all documented words, of both generations of the API.
TYPES: Final[dict[str, ErrorCode]] = {
    "invalid_request_error": E.PROVIDER_REJECTED,
    "invalid_parameter_error": E.PROVIDER_REJECTED,
    "failed_precondition_error": E.PROVIDER_REJECTED,
    "content_filter": E.CONTENT_REFUSED,
    "incorrect_api_key_error": E.AUTH_FAILED,
    "invalid_authentication_error": E.AUTH_FAILED,
    "authentication_error": E.AUTH_FAILED,
    "permission_denied_error": E.PERMISSION_DENIED,
    "resource_not_found_error": E.REMOTE_NOT_FOUND,
    "conflict_error": E.ANSWER_LOST,
    "rate_limit_reached_error": E.RATE_LIMITED,
    "engine_overloaded_error": E.RATE_LIMITED,
    # Comes with HTTP 429, but the account has no balance.
    "exceeded_current_quota_error": E.BALANCE_EXHAUSTED,
    "client_closed_request": E.ANSWER_LOST,
    "server_error": E.PROVIDER_UNAVAILABLE,
    "unexpected_output": E.PROVIDER_UNAVAILABLE,
    "server_unavailable": E.PROVIDER_UNAVAILABLE,
}

# The only place where text decides: all of these are `invalid_request_error`, and only the
# documented sentence (platform.kimi.com/docs/api/errors, here in lower case) tells them apart.
SENTENCES: Final[tuple[tuple[str, ErrorCode], ...]] = (
    ("text extract error", E.NO_TEXT),
    ("file size is zero", E.EMPTY_FILE),
    ("file size is too large", E.FILE_TOO_LARGE),
    ("number of files", E.PROVIDER_FILE_LIMIT),
    ("invalid purpose", E.INVALID_PURPOSE),
    # Incident of 2026-09-02: one call in six asked for a header that is optional.
    ("missing required header kimi-api-version", E.PROVIDER_UNAVAILABLE),
)
# "please try again after N seconds": documented for concurrency and requests per minute.
_TRY_AGAIN: Final = re.compile(r"try again after ([0-9]{1,6}) seconds?")
# A content answer in JSON has one of these beside `content`. `content` alone may be a user's file.
_CONTENT_KEYS: Final = frozenset({"file_type", "filename", "title", "type"})
# Kimi reads a file within seconds after the upload, or it fails.
_STILL_READING_WAIT_S: Final = 5.0
# Each of the two hosts has balances of its own.
_CURRENCIES: Final = {"cn": "CNY"}
_MAX_BALANCE: Final = 1e12


class KimiProvider(FilesApiProvider):
    """An account at Kimi; also `core.copies.provider.ReportsBalance`."""

    statuses = STATUSES

    async def _list(self, purpose: str) -> Sequence[RemoteFile]:
        """GET /files: all files of the organisation in one answer, of all purposes."""
        answer = self.checked(await self._tiers.ask(Question("list")))
        if has_more(answer):
            # Not documented. Half a list must never count as a whole one.
            raise invalid_answer(answer, "the list has pages")
        files = files_of(answer, purpose, self.statuses)
        return [file for file in files if file.purpose == purpose]

    async def content(self, file_id: str) -> str:
        """GET /files/{id}/content: the text, which some answers put into a JSON object.

        Kimi says 404 for no file and for one that it has not read yet; `find` tells which.
        """
        answer = await self._tiers.ask(Question("content", id_in_path(file_id)))
        if answer.is_success:
            return extracted_text(answer)
        refused = failure(answer, self.refusal(answer))
        if refused.outcome is not refused.outcome.REJECTED:
            raise refused
        raise await self._why_no_text(file_id, refused)

    async def balance(self) -> Balance:
        """GET /users/me/balance."""
        answer = self.checked(await self._client.ask("GET", "users/me/balance"))
        return balance_of(answer, self._account.region)

    async def _why_no_text(self, file_id: str, refused: TransferError) -> TransferError:
        file = await self.find(file_id, "")
        if file is None:
            return refused
        if file.status is RemoteStatus.PENDING:
            return TransferError(
                E.STILL_PROCESSING,
                status=refused.status,
                request_id=refused.request_id,
                retry_after=_STILL_READING_WAIT_S,
            )
        if file.status is RemoteStatus.ERROR:
            return TransferError(E.PARSE_FAILED, file.status_text, status=refused.status)
        purposes = self._table.purposes_in(self._account.region)
        if file.purpose not in {p.name for p in purposes if p.gives_text}:
            return TransferError(E.NOT_SUPPORTED, f"purpose {file.purpose}", status=refused.status)
        return refused

    @classmethod
    def is_not_found(cls, answer: Answer) -> bool:
        """A 404 with Kimi's word for a missing file."""
        refusal = cls.refusal(answer)
        return answer.status == 404 and refusal is not None and refusal.code is E.REMOTE_NOT_FOUND

    @classmethod
    def refusal(cls, answer: Answer) -> Refusal | None:
        """`{"error": {"type", "message"}}`."""
        error = (answer.json_object() or {}).get("error")
        if not isinstance(error, dict) or not isinstance(error.get("type"), str):
            return None
        message = error["message"] if isinstance(error.get("message"), str) else ""
        code = TYPES.get(error["type"]) or code_for(answer.status)
        if error["type"] == "invalid_request_error":
            lower = message.lower()
            code = next((c for sentence, c in SENTENCES if sentence in lower), code)
        wait = _TRY_AGAIN.search(message) if code is E.RATE_LIMITED else None
        return Refusal(code, message, float(wait[1]) if wait else None)


def extracted_text(answer: Answer) -> str:
    """The text that Kimi has read from a file."""
    text = text_of(answer)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if (
        isinstance(body, dict)
        and isinstance(body.get("content"), str)
        and _CONTENT_KEYS & set(body)
    ):
        return str(body["content"])
    return text


def balance_of(answer: Answer, region: str) -> Balance:
    """`{"code": 0, "data": {"available_balance": 49.5, ...}, "status": true}`.

    Raises INVALID_ANSWER.
    """
    body = answer.json_object() or {}
    data = body.get("data")
    available = data.get("available_balance") if isinstance(data, dict) else None
    if body.get("status") is not True or isinstance(available, bool):
        raise invalid_answer(answer, "no balance")
    if not isinstance(available, int | float) or not -_MAX_BALANCE < available < _MAX_BALANCE:
        raise invalid_answer(answer, "no balance")
    return Balance(float(available), _CURRENCIES.get(region, "USD"))
