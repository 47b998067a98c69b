"""What carries an account's requests: two pools above our own socket, httpx's face above them."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpcore
import httpx

from exai_desktop.net.wire import WireBackend

# A kept-alive connection may die just as a request enters it, and then nobody knows what the
# server has seen. The cost of a fresh one vanishes in a body of this size (bytes).
FRESH_ABOVE: Final = 1024 * 1024
# Shorter than the 5 s after which the most impatient servers (uvicorn, Node) hang up.
KEEP_ALIVE_S: Final = 3.0
# As many lanes as the settings allow, and four for questions.
MAX_CONNECTIONS: Final = 68

_ERRORS: Final[dict[type[Exception], type[httpx.HTTPError]]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}


@contextlib.contextmanager
def _in_httpx_words() -> Iterator[None]:
    """The client above may be handed to an SDK, which knows httpx's errors only."""
    try:
        yield
    except tuple(_ERRORS) as error:
        # No text and no cause: a refused header's text holds the header. Only the reason of a
        # failed connection is wanted (TLS or not), and the pool has moved it to the context.
        why = error.__context__ if isinstance(error, httpcore.ConnectError) else None
        raise _ERRORS[type(error)](type(error).__name__) from why


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _in_httpx_words():
            async for piece in self._response.aiter_stream():
                yield piece

    async def aclose(self) -> None:
        with _in_httpx_words():
            await self._response.aclose()


class AccountTransport(httpx.AsyncBaseTransport):
    """Small requests share kept-alive connections; each large body has one to itself."""

    def __init__(self, tls: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        self._kept = _pool(tls, proxy, keep=MAX_CONNECTIONS)
        self._fresh = _pool(tls, proxy, keep=0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send; the answer's body is streamed by the caller."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        url = request.url
        wire_request = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        pool = self._fresh if _is_large(request) else self._kept
        with _in_httpx_words():
            response = await pool.handle_async_request(wire_request)
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_AnswerStream(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._kept.aclose()
        await self._fresh.aclose()


def _is_large(request: httpx.Request) -> bool:
    length = request.headers.get("content-length")
    return "transfer-encoding" in request.headers or int(length or 0) > FRESH_ABOVE


def _pool(
    tls: ssl.SSLContext | None, proxy: httpx.Proxy | None, *, keep: int
) -> httpcore.AsyncConnectionPool:
    if proxy is None:
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=keep,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=WireBackend(),
        )
    url = proxy.url
    address = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    if url.scheme.startswith("socks5"):
        return httpcore.AsyncSOCKSProxy(
            proxy_url=address,
            proxy_auth=proxy.raw_auth,
            ssl_context=tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=keep,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=WireBackend(),
        )
    return httpcore.AsyncHTTPProxy(
        proxy_url=address,
        proxy_auth=proxy.raw_auth,
        proxy_headers=proxy.headers.raw,
        ssl_context=tls,
        proxy_ssl_context=tls if url.scheme == "https" else None,
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=keep,
        keepalive_expiry=KEEP_ALIVE_S,
        network_backend=WireBackend(),
    )
