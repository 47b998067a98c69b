"""The requests to a Supabase project: JSON both ways, within a deadline and a size limit."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import httpx

from exai_desktop.core.errors.codes import WAY_CLOSED, ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, Sent, TransferError
from exai_desktop.core.settings import Settings
from exai_desktop.net.account_client import Answer, read_answer
from exai_desktop.net.direct import from_httpx
from exai_desktop.net.error_map import NETWORK_EXCEPTIONS, translate
from exai_desktop.net.http_client import client_for, proxy_place

# The server ends a statement of a signed-in user after 8 s; the rest is for slow lines.
ANSWER_S: Final = 60.0
# What is asked to find out whether names are found at all.
_KNOWN_NAMES: Final = ("supabase.com", "api.moonshot.ai", "api.z.ai")
_NAMES_S: Final = 5.0

_NOT_FOUND: Final = frozenset(
    number
    for name in ("EAI_NONAME", "EAI_NODATA")
    if (number := getattr(socket, name, None)) is not None
)
_WHY: Final = {
    ErrorCode.OFFLINE: "no connection",
    ErrorCode.TIMEOUT: "no answer in time",
    ErrorCode.NETWORK_ERROR: "the connection was interrupted",
    ErrorCode.INVALID_ANSWER: "the answer is not valid",
    ErrorCode.TLS_FAILED: "no secure connection",
}


class ProjectClient:
    """Sends the publishable key with each request, to the project's address and no other."""

    def __init__(
        self, url: str, key: str, settings: Settings, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._client = client_for(url, settings, headers={"apikey": key}, tls=tls)
        self._proxy = proxy_place(url, settings)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        within_s: float = ANSWER_S,
    ) -> Answer:
        """`token`: who asks, "" for nobody.

        Raises PROJECT_UNREACHABLE, PROJECT_ASLEEP, or why the way there is closed. What was sent
        may have been carried out.
        """
        headers, content = {}, None
        if body is not None:
            content = json.dumps(body).encode("ascii")
            headers["Content-Type"] = "application/json"
        return await self.exchange(
            method, path, headers=headers, content=content, token=token, within_s=within_s
        )

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        content: bytes | AsyncIterator[bytes] | None = None,
        token: str = "",
        within_s: float | None = ANSWER_S,
    ) -> Answer:
        """The same with any body. `within_s` None: only each of its blocks has a limit."""
        request = self._request(method, path, headers, content, token)
        try:
            async with asyncio.timeout(within_s):
                response = await self._client.send(request, stream=True)
                try:
                    return await read_answer(from_httpx(response))
                finally:
                    await response.aclose()
        except (*NETWORK_EXCEPTIONS, TransferError) as error:
            failure, is_unknown_name = self._translated(error)
        # Raised outside the `except`: the library's exception may contain the key.
        raise await self._failure(failure, is_unknown_name=is_unknown_name)

    async def download(self, path: str, *, token: str) -> AsyncIterator[bytes | Answer]:
        """The pieces of a body of any length; of a refusal the answer alone. Raises as `ask`."""
        request = self._request("GET", path, {}, None, token)
        try:
            response = await self._client.send(request, stream=True)
            try:
                if not response.is_success:
                    yield await read_answer(from_httpx(response))
                    return
                async for piece in response.aiter_raw():
                    yield piece
            finally:
                await response.aclose()
            return
        except (*NETWORK_EXCEPTIONS, TransferError) as error:
            failure, is_unknown_name = self._translated(error)
        raise await self._failure(failure, is_unknown_name=is_unknown_name)

    def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | AsyncIterator[bytes] | None,
        token: str,
    ) -> httpx.Request:
        if self._client.is_closed:
            raise EngineError(ErrorCode.NOT_SIGNED_IN, "the sign-in was changed")
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return self._client.build_request(
            method, path, content=content, headers={**bearer, **headers}
        )

    def _translated(self, error: Exception) -> tuple[TransferError, bool]:
        return translate(error, Sent.NOTHING, self._proxy), _is_unknown_name(error)

    async def _failure(self, failure: TransferError, *, is_unknown_name: bool) -> AppError:
        if self._client.is_closed:
            return EngineError(ErrorCode.NOT_SIGNED_IN, "the sign-in was changed")
        if is_unknown_name and not self._proxy and await _names_are_found():
            return EngineError(ErrorCode.PROJECT_ASLEEP, "the name of the project is not found")
        return _as_of_project(failure)

    async def close(self) -> None:
        await self._client.aclose()


def value_of(answer: Answer) -> Any:
    """The JSON of an answer; None for what is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _as_of_project(failure: TransferError) -> AppError:
    """Titles of these codes speak of a provider; those of a closed way fit as they are."""
    if failure.code in WAY_CLOSED:
        return failure
    why = _WHY.get(failure.code, failure.code.value)
    return EngineError(ErrorCode.PROJECT_UNREACHABLE, f"{why} ({failure.detail})")


def _is_unknown_name(error: BaseException) -> bool:
    cause: BaseException | None = error
    for _ in range(8):
        if isinstance(cause, socket.gaierror):
            return cause.errno in _NOT_FOUND
        cause = None if cause is None else cause.__cause__ or cause.__context__
    return False


async def _names_are_found() -> bool:
    """Whether the name service works: then one name that is not found is not there."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_NAMES_S):
            asked = [loop.getaddrinfo(name, 443) for name in _KNOWN_NAMES]
            found = await asyncio.gather(*asked, return_exceptions=True)
    except TimeoutError:
        return False
    return any(not isinstance(each, BaseException) for each in found)
