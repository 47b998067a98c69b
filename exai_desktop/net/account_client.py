"""Requests of one account, with their answers read under a deadline and a cap."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import httpx

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.settings import Settings
from exai_desktop.net.error_map import TRANSLATED, parse_date, translate
from exai_desktop.net.file_body import FileBody, Outgoing
from exai_desktop.net.http_client import build_client
from exai_desktop.net.rate_headers import wait_told
from exai_desktop.net.server_time import ServerTime

# What an SDK may say beside `x-stainless-`: of the body, and of itself.
_TAKEN: Final = (
    "accept",
    "content-length",
    "content-type",
    "source_type",
    "user-agent",
    "x-request-sdk",
    "x-source-channel",
    "zai-sdk-ver",
)
MAX_ANSWER: Final = 4 * 1024 * 1024
MAX_HEADERS: Final = 100
# A question about files is answered at once or not at all; no body is being parsed meanwhile.
QUESTION_S: Final = 60.0
# An answer that came before the whole body: its rest follows at once or is not waited for.
_EARLY_REST_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` in lower case; `sent` is how much of our body had left."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: Sent = Sent.NOTHING

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is anything else, however malformed."""
        try:
            value = json.loads(self.body, parse_constant=_refuse)
        except (ValueError, RecursionError):  # bad text, huge numbers, 100,000 brackets
            return None
        return value if isinstance(value, dict) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


class AccountClient:
    """All methods raise `TransferError` when there is no answer, and nothing else of ours.

    Paths are relative to the account's address. `tls` is for a server with its own authority.
    """

    def __init__(
        self,
        account: Account,
        key: str,
        settings: Settings,
        *,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._client = build_client(account, key, settings, headers=headers, tls=tls)
        self.server_time = ServerTime()
        # Before this moment (monotonic) the provider's headers ask for no more requests.
        self.welcome_at = 0.0
        self._read_timeout_s = settings.read_timeout_s

    async def ask(
        self, method: str, path: str, params: Mapping[str, str | int] | None = None
    ) -> Answer:
        """A request without a body; answered in full within `QUESTION_S`."""
        return await self._exchange(self._client.build_request(method, path, params=params), None)

    async def upload(self, path: str, upload: Upload, purpose: str, readers: Executor) -> Answer:
        """Send one file as multipart; `purpose` is the provider's own name of `upload.purpose`.

        The answer is waited for from the last block on. Returns early answers too, with `sent`
        less than ALL. A cancel closes the connection.
        """
        body = FileBody(upload, purpose, readers)
        try:
            request = self._client.build_request("POST", path, headers=body.headers)
            request.stream = body
            return await self._exchange(request, body)
        finally:
            await body.close()

    async def carry(self, request: httpx.Request, body: Outgoing | None) -> Answer:
        """Send a request that an SDK made, by our rules.

        The account's headers, the key among them, are not the SDK's to change, and what it adds
        (from variables of the environment, too) goes no further than `_TAKEN`.
        """
        headers = {
            **self._client.headers,
            **{n: v for n, v in request.headers.items() if n.startswith("x-stainless-")},
            **{name: request.headers[name] for name in _TAKEN if name in request.headers},
        }
        extensions = {"timeout": self._client.timeout.as_dict()}
        ours = httpx.Request(request.method, request.url, headers=headers, extensions=extensions)
        if body is not None:
            ours.stream = body
        return await self._exchange(ours, body)

    @property
    def headers(self) -> Mapping[str, str]:
        """What every request of the account says; holds the key."""
        return self._client.headers

    @property
    def base_url(self) -> httpx.URL:
        return self._client.base_url

    async def close(self) -> None:
        await self._client.aclose()

    def _note_time(self, response: httpx.Response) -> None:
        told = parse_date(response.headers.get("date", ""))
        if told is not None:
            self.server_time.tell(told)
        wait_s = wait_told(response.headers, time.time())
        if wait_s > 0:
            self.welcome_at = time.monotonic() + wait_s

    async def _exchange(self, request: httpx.Request, body: Outgoing | None) -> Answer:
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(None if body else QUESTION_S) as deadline:
                if body is not None:
                    # The provider reads the file between the last block and its answer.
                    body.on_all_left = lambda: deadline.reschedule(now() + self._read_timeout_s)
                response = await self._client.send(request, stream=True)
                self._note_time(response)
                try:
                    sent = body.sent if body else Sent.NOTHING
                    if body is not None and sent is not Sent.ALL:
                        return await _early(response, sent)
                    return await _whole(response, sent)
                finally:
                    await response.aclose()
        except TRANSLATED as error:
            failure = translate(error, body.sent if body else Sent.NOTHING)
        # Out here the library's exception, which may hold the key, is not its context.
        raise failure


async def _early(response: httpx.Response, sent: Sent) -> Answer:
    """The server had heard enough. Our body is incomplete, so its status alone is an answer."""
    try:
        async with asyncio.timeout(_EARLY_REST_S):
            return await _whole(response, sent)
    except (TransferError, *TRANSLATED):
        return Answer(response.status_code, _headers(response), b"", sent)


async def _whole(response: httpx.Response, sent: Sent) -> Answer:
    if len(response.headers.raw) > MAX_HEADERS:
        raise _nonsense(response, sent, "too many headers")
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise _nonsense(response, sent, "compressed, although we refuse it")
    pieces, size = [], 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > MAX_ANSWER:
            raise _nonsense(response, sent, f"more than {MAX_ANSWER:,} bytes")
        pieces.append(piece)
    return Answer(response.status_code, _headers(response), b"".join(pieces), sent)


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _nonsense(response: httpx.Response, sent: Sent, why: str) -> TransferError:
    status = response.status_code
    return TransferError(ErrorCode.INVALID_ANSWER, why, sent=sent, status=status)
