"""Kimi's JSON in both contract generations, and its error bodies."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.provider import json_answer
from exai_desktop.sandbox.servers.store import StoredFile

BETA = "2026-09-01-beta"

_ACCOUNT_HEADERS = {
    "msh-org-id": "org-sandbox0000000000000000000000",
    "msh-project-id": "proj-sandbox000000000000000000000",
    "msh-uid": "sandboxuid0000000000",
    "msh-gid": "sandboxgid0000000000",
}
_DEFAULT_TYPES = {
    400: "invalid_request_error",
    401: "invalid_authentication_error",
    403: "permission_denied_error",
    404: "resource_not_found_error",
    409: "conflict_error",
    429: "engine_overloaded_error",
    499: "client_closed_request",
    503: "server_unavailable",
}


class KimiRefusal(Exception):  # noqa: N818 - the provider's "no", part of normal work
    """A refusal in the words and form of Kimi."""

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.param = param
        self.retry_after = retry_after


def bad_request(message: str, param: str | None = None) -> KimiRefusal:
    """The 400 that covers almost everything."""
    return KimiRefusal(400, "invalid_request_error", message, param=param)


def default_type(status: int) -> str:
    """The error type that usually goes with a status."""
    return _DEFAULT_TYPES.get(status, "server_error")


def is_beta(exchange: Exchange) -> bool:
    """Whether the request asks for the hosted-agents generation."""
    return exchange.headers.get("kimi-api-version") == BETA


def refusal_answer(exchange: Exchange, refusal: KimiRefusal) -> Response:
    """The error body of the request's generation, with its headers."""
    request_id = new_request_id()
    error: dict[str, Any] = {"message": refusal.message, "type": refusal.error_type}
    if is_beta(exchange):
        error["request_id"] = request_id
        if refusal.status == 401:
            error["type"] = "authentication_error"
        if refusal.param is not None:
            error["param"] = refusal.param
    response = json_answer({"error": error}, refusal.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return stamped(response, request_id)


def new_request_id() -> str:
    """An id as in Msh-Request-Id."""
    return f"req-{secrets.token_hex(12)}"


def stamped(response: Response, request_id: str | None = None) -> Response:
    """Add the headers every Kimi answer carries."""
    response.headers["Msh-Request-Id"] = request_id or new_request_id()
    response.headers["x-msh-trace-id"] = secrets.token_hex(16)
    for name, value in _ACCOUNT_HEADERS.items():
        response.headers[name] = value
    return response


def file_form(file: StoredFile, beta: bool, now: float, ready_word: str) -> dict[str, Any]:
    """A file as the API shows it at this moment."""
    pending = now < file.ready_at
    if beta:
        created = datetime.fromtimestamp(file.created_at, UTC).isoformat(timespec="seconds")
        state = "processing" if pending else "error" if file.failed else "ready"
        return {
            "id": file.id,
            "filename": file.name,
            "mime_type": file.mime,
            "size_bytes": file.bytes,
            "created_at": created.replace("+00:00", "Z"),
            "purpose": file.purpose,
            "extract_status": state,
        }
    state = "created" if pending else "error" if file.failed else ready_word
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at),
        "filename": file.name,
        "purpose": file.purpose,
        "status": state,
        "status_details": "text extract error" if state == "error" else "",
    }
