"""Any service with OpenAI's files endpoints: a server of one's own, a gateway, another company.

Written after platform.openai.com/docs/api-reference/files, checked 2026-09-03, and tried with
servers that nobody here wrote. Such servers differ: what is optional there is optional here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
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
from exai_desktop.providers.tiered import TieredProvider
from exai_desktop.providers.tiers.tier import Question

E = ErrorCode

STATUSES: Final = {
    **dict.fromkeys(("uploaded", "processed", "ok", "ready"), RemoteStatus.READY),
    **dict.fromkeys(("error", "failed"), RemoteStatus.ERROR),
}

# `error.code` and `error.type`; anything else goes by the HTTP status.
WORDS: Final[dict[str, ErrorCode]] = {
    "invalid_api_key": E.AUTH_FAILED,
    "authentication_error": E.AUTH_FAILED,
    "permission_error": E.PERMISSION_DENIED,
    "insufficient_quota": E.BALANCE_EXHAUSTED,
    "billing_hard_limit_reached": E.BALANCE_EXHAUSTED,
    "rate_limit_exceeded": E.RATE_LIMITED,
    "server_error": E.PROVIDER_UNAVAILABLE,
}

_PAGE: Final = 100
# 100,000 files: a list without an end is a fault of the server.
_MOST_PAGES: Final = 1_000


class CustomProvider(TieredProvider):
    """An account at such a service: `core.machine.FileProvider` and `ExtractsText`."""

    async def upload(self, upload: Upload) -> RemoteFile:
        """POST /files."""
        purpose = purpose_in(self._table, self._account.region, upload.purpose)
        answer = _checked(await self._tiers.upload(upload, purpose))
        return file_of(answer, purpose, STATUSES)

    async def list(self, purpose: str) -> Sequence[RemoteFile]:
        """GET /files, page by page. Not every server knows pages or asks for a purpose."""
        name = purpose_in(self._table, self._account.region, purpose)
        found: dict[str, RemoteFile] = {}
        params: dict[str, str | int] = {"purpose": name, "limit": _PAGE, "order": "asc"}
        for _ in range(_MOST_PAGES):
            answer = _checked(await self._tiers.ask(Question("list", params=params)))
            page = files_of(answer, name, STATUSES)
            new = [file for file in page if file.id not in found]
            found |= {file.id: file for file in new}
            if not (answer.json_object() or {}).get("has_more"):
                break
            if not new:
                # The cursor leads nowhere: half a list must never pass for the whole one.
                raise invalid(answer, "the list's pages do not go on")
            params["after"] = page[-1].id
        else:
            raise invalid(answer, "the list has no end")
        return sorted(
            (f for f in found.values() if f.purpose == name), key=lambda file: file.created_at
        )

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
        """GET /files/{id}/content: what was uploaded, as text."""
        answer = _checked(await self._tiers.ask(Question("content", id_in_path(file_id))))
        return answer.body.decode("utf-8", "replace")


def _checked(answer: Answer) -> Answer:
    if not answer.is_success:
        raise failure(answer, _refusal(answer))
    return answer


def _is_not_found(answer: Answer) -> bool:
    """In a form of the interface: any other 404 may come from a wrong address."""
    return answer.status == 404 and _refusal(answer) is not None


def _refusal(answer: Answer) -> Refusal | None:
    """`{"error": {"message", "type", "code"}}`, or the `{"detail": ...}` of FastAPI servers."""
    form = answer.json_object() or {}
    error = form.get("error")
    if isinstance(error, dict):
        words = [error.get("code"), error.get("type")]
        known = (WORDS[word] for word in words if isinstance(word, str) and word in WORDS)
        return Refusal(next(known, code_for(answer.status)), _said(error.get("message")))
    if "detail" in form:
        return Refusal(code_for(answer.status), _said(form["detail"]))
    return None


def _said(message: Any) -> str:
    """FastAPI lists what is wrong field by field."""
    if isinstance(message, list) and message and isinstance(message[0], dict):
        message = message[0].get("msg")
    return message if isinstance(message, str) else ""
