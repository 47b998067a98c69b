"""Carrying out one fault on one request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Message

from exai_desktop.sandbox.faults import Fault, FaultKind
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.provider import ProviderServer, json_answer
from exai_desktop.sandbox.servers.world import Cut

VERSION_INCIDENT = "Invalid request: missing required header kimi-api-version"
_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n"
    "</body>\r\n</html>\r\n"
)

Ending = Callable[[Exchange, Fault, ProviderServer, Response | None], Awaitable[None]]


async def perform(exchange: Exchange, fault: Fault, server: ProviderServer) -> None:
    """Run the request under the fault, from the first byte to the last."""
    exchange.fault = fault
    exchange.entry.fault = fault.kind
    if fault.kind == "reset_before":
        await exchange.reset()
    if fault.kind == "early_answer":
        await _early_answer(exchange, fault, server)
        return
    _prepare(exchange, fault)
    response: Response | None = None
    if fault.stores:
        response = await server.respond(exchange)
    elif fault.drain:
        await exchange.drain()
    await _ENDINGS.get(fault.kind, _as_usual)(exchange, fault, server, response)


def _prepare(exchange: Exchange, fault: Fault) -> None:
    if fault.kind == "slow_read":
        exchange.narrow_window()
        exchange.bytes_per_s = fault.bytes_per_s
    elif fault.kind == "reset_in_body":
        exchange.reset_at = fault.after_bytes
    elif fault.kind == "late_store":
        exchange.hold_s = fault.delay_s


async def _early_answer(exchange: Exchange, fault: Fault, server: ProviderServer) -> None:
    response = _worded(exchange, fault, server, 401)
    response.headers["Connection"] = "close"
    start: Message = {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }
    await exchange.send(start)
    body = bytes(response.body)
    await exchange.send({"type": "http.response.body", "body": body, "more_body": True})
    if fault.drain:
        await exchange.drain()
    await exchange.send({"type": "http.response.body", "body": b""})


async def _as_usual(
    exchange: Exchange, fault: Fault, server: ProviderServer, response: Response | None
) -> None:
    if response is None:
        response = _worded(exchange, fault, server, 500)
    await exchange.answer(response)


async def _delay(
    exchange: Exchange, fault: Fault, server: ProviderServer, response: Response | None
) -> None:
    await exchange.world.pause(fault.delay_s)
    await _as_usual(exchange, fault, server, response)


async def _drip(
    exchange: Exchange, fault: Fault, server: ProviderServer, response: Response | None
) -> None:
    async def send(message: Message) -> None:
        body = message.get("body", b"")
        for place in range(len(body)):
            if exchange.is_cut():
                raise Cut
            piece = body[place : place + 1]
            await exchange.send({"type": "http.response.body", "body": piece, "more_body": True})
            await exchange.world.pause(fault.interval_s)
        await exchange.send({**message, "body": b""} if "body" in message else message)

    whole = response or _worded(exchange, fault, server, 500)
    await whole(exchange.scope, exchange.receive, send)


async def _reset(
    exchange: Exchange, fault: Fault, server: ProviderServer, response: Response | None
) -> None:
    del fault, server, response
    await exchange.reset()


async def _stall(
    exchange: Exchange, fault: Fault, server: ProviderServer, response: Response | None
) -> None:
    del fault, server, response
    await exchange.gone()


async def _replaced(
    exchange: Exchange, fault: Fault, server: ProviderServer, response: Response | None
) -> None:
    del response
    await exchange.answer(_REPLACEMENTS[fault.kind](exchange, fault, server))


async def _altered(
    exchange: Exchange, fault: Fault, server: ProviderServer, response: Response | None
) -> None:
    """The stored file's own answer without its id, or with another size."""
    if response is None or response.status_code >= 300:
        await _as_usual(exchange, fault, server, response)
        return
    form: Any = json.loads(bytes(response.body) or b"{}")
    if fault.kind == "no_id":
        form.pop("id", None)
    for name in {"bytes", "size_bytes"} & set(form):
        form[name] += fault.size_delta if fault.kind == "wrong_size" else 0
    await exchange.answer(json_answer(form, response.status_code))


def _worded(exchange: Exchange, fault: Fault, server: ProviderServer, status: int) -> Response:
    status = fault.status or status
    message = fault.message or f"Sandbox answer {status}"
    if fault.form == "plain":
        response: Response = json_answer({"error": message}, status)
    elif fault.form == "flat":
        response = json_answer({"code": fault.code or status, "message": message}, status)
    elif fault.form == "html":
        response = HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)
    else:
        response = server.refusal(
            exchange,
            status,
            error_type=fault.error_type,
            code=fault.code,
            message=fault.message,
        )
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def _redirect(exchange: Exchange, fault: Fault, server: ProviderServer) -> Response:
    del server
    target = fault.location or f"http://{exchange.headers['host']}/elsewhere{exchange.full_path}"
    return RedirectResponse(target, fault.status or 307)


def _version_incident(exchange: Exchange, fault: Fault, server: ProviderServer) -> Response:
    message = fault.message or VERSION_INCIDENT
    return server.refusal(exchange, 400, error_type="invalid_request_error", message=message)


_REPLACEMENTS: dict[FaultKind, Callable[[Exchange, Fault, ProviderServer], Response]] = {
    "html_502": lambda _e, fault, _s: HTMLResponse(_BAD_GATEWAY, fault.status or 502),
    "garbage": lambda _e, fault, _s: PlainTextResponse("\x00{not json", fault.status or 200),
    "quota_429": lambda exchange, _f, server: server.quota_refusal(exchange),
    "rate_429": lambda exchange, fault, server: server.rate_refusal(exchange, fault.retry_after),
    "http_status": lambda exchange, fault, server: _worded(exchange, fault, server, 500),
    "redirect": _redirect,
    "missing_version_header_400": _version_incident,
}

_ENDINGS: dict[FaultKind, Ending] = {
    "delay": _delay,
    "drip": _drip,
    "reset_after_body": _reset,
    "lose_answer": _reset,
    "stall": _stall,
    "no_id": _altered,
    "wrong_size": _altered,
    **dict.fromkeys(_REPLACEMENTS, _replaced),
}
