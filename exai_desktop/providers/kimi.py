"""Moonshot's Kimi, both regions: the compatible contract, without the version header.

Sources: platform.kimi.ai/docs/api/files-upload and /errors, checked 2026-09-03.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from exai_desktop.core.accounts.accounts import Balance
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.answers import (
    Refusal,
    code_for,
    failure,
    file_of,
    files_of,
    id_in_path,
    invalid,
    purpose_in,
)
from exai_desktop.providers.kimi_balance import balance_of
from exai_desktop.providers.tiered import TieredProvider
from exai_desktop.providers.tiers.tier import Question

E = ErrorCode

# No official list exists; these are the words seen. Anything else is "not yet".
STATUSES: Final = {
    **dict.fromkeys(("ok", "ready", "processed"), RemoteStatus.READY),
    **dict.fromkeys(("error", "failed"), RemoteStatus.ERROR),
}

# `error.type`, the whole documented vocabulary, both contract generations.
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
    # Billing behind a 429.
    "exceeded_current_quota_error": E.BALANCE_EXHAUSTED,
    "client_closed_request": E.ANSWER_LOST,
    "server_error": E.PROVIDER_UNAVAILABLE,
    "unexpected_output": E.PROVIDER_UNAVAILABLE,
    "server_unavailable": E.PROVIDER_UNAVAILABLE,
}

# The one place where words decide: `invalid_request_error` covers all of these, and only its
# documented sentence (platform.kimi.com/docs/api/errors, lower case) tells them apart.
SENTENCES: Final[tuple[tuple[str, ErrorCode], ...]] = (
    ("text extract error", E.NO_TEXT),
    ("file size is zero", E.EMPTY_FILE),
    ("file size is too large", E.FILE_TOO_LARGE),
    ("number of files", E.PROVIDER_FILE_LIMIT),
    ("invalid purpose", E.INVALID_PURPOSE),
    # Incident of 2026-09-02: one call in six asked for a header that is optional.
    ("missing required header kimi-api-version", E.PROVIDER_UNAVAILABLE),
)
# "please try again after N seconds": documented for concurrency and requests a minute.
_TRY_AGAIN: Final = re.compile(r"try again after ([0-9]{1,6}) seconds?")
# What a JSON content object has beside `content`; a user's own JSON file may have that too.
_CONTENT_SIGNS: Final = frozenset({"file_type", "filename", "title", "type"})
# A file is parsed within seconds of its upload, or it fails.
_UNPARSED_WAIT_S: Final = 5.0


class KimiProvider(TieredProvider):
    """An account at Kimi: `core.machine.FileProvider`, `ExtractsText` and `ReportsBalance`."""

    async def upload(self, upload: Upload) -> RemoteFile:
        """POST /files. The answer's size is passed on as it is: the engine compares."""
        purpose = purpose_in(self._table, self._account.region, upload.purpose)
        answer = _checked(await self._tiers.upload(upload, purpose))
        return file_of(answer, purpose, STATUSES)

    async def list(self, purpose: str) -> Sequence[RemoteFile]:
        """GET /files: the whole organisation in one answer; purposes are told apart here."""
        name = purpose_in(self._table, self._account.region, purpose)
        answer = _checked(await self._tiers.ask(Question("list")))
        if (answer.json_object() or {}).get("has_more"):
            # Not documented; half a list must never pass for the whole one.
            raise invalid(answer, "the list has pages")
        files = [file for file in files_of(answer, name, STATUSES) if file.purpose == name]
        return sorted(files, key=lambda file: file.created_at)

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        """GET /files/{id}."""
        answer = await self._tiers.ask(Question("find", id_in_path(file_id)))
        if _is_not_found(answer):
            return None
        return file_of(_checked(answer), purpose, STATUSES)

    async def delete(self, file_id: str) -> None:
        """DELETE /files/{id}."""
        answer = await self._tiers.ask(Question("delete", id_in_path(file_id)))
        if not _is_not_found(answer):
            _checked(answer)

    async def content(self, file_id: str) -> str:
        """GET /files/{id}/content: the text, which some answers wrap in JSON.

        Kimi says 404 both for no file and for one it has not read yet; its own record decides.
        """
        answer = await self._tiers.ask(Question("content", id_in_path(file_id)))
        if answer.is_success:
            return _text_of(answer)
        refused = failure(answer, _refusal(answer))
        if refused.outcome is not refused.outcome.REJECTED:
            raise refused
        raise await self._why_no_text(file_id, refused)

    async def balance(self) -> Balance:
        """GET /users/me/balance."""
        answer = _checked(await self._client.ask("GET", "users/me/balance"))
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
                retry_after=_UNPARSED_WAIT_S,
            )
        if file.status is RemoteStatus.ERROR:
            return TransferError(E.PARSE_FAILED, file.status_text, status=refused.status)
        gives = {p.name for p in self._table.purposes_in(self._account.region) if p.gives_text}
        if file.purpose not in gives:
            return TransferError(E.NOT_SUPPORTED, f"purpose {file.purpose}", status=refused.status)
        return refused


def _checked(answer: Answer) -> Answer:
    """The answer when it is a success in Kimi's form."""
    refusal = _refusal(answer)
    if not answer.is_success or refusal is not None:
        raise failure(answer, refusal)
    return answer


def _is_not_found(answer: Answer) -> bool:
    """In Kimi's own words: any other 404 may come from a wrong address."""
    refusal = _refusal(answer)
    return answer.status == 404 and refusal is not None and refusal.code is E.REMOTE_NOT_FOUND


def _refusal(answer: Answer) -> Refusal | None:
    """`{"error": {"type", "message"}}`, or None when the body is something else."""
    error = (answer.json_object() or {}).get("error")
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return None
    message = error["message"] if isinstance(error.get("message"), str) else ""
    code = TYPES.get(error["type"]) or code_for(answer.status)
    if error["type"] == "invalid_request_error":
        said = message.lower()
        code = next((c for words, c in SENTENCES if words in said), code)
    wait = _TRY_AGAIN.search(message) if code is E.RATE_LIMITED else None
    return Refusal(code, message, float(wait[1]) if wait else None)


def _text_of(answer: Answer) -> str:
    text = answer.body.decode("utf-8", "replace")
    try:
        form = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if (
        isinstance(form, dict)
        and isinstance(form.get("content"), str)
        and _CONTENT_SIGNS & set(form)
    ):
        return str(form["content"])
    return text
