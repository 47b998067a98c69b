"""What waits on this computer for the browser to come back from a sign-in: one request, once.

Any program and any page of the browser can reach an address of this computer. So the address has
a secret part, the request must name the host that was told to the project, and nothing of what it
brings is shown.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

_HOST: Final = "127.0.0.1"
_FOLDER: Final = "/exai-desktop/"
_LONGEST_HEAD: Final = 16 * 1024
_MOST_FIELDS: Final = 12
# A browser opens connections that it does not use.
_MOST_AT_ONCE: Final = 8
_HEAD_S: Final = 10.0
_CODE: Final = re.compile(r"[A-Za-z0-9._~-]{1,512}")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,60}")
_HEADERS: Final = (
    "Content-Type: text/html; charset=utf-8",
    "Cache-Control: no-store",
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
    "Connection: close",
)


@dataclass(frozen=True, slots=True)
class BrowserAnswer:
    """`code` for the exchange; or short names of what went wrong, "" for none."""

    code: str = ""
    error: str = ""
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class _Page:
    status: str
    text: str


_DONE: Final = _Page("200 OK", "You can close this window. EXAI Desktop goes on by itself.")
_NOT_DONE: Final = _Page(
    "200 OK", "The sign-in did not work. EXAI Desktop says why. You can close this window."
)
_ANSWERED: Final = _Page("410 Gone", "This sign-in was answered before.")
_BAD: Final = _Page("400 Bad Request", "This is no answer to a sign-in.")
_NOT_HERE: Final = _Page("404 Not Found", "This is no address of a sign-in that is waited for.")
_WRONG_HOST: Final = _Page("421 Misdirected Request", "This is no address of EXAI Desktop.")
_WRONG_METHOD: Final = _Page("405 Method Not Allowed", "This is no answer to a sign-in.")


class LoopbackListener:
    """Listens from `open` until the answer is there or `close`."""

    def __init__(self) -> None:
        self._path = _FOLDER + secrets.token_urlsafe(24)
        self._answer: asyncio.Future[BrowserAnswer] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None
        self._host = ""
        self._open = 0

    async def open(self) -> str:
        """Begin to listen; returns the address to which the project sends the browser."""
        self._server = await asyncio.start_server(self._serve, _HOST, 0, limit=_LONGEST_HEAD)
        self._host = f"{_HOST}:{self._server.sockets[0].getsockname()[1]}"
        return f"http://{self._host}{self._path}"

    async def answer(self, within_s: float) -> BrowserAnswer:
        """Raises TimeoutError. Cancelled when it is closed before."""
        async with asyncio.timeout(within_s):
            return await asyncio.shield(self._answer)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        self._answer.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _MOST_AT_ONCE:
                with suppress(
                    TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError
                ):
                    await self._talk(reader, writer)
        finally:
            self._open -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
            page, answer = self._judge(head)
            writer.write(_as_bytes(page))
            await writer.drain()
        if answer is not None and not self._answer.done():
            self._answer.set_result(answer)
            if self._server is not None:
                self._server.close()

    def _judge(self, head: bytes) -> tuple[_Page, BrowserAnswer | None]:
        try:
            first, *lines = head.decode("ascii").rstrip("\r\n").split("\r\n")
            method, target, version = first.split(" ")
        except ValueError:
            return _BAD, None
        hosts = [line for line in lines if line.lower().startswith("host:")]
        if [line.partition(":")[2].strip() for line in hosts] != [self._host]:
            return _WRONG_HOST, None  # a name that leads here as well is somebody else's page
        path, _, query = target.partition("?")
        if not hmac.compare_digest(path.encode(), self._path.encode()):
            return _NOT_HERE, None
        if method != "GET" or version not in ("HTTP/1.1", "HTTP/1.0"):
            return _WRONG_METHOD, None
        if self._answer.done():
            return _ANSWERED, None
        answer = _answer_in(query)
        if answer is None:
            return _BAD, None
        return (_DONE if answer.code else _NOT_DONE), answer


def _answer_in(query: str) -> BrowserAnswer | None:
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    found = dict(fields)
    if len(found) != len(fields):
        return None
    if "code" in found and "error" not in found and _CODE.fullmatch(found["code"]):
        return BrowserAnswer(found["code"])
    if "error" in found or "error_code" in found:
        return BrowserAnswer("", _name(found, "error"), _name(found, "error_code"))
    return None


def _name(found: Mapping[str, str], field: str) -> str:
    text = found.get(field, "")
    return text if _NAME.fullmatch(text) else ""


def _as_bytes(page: _Page) -> bytes:
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>EXAI Desktop</title>'
        f"<p>{page.text}</p></html>"
    ).encode("ascii")
    lines = (f"HTTP/1.1 {page.status}", *_HEADERS, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode("ascii") + body
