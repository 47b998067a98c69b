"""Kimi: files in both contract generations, models and balance."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.responses import FileResponse, PlainTextResponse, Response

from exai_desktop.sandbox.flavours import Flavour, flavour_of_key
from exai_desktop.sandbox.kimi.formats import extracted_text
from exai_desktop.sandbox.kimi.forms import (
    BETA,
    KimiRefusal,
    bad_request,
    default_type,
    file_form,
    is_beta,
    refusal_answer,
    stamped,
)
from exai_desktop.sandbox.kimi.uploads import take_upload, unknown_file
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.limiter import Throttle
from exai_desktop.sandbox.servers.provider import bearer, json_answer
from exai_desktop.sandbox.servers.store import Shelf, StoredFile
from exai_desktop.sandbox.servers.world import World

_MODELS = ("kimi-k2.6", "kimi-k2.5", "moonshot-v1-128k")
_MAX_PAGE = 1_000


class KimiServer:
    """One region of Kimi."""

    def __init__(self, world: World, flavour: Flavour) -> None:
        self._world = world
        self._flavour = flavour

    @property
    def _shelf(self) -> Shelf:
        return self._world.store.shelf(self._flavour.name)

    async def respond(self, exchange: Exchange) -> Response:
        """Carry the request out and word the answer."""
        try:
            self._admit(exchange)
            return stamped(await self._route(exchange))
        except KimiRefusal as refusal:
            await exchange.drain()
            return refusal_answer(exchange, refusal)

    def rate_refusal(self, exchange: Exchange, wait_s: int | None) -> Response:
        """429 with Retry-After, as concurrency and RPM refusals have it."""
        throttle = Throttle("rpm", 3, wait_s or 1)
        return refusal_answer(exchange, _throttled(throttle))

    def quota_refusal(self, exchange: Exchange) -> Response:
        """Billing behind a 429, without Retry-After."""
        return refusal_answer(exchange, _NO_BALANCE)

    def refusal(
        self,
        exchange: Exchange,
        status: int,
        *,
        error_type: str | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> Response:
        """Any status in Kimi's form."""
        kind = error_type or code or default_type(status)
        refusal = KimiRefusal(status, kind, message or f"Sandbox answer {status}")
        return refusal_answer(exchange, refusal)

    def _admit(self, exchange: Exchange) -> None:
        key = bearer(exchange)
        if not self._flavour.takes(key):
            if key is not None and flavour_of_key(key) is not None:
                raise KimiRefusal(401, "invalid_authentication_error", "Invalid Authentication")
            raise KimiRefusal(401, "incorrect_api_key_error", "Incorrect API key provided")
        if exchange.throttle is not None:
            raise _throttled(exchange.throttle)
        if exchange.limits.no_permission:
            raise KimiRefusal(
                403, "permission_denied_error", "The API you are accessing is not open"
            )
        if exchange.limits.no_balance and exchange.method == "POST":
            raise _NO_BALANCE
        version = exchange.headers.get("kimi-api-version")
        if version not in {None, BETA} and exchange.path.startswith("/files"):
            raise bad_request(f"Invalid request: unknown kimi-api-version {version!r}")

    async def _route(self, exchange: Exchange) -> Response:
        match exchange.method, exchange.path.strip("/").split("/"):
            case "GET", ["models"]:
                return json_answer(_model_list())
            case "GET", ["users", "me", "balance"]:
                return json_answer(_balance(exchange))
            case "POST", ["files"]:
                file = await take_upload(exchange, is_beta(exchange))
                return self._shown(exchange, file, 201 if is_beta(exchange) else 200)
            case "GET", ["files"]:
                return json_answer(self._listing(exchange))
            case "GET", ["files", file_id]:
                return self._shown(exchange, self._file(file_id), 200)
            case "GET", ["files", file_id, "content"]:
                return await self._content(exchange, self._file(file_id))
            case "DELETE", ["files", file_id]:
                return self._deleted(exchange, self._file(file_id))
        raise KimiRefusal(404, "resource_not_found_error", "The requested resource was not found")

    def _file(self, file_id: str) -> StoredFile:
        file = self._shelf.live.get(file_id)
        if file is None:
            raise unknown_file(file_id)
        return file

    def _form(self, exchange: Exchange, file: StoredFile) -> dict[str, Any]:
        return file_form(file, is_beta(exchange), time.time(), exchange.limits.ready_word)

    def _shown(self, exchange: Exchange, file: StoredFile, status: int) -> Response:
        return json_answer(self._form(exchange, file), status)

    def _listing(self, exchange: Exchange) -> dict[str, Any]:
        forms = [self._form(exchange, file) for file in self._shelf.live.values()]
        if not is_beta(exchange):
            return {"object": "list", "data": forms}
        forms.reverse()
        size = _page_size(exchange)
        if size is None:
            return {"items": forms}
        first = _page_start(exchange, [form["id"] for form in forms])
        page: dict[str, Any] = {"items": forms[first : first + size]}
        if first + size < len(forms):
            page["next_page_token"] = page["items"][-1]["id"]
        return page

    def _deleted(self, exchange: Exchange, file: StoredFile) -> Response:
        self._world.store.delete(file)
        if is_beta(exchange):
            return Response(status_code=204)
        return json_answer({"id": file.id, "object": "file", "deleted": True})

    async def _content(self, exchange: Exchange, file: StoredFile) -> Response:
        if time.time() < file.ready_at:
            raise unknown_file(file.id)
        body = self._world.store.blob(file)
        if file.purpose == "batch":
            return FileResponse(body, media_type="application/jsonl")
        if file.purpose != "file-extract":
            raise bad_request(f"Invalid request: no content for purpose {file.purpose!r}")
        if file.failed:
            raise bad_request("text extract error: the file could not be parsed")
        text = await asyncio.to_thread(extracted_text, file, body)
        if not is_beta(exchange):
            return PlainTextResponse(text)
        return json_answer(
            {"content": text, "file_type": file.mime, "filename": file.name, "type": "file"}
        )


