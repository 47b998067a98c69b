"""Any service with OpenAI's files API: a server of your own, a gateway, another company.

Source: platform.openai.com/docs/api-reference/files, checked 2026-09-03; tried with two servers
that others wrote. Such servers differ, so what is optional in the API is optional here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.files_api import FilesApiProvider, Refusal, code_for

E = ErrorCode

STATUSES: Final = {
    **dict.fromkeys(("uploaded", "processed", "ok", "ready"), RemoteStatus.READY),
    **dict.fromkeys(("error", "failed"), RemoteStatus.ERROR),
}

# By `error.code` or `error.type`. Any other word goes by the HTTP status.
WORDS: Final[dict[str, ErrorCode]] = {
    "invalid_api_key": E.AUTH_FAILED,
    "authentication_error": E.AUTH_FAILED,
    "permission_error": E.PERMISSION_DENIED,
    "insufficient_quota": E.BALANCE_EXHAUSTED,
    "billing_hard_limit_reached": E.BALANCE_EXHAUSTED,
    "rate_limit_exceeded": E.RATE_LIMITED,
    "server_error": E.PROVIDER_UNAVAILABLE,
}

_PAGE_SIZE: Final = 100
# 100,000 files.
_MAX_PAGES: Final = 1_000


class CustomProvider(FilesApiProvider):
    """An account at such a service."""

    statuses = STATUSES

    async def _list(self, purpose: str) -> Sequence[RemoteFile]:
        """GET /files, page by page. Some servers know neither pages nor purposes."""
        files = await self._list_pages(purpose, {"limit": _PAGE_SIZE, "order": "asc"}, _MAX_PAGES)
        return [file for file in files if file.purpose == purpose]

    @classmethod
    def refusal(cls, answer: Answer) -> Refusal | None:
        """`{"error": {"message", "type", "code"}}`, or the `{"detail": ...}` of FastAPI servers."""
        if answer.is_success:
            return None
        body = answer.json_object() or {}
        error = body.get("error")
        if isinstance(error, dict):
            words = [error.get("code"), error.get("type")]
            known = (WORDS[word] for word in words if isinstance(word, str) and word in WORDS)
            return Refusal(next(known, code_for(answer.status)), _message(error.get("message")))
        if "detail" in body:
            return Refusal(code_for(answer.status), _message(body["detail"]))
        return None


def _message(message: Any) -> str:
    """FastAPI sends a list with one fault per field; the first one is enough."""
    if isinstance(message, list) and message and isinstance(message[0], dict):
        message = message[0].get("msg")
    return message if isinstance(message, str) else ""
