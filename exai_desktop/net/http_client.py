"""The HTTP client of one account: own connections, the system's certificates, no redirects.

Its transport has a connection pool that uses our own network backend.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import ssl
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import httpcore
import httpx
import socksio

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.addresses import proxy_password
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.settings import Settings
from exai_desktop.net.certificates import trusted
from exai_desktop.net.direct import Reply, to_core
from exai_desktop.net.error_map import ProxyDenialError, ProxyGoneError, ProxyLoginError
from exai_desktop.net.network_backend import ListeningBackend, ProxyUnreachableError

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
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}


@contextlib.contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """httpcore's errors become those of httpx, which is what the caller knows."""
    try:
        yield
    except ProxyUnreachableError:
        raise ProxyGoneError("no connection") from None
    except httpcore.ProxyError as error:
        raise _refused_by_proxy(str(error)) from None
    except socksio.ProtocolError:
        raise ProxyGoneError("what answers there is not a SOCKS5 proxy") from None
    except tuple(_HTTPX_ERRORS) as error:
        # No text and no cause: the text about a refused header contains the header. Only for a
        # failed connection is the reason kept (TLS or not); the pool has put it into the context.
        why = error.__context__ if isinstance(error, httpcore.ConnectError) else None
        raise _HTTPX_ERRORS[type(error)](type(error).__name__) from why


# httpcore tells of a SOCKS5 proxy in these words.
_SOCKS_LOGIN: Final = ("Requested ", "Invalid username/password")
_SOCKS_RULES: Final = "Connection not allowed by ruleset"


def _refused_by_proxy(text: str) -> httpx.ProxyError:
    """By the status of an HTTP proxy, with which `text` begins. The rest of it is not shown."""
    status = text[:3]
    if status == "407" or text.startswith(_SOCKS_LOGIN):
        return ProxyLoginError("the proxy wants a name and password, or others than it got")
    if _SOCKS_RULES in text:
        return ProxyDenialError("not allowed by the rules of the proxy")
    if not status.isdigit():
        return httpx.ProxyError("the proxy cannot connect")
    # 5xx: it has tried, or it is overloaded.
    kind = httpx.ProxyError if status.startswith("5") else ProxyDenialError
    return kind(f"the proxy answered {status}")


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
    """All requests share kept-alive connections.

    One of these may close just when a request begins. Then the body is cut before its end, and is
    sent again (`file_body`): a large body needs no new connection, which costs its slow start.
    """

    def __init__(self, tls: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        self._backend = ListeningBackend(to_proxy=proxy is not None)
        self._pool = _pool(tls, proxy, self._backend)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. The caller reads the answer's body."""
        response = await self.send(to_core(request))
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_AnswerStream(response),
            extensions=response.extensions,
        )

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """The same without httpx's objects; only the errors are httpx's."""
        try:
            with _as_httpx_errors():
                return await self._pool.handle_async_request(request)
        except httpx.ProxyError:
            await self._backend.close_newest()
            raise

    async def aclose(self) -> None:
        await self._pool.aclose()


class HttpClient(httpx.AsyncClient):
    """Also sends `direct` requests, by the same connections and the same rules."""

    def __init__(self, transport: AccountTransport, **options: Any) -> None:
        super().__init__(transport=transport, **options)
        self._direct = transport
        self._under_way = 0
        self._is_used = False

    async def send_direct(self, request: httpcore.Request) -> Reply:
        """Nothing is followed, and no cookie is kept. Close the reply."""
        if self.is_closed:
            raise RuntimeError("the connections of this account are closed")
        self._under_way += 1
        self._is_used = True
        try:
            response = await self._direct.send(request)
        except BaseException:
            self._under_way -= 1
            raise
        body = _AnswerStream(response)

        async def close() -> None:
            self._under_way -= 1
            await body.aclose()

        return Reply(response.status, response.headers, body, close)

    async def close_unused(self) -> None:
        """The connections; the client can be used on. Of `direct` requests only."""
        if not self._is_used and not self._under_way:
            await self._direct.aclose()
        self._is_used = False


def _pool(
    tls: ssl.SSLContext | None, proxy: httpx.Proxy | None, backend: ListeningBackend
) -> httpcore.AsyncConnectionPool:
    if proxy is None:
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=backend,
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
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=backend,
        )
    return httpcore.AsyncHTTPProxy(
        proxy_url=address,
        proxy_auth=proxy.raw_auth,
        proxy_headers=proxy.headers.raw,
        ssl_context=tls,
        proxy_ssl_context=tls if url.scheme == "https" else None,
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEEP_ALIVE_S,
        network_backend=backend,
    )


# The time to wait for a free connection. There are as many as lanes, so it is never long.
_POOL_TIMEOUT_S: Final = 60.0