_NO_BALANCE = KimiRefusal(
    429,
    "exceeded_current_quota_error",
    "Your account is suspended due to insufficient balance, please recharge your account or check"
    " your plan and billing details",
)


def _throttled(throttle: Throttle) -> KimiRefusal:
    what = "concurrency" if throttle.cause == "concurrency" else "RPM"
    return KimiRefusal(
        429,
        "rate_limit_reached_error",
        f"Your account request reached organization max {what}: {throttle.limit},"
        f" please try again after {throttle.wait_s} seconds",
        retry_after=throttle.wait_s,
    )


def _model_list() -> dict[str, Any]:
    models = [{"id": name, "object": "model", "owned_by": "moonshot"} for name in _MODELS]
    return {"object": "list", "data": models}


def _balance(exchange: Exchange) -> dict[str, Any]:
    cash = -0.12 if exchange.limits.no_balance else 40.0
    voucher = 0.0 if exchange.limits.no_balance else 9.5
    data = {
        "available_balance": round(cash + voucher, 5),
        "voucher_balance": voucher,
        "cash_balance": cash,
    }
    return {"code": 0, "data": data, "scode": "0x0", "status": True}


def _page_size(exchange: Exchange) -> int | None:
    raw = exchange.query.get("page_size")
    if raw is None:
        return None
    if not raw.isdecimal() or not 1 <= int(raw) <= _MAX_PAGE:
        raise bad_request(f"page_size must be 1 to {_MAX_PAGE}", "page_size")
    return int(raw)


def _page_start(exchange: Exchange, ids: list[str]) -> int:
    token = exchange.query.get("page_token")
    if token is None:
        return 0
    if token not in ids:
        raise bad_request("unknown page_token", "page_token")
    return ids.index(token) + 1
