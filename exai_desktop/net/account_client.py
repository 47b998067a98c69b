"""The requests of one account. Their answers are read within a deadline and a size limit.

What their headers say is read here: how long to wait, the rate limit, the server's time.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import statistics
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final, NoReturn

import httpcore
import httpx

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.machine import steady_time
from exai_desktop.core.settings import Settings
from exai_desktop.net.direct import PLACES, Reply, UploadHead, to_core
from exai_desktop.net.error_map import NETWORK_EXCEPTIONS, translate
from exai_desktop.net.file_body import FileBody, SendingBody
from exai_desktop.net.http_client import build_client, proxy_place
from exai_desktop.net.network_backend import ON_WRITE

# A longer Retry-After is cut to this.
MAX_RETRY_AFTER_S: Final = 24 * 3600.0
# A longer rate limit is cut to this: the limits count requests per minute.
MAX_RATE_LIMIT_S: Final = 120.0
_SECONDS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_RATE_LIMIT_PREFIXES: Final = ("x-ratelimit-", "ratelimit-")
_DURATION: Final = re.compile(r"(?:(\d+)m)?(?:(\d+(?:\.\d+)?)(ms|s)?)?")
# Larger numbers of seconds are a Unix time.
_UNIX_TIME_ABOVE: Final = 1e9


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, 0 to 24 h; `now` in Unix seconds. None when `value` is no waiting time."""
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_AFTER_S)
    if not text or not text.isascii() or text[0] in "+-0123456789":
        return None
    until = parse_date(text)
    return None if until is None else min(max(until - now, 0.0), MAX_RETRY_AFTER_S)


# A busy provider says the same second many times.
@lru_cache(maxsize=64)
def parse_date(text: str) -> float | None:
    """An HTTP date in Unix seconds; None when `text` is no date."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def rate_limit_wait(headers: Mapping[str, str], now: float) -> float:
    """Seconds until the rate limit allows the next request; 0.0 when it allows one now.

    Reads a number of seconds, a Unix time, and durations such as `1m30s`.
    """
    for prefix in _RATE_LIMIT_PREFIXES:
        remaining = headers.get(f"{prefix}remaining", headers.get(f"{prefix}remaining-requests"))
        reset = headers.get(f"{prefix}reset", headers.get(f"{prefix}reset-requests", ""))
        if remaining is not None and remaining.strip() == "0":
            return _duration(reset.strip(), now)
    return 0.0


def _duration(text: str, now: float) -> float:
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return 0.0
    minutes, amount, unit = match.groups()
    seconds = 60.0 * int(minutes or 0) + float(amount or 0) / (1000 if unit == "ms" else 1)
    if unit is None and minutes is None and seconds > _UNIX_TIME_ABOVE:
        seconds -= now
    return min(max(seconds, 0.0), MAX_RATE_LIMIT_S)


class ServerClock:
    """The server's time by its last answer. It stays right when somebody sets our own clock."""

    def __init__(self) -> None:
        self._ahead_of_steady: float | None = None

    def set(self, server_time: float) -> None:
        """An answer that has just arrived says: it is `server_time` (whole Unix seconds)."""
        self._ahead_of_steady = server_time - steady_time()

    @property
    def offset_s(self) -> float | None:
        """The server's clock minus ours, in seconds; None before the first answer."""
        if self._ahead_of_steady is None:
            return None
        return self._ahead_of_steady + steady_time() - time.time()


# The moment before the end of a body, in seconds: as long as answers usually take, since a reset
# comes as quickly; twice as long after a cut. It costs each file that much, so it has a limit.
# Of a large body hardly anything is still on the line then: a shorter one is enough.
_SHORTEST_S: Final = 0.002
_CALM_S: Final = 0.05
_CALM_LARGE_S: Final = 0.01
_LARGE: Final = 256 * 1024
_WARY_S: Final = 0.5
_WARY_FOR_S: Final = 600.0
_ANSWERS_KEPT: Final = 20