def build_client(
    account: Account,
    key: str,
    settings: Settings,
    *,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> HttpClient:
    """A client that sends `key` as bearer to the account's address and to no other.

    Raises `AccountError` INVALID_ACCOUNT (address), UNUSABLE_SETTING (proxy),
    INVALID_KEY_FORMAT, or CERTIFICATES_UNREADABLE; none contains the key.
    """
    bearer = {"Authorization": f"Bearer {_checked_key(key)}"}
    return client_for(account.base_url, settings, headers={**bearer, **(headers or {})}, tls=tls)


def client_for(
    base_url: str,
    settings: Settings,
    *,
    headers: Mapping[str, str],
    tls: ssl.SSLContext | None = None,
) -> HttpClient:
    """A client for this address and no other. Raises as `build_client` does."""
    url = checked_address(base_url)
    for name in ("httpx", "httpcore"):
        # On lower levels they log whole addresses and every header.
        logging.getLogger(name).setLevel(logging.WARNING)
    secure = url.scheme == "https"
    return HttpClient(
        base_url=url,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "exai-desktop",
            **headers,
        },
        transport=AccountTransport(
            (tls or trusted(settings)) if secure else None, _proxy(url, settings)
        ),
        timeout=httpx.Timeout(
            connect=settings.connect_timeout_s,
            write=settings.write_timeout_s,
            read=settings.read_timeout_s,
            pool=_POOL_TIMEOUT_S,
        ),
        follow_redirects=False,
        trust_env=False,
    )


def checked_address(base_url: str) -> httpx.URL:
    """The account's address, if it may be used: https, or http to this computer."""
    try:
        url = httpx.URL(base_url)
        port_is_valid = url.port is None or 0 < url.port < 65_536
    except (httpx.InvalidURL, ValueError):
        raise AccountError(ErrorCode.INVALID_ACCOUNT, "the address cannot be read") from None
    if not url.host or url.userinfo or url.query or url.fragment or not port_is_valid:
        raise AccountError(
            ErrorCode.INVALID_ACCOUNT, "the address must be plain: https://host/path"
        )
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
        raise AccountError(ErrorCode.INVALID_ACCOUNT, "the address must begin with https://")
    return url


def _is_loopback(host: str) -> bool:
    """Only the full forms count: `127.1` or `0x7f000001` are tricks, not addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_key(key: str) -> str:
    if not key or not all("!" <= char <= "~" for char in key):
        raise AccountError(ErrorCode.INVALID_KEY_FORMAT)
    return key


def proxy_place(base_url: str, settings: Settings) -> str:
    """Host and port of the proxy for this address, without name and password; "" for none."""
    proxy = _proxy(checked_address(base_url), settings)
    if proxy is None:
        return ""
    return proxy.url.host if proxy.url.port is None else f"{proxy.url.host}:{proxy.url.port}"


def _proxy(url: httpx.URL, settings: Settings) -> httpx.Proxy | None:
    """The proxy of the setting, else of the system; none for an address on this computer.

    Raises UNUSABLE_SETTING for one that cannot be used, whatever the address: who asked for a
    proxy must not be sent past it.
    """
    proxy = _usable(settings.proxy, "proxy") if settings.proxy else _system_proxy(url)
    return None if _is_loopback(url.host) else proxy


def _usable(address: str, source: str) -> httpx.Proxy:
    try:
        password = proxy_password(address)
        proxy = httpx.Proxy(address)
    except (httpx.InvalidURL, ValueError):
        # The address is left out: it may contain a password.
        raise AccountError(
            ErrorCode.UNUSABLE_SETTING,
            f"{source}: it must be http://, https:// or socks5:// with host and port",
        ) from None
    for form in {password, unquote(password)}:
        register(form)
    return proxy


def _system_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Of the environment or the system's settings; none where these say so."""
    if urllib.request.proxy_bypass(url.host):
        return None
    known = urllib.request.getproxies()
    # For this computer none is used, but what is set is checked as for others.
    schemes = (url.scheme, "https") if _is_loopback(url.host) else (url.scheme,)
    found = [_first(known, scheme) for scheme in schemes]
    return found[0]


def _first(known: Mapping[str, str], scheme: str) -> httpx.Proxy | None:
    name = next((name for name in (scheme, "all", "socks") if known.get(name)), "")
    return _usable(_in_full(known[name], name), _source(name)) if name else None


def _in_full(address: str, name: str) -> str:
    """With a scheme: GNOME writes `socks://`, others host and port alone."""
    scheme, tie, rest = address.rpartition("://")
    if scheme.lower() == "socks" or (name == "socks" and scheme.lower() in ("", "http")):
        return f"socks5://{rest}"
    return address if tie else f"http://{rest}"


def _source(name: str) -> str:
    """Where a proxy of the system comes from, by the name that the user can look up."""
    for variable in (f"{name}_proxy", f"{name}_proxy".upper()):
        if os.environ.get(variable):
            return variable
    return "the proxy in the settings of the system"
