"""The httpx transport of an account: two connection pools that use our own network backend."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpcore
import httpx

from exai_desktop.net.network_backend import ListeningBackend

# A kept-alive connection may close just when a request begins, and then nobody knows what the
# server has received. So a larger body (bytes) gets a new connection: its cost does not matter.
NEW_CONNECTION_ABOVE: Final = 1024 * 1024
# Shorter than the 5 s after which some servers (uvicorn, Node) close an idle connection.
KEEP_ALIVE_S: Final = 3.0
# The most lanes that the settings allow, and four for questions.
MAX_CONNECTIONS: Final = 68

_HTTPX_ERRORS: Final[dict[type[Exception], type[httpx.HTTPError]]] = {
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
def _as_httpx_errors() -> Iterator[None]:
    """httpcore's errors become those of httpx, which is what the caller knows."""
    try:
        yield
    except tuple(_HTTPX_ERRORS) as error:
        # No text and no cause: the text about a refused header contains the header. Only for a
        # failed connection is the reason kept (TLS or not); the pool has put it into the context.
        why = error.__context__ if isinstance(error, httpcore.ConnectError) else None
        raise _HTTPX_ERRORS[type(error)](type(error).__name__) from why


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx_errors():
            async for piece in self._response.aiter_stream():
                yield piece

    async def aclose(self) -> None:
        with _as_httpx_errors():
            await self._response.aclose()


class AccountTransport(httpx.AsyncBaseTransport):
    """Small requests share kept-alive connections; each large body gets a new connection."""

    def __init__(self, tls: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        self._kept = _pool(tls, proxy, keep=MAX_CONNECTIONS)
        self._new = _pool(tls, proxy, keep=0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. The caller reads the answer's body."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        url = request.url
        core_request = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        pool = self._new if _is_large(request) else self._kept
        with _as_httpx_errors():
            response = await pool.handle_async_request(core_request)
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_AnswerStream(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._kept.aclose()
        await self._new.aclose()


def _is_large(request: httpx.Request) -> bool:
    length = request.headers.get("content-length")
    return "transfer-encoding" in request.headers or int(length or 0) > NEW_CONNECTION_ABOVE


def _pool(
    tls: ssl.SSLContext | None, proxy: httpx.Proxy | None, *, keep: int
) -> httpcore.AsyncConnectionPool:
    if proxy is None:
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=keep,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=ListeningBackend(),
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
            network_backend=ListeningBackend(),
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
        network_backend=ListeningBackend(),
    )