class LineWatch:
    """How soon the other side reacts, and whether the line has cut bodies of late."""

    def __init__(self) -> None:
        self._answers: deque[float] = deque(maxlen=_ANSWERS_KEPT)
        self._wary_until = float("-inf")

    def answered(self, seconds: float) -> None:
        """So long after the end of a body."""
        self._answers.append(seconds)

    def cut(self) -> None:
        self._wary_until = time.monotonic() + _WARY_FOR_S

    def moment_s(self, size: int) -> float:
        """Before the end of a body of so many bytes."""
        usual = statistics.median(self._answers or [_CALM_S])
        if time.monotonic() < self._wary_until:
            return min(_WARY_S, max(_SHORTEST_S, 2 * usual))
        return min(_CALM_LARGE_S if size > _LARGE else _CALM_S, max(_SHORTEST_S, usual))


# Beside `x-stainless-…`, an SDK's request keeps these headers: about the body and the SDK.
_SDK_HEADERS: Final = (
    "accept",
    "content-length",
    "content-type",
    "source_type",
    "user-agent",
    "x-request-sdk",
    "x-source-channel",
    "zai-sdk-ver",
)
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
MAX_HEADERS: Final = 100
# A request without a body is answered within this time or not at all.
QUESTION_TIMEOUT_S: Final = 60.0
# An answer that comes before the whole body has left: its rest has this time to follow.
_EARLY_ANSWER_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` in lower case; `sent` says how much of our body had left."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: Sent = Sent.NOTHING

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is anything else, malformed JSON included."""
        try:
            value = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):  # bad text, huge numbers, 100,000 brackets
            return None
        return value if isinstance(value, dict) else None


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


class AccountClient:
    """All methods raise `TransferError` when there is no answer, and no other error of ours.

    Paths are relative to the account's address. `tls` is for a server whose certificate the
    operating system does not know.
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
        self._heads: dict[str, UploadHead] = {}
        self._client = build_client(account, key, settings, headers=headers, tls=tls)
        self._proxy = proxy_place(account.base_url, settings)
        self.server_clock = ServerClock()
        self._line = LineWatch()
        # Until then (monotonic time) the provider's rate limit allows no more requests.
        self.rate_limited_until = 0.0
        self._read_timeout_s = settings.read_timeout_s

    async def ask(
        self, method: str, path: str, params: Mapping[str, str | int] | None = None
    ) -> Answer:
        """A request without a body; answered in full within `QUESTION_TIMEOUT_S`."""
        request = self._client.build_request(method, path, params=params)
        return await self._exchange(to_core(request), None)

    async def upload(self, path: str, upload: Upload, purpose: str, readers: Executor) -> Answer:
        """Send one file as multipart; `purpose` is the provider's own name of `upload.purpose`.

        The time to wait for the answer begins with the last block. An answer may come before the
        whole body has left: then its `sent` is not ALL. A cancel closes the connection.
        """
        body = FileBody(upload, purpose, readers)
        try:
            head = self._heads.get(path)
            if head is None:
                built = self._client.build_request("POST", path, headers=PLACES)
                head = self._heads[path] = UploadHead(built)
            request = head.request(body, body.content_type, body.length)
            return await self._exchange(request, body, body.length)
        finally:
            await body.close()

    async def send_for_sdk(self, request: httpx.Request, body: SendingBody | None) -> Answer:
        """Send a request that an SDK made, by our rules.

        The SDK cannot change the account's headers, the key among them. Of the headers that it
        adds, some from environment variables, only `_SDK_HEADERS` are sent.
        """
        headers = {
            **self._client.headers,
            **{n: v for n, v in request.headers.items() if n.startswith("x-stainless-")},
            **{name: request.headers[name] for name in _SDK_HEADERS if name in request.headers},
        }
        extensions = {"timeout": self._client.timeout.as_dict()}
        ours = httpx.Request(request.method, request.url, headers=headers, extensions=extensions)
        if body is None:
            return await self._exchange(to_core(ours), None)
        ours.stream = body
        return await self._exchange(to_core(ours), body, int(headers.get("content-length", 0)))

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of every request; they contain the key."""
        return self._client.headers

    @property
    def base_url(self) -> httpx.URL:
        return self._client.base_url

    async def close_unused(self) -> None:
        """Close the connections, if no request was sent since the last call and none is going."""
        await self._client.close_unused()

    async def close(self) -> None:
        await self._client.aclose()

    def _note_headers(self, reply: Reply) -> None:
        date = parse_date(reply.headers.get("date", ""))
        if date is not None:
            self.server_clock.set(date)
        wait_s = rate_limit_wait(reply.headers, time.time())
        if wait_s > 0:
            self.rate_limited_until = time.monotonic() + wait_s

    async def _exchange(
        self, request: httpcore.Request, body: SendingBody | None, size: int = 0
    ) -> Answer:
        """`size`: of the body."""
        try:
            async with asyncio.timeout(None if body else QUESTION_TIMEOUT_S) as deadline:
                reply = await self._sent(request, body, size, deadline)
                try:
                    self._note_headers(reply)
                    sent = body.sent if body else Sent.NOTHING
                    if body is not None and sent is not Sent.ALL:
                        return await _read_early_answer(reply, sent)
                    return await read_answer(reply, sent)
                finally:
                    await reply.close()
        except NETWORK_EXCEPTIONS as error:
            failure = translate(error, body.sent if body else Sent.NOTHING, self._proxy)
            if failure.code is ErrorCode.UPLOAD_CUT:
                self._line.cut()
        # Raised outside the `except`: the library's exception may contain the key, so it must not
        # become the context of ours.
        raise failure

    async def _sent(
        self,
        request: httpcore.Request,
        body: SendingBody | None,
        size: int,
        deadline: asyncio.Timeout,
    ) -> Reply:
        """Send it; its answer as soon as it begins."""
        if body is None:
            return await self._client.send_direct(request)
        now = asyncio.get_running_loop().time
        left_at: list[float] = []

        def all_left() -> None:
            # From here to the answer, the provider reads the file.
            left_at.append(now())
            deadline.reschedule(now() + self._read_timeout_s)

        body.on_last_block = all_left
        body.moment_s = self._line.moment_s(size)
        told = ON_WRITE.set(body.goes_out_on)
        try:
            reply = await self._client.send_direct(request)
        finally:
            ON_WRITE.reset(told)
        if left_at:
            self._line.answered(now() - left_at[0])
        return reply


async def _read_early_answer(reply: Reply, sent: Sent) -> Answer:
    """Our body is incomplete, so nothing is stored: the status alone is an answer."""
    try:
        async with asyncio.timeout(_EARLY_ANSWER_TIMEOUT_S):
            return await read_answer(reply, sent)
    except (TransferError, *NETWORK_EXCEPTIONS):
        return Answer(reply.status, reply.headers, b"", sent)


async def read_answer(reply: Reply, sent: Sent = Sent.NOTHING) -> Answer:
    """The whole answer, within its limits. Raises INVALID_ANSWER."""
    if reply.header_count > MAX_HEADERS:
        raise _invalid_answer(reply, sent, "too many headers")
    if reply.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise _invalid_answer(reply, sent, "compressed, although this was not allowed")
    pieces, size = [], 0
    async for piece in reply.pieces:
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise _invalid_answer(reply, sent, f"more than {MAX_ANSWER_BYTES:,} bytes")
        pieces.append(piece)
    return Answer(reply.status, reply.headers, b"".join(pieces), sent)


def _invalid_answer(reply: Reply, sent: Sent, why: str) -> TransferError:
    return TransferError(ErrorCode.INVALID_ANSWER, why, sent=sent, status=reply.status)
