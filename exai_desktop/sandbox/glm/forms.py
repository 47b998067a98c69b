"""GLM's JSON and its several error forms."""

from __future__ import annotations

import secrets
import time
from typing import Any

from starlette.responses import Response

from exai_desktop.sandbox.glm.messages import sentence, speaks_chinese
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.provider import json_answer
from exai_desktop.sandbox.servers.store import StoredFile


class GlmRefusal(Exception):  # noqa: N818 - the provider's "no", part of normal work
    """A refusal by code; the sentence depends on the request's language."""

    def __init__(self, status: int, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}")
        self.status = status
        self.code = code
        self.detail = detail


def bad_parameter(detail: str, code: str = "1214") -> GlmRefusal:
    """400 for a parameter or a file's content."""
    return GlmRefusal(400, code, detail)


def refusal_answer(exchange: Exchange, refusal: GlmRefusal, message: str | None = None) -> Response:
    """`{"error": {"code": "<digits>", "message"}}` in the request's language."""
    chinese = in_chinese(exchange)
    text = message or sentence(refusal.code, chinese, refusal.detail)
    return stamped(json_answer({"error": {"code": refusal.code, "message": text}}, refusal.status))


def in_chinese(exchange: Exchange) -> bool:
    """Whether this request is answered in Chinese."""
    bigmodel = exchange.flavour is not None and exchange.flavour.name == "bigmodel"
    return speaks_chinese(exchange.headers.get("accept-language"), chinese_by_default=bigmodel)


def unknown_path(exchange: Exchange) -> Response:
    """A path the host does not know: HTTP 200 at BigModel, a plain-string error at Z.ai."""
    if exchange.flavour is not None and exchange.flavour.name == "bigmodel":
        return json_answer({"code": 500, "msg": "404 NOT_FOUND", "success": False})
    path = exchange.path
    return json_answer(
        {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime()),
            "status": 404,
            "error": "Not Found",
            "path": f"/v4{path}",
        },
        404,
    )


def stamped(response: Response) -> Response:
    """Add the header of the real back end; the gateway's own answers lack it."""
    response.headers["x-log-id"] = time.strftime("%Y%m%d%H%M%S") + secrets.token_hex(9)
    return response


def file_form(file: StoredFile) -> dict[str, Any]:
    """A file as the API shows it: no status, and batch files dated in milliseconds."""
    batch = file.purpose == "batch"
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at * 1000) if batch else int(file.created_at),
        "filename": file.name,
        "purpose": file.purpose,
    }
