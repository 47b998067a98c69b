"""Requests and answers as httpcore has them, without httpx's objects around them.

Those cost about as much as the sending of a small file: addresses taken apart, cookies looked for,
redirects prepared, all for a client that follows none. What leaves and what counts is the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import httpcore
import httpx

Pairs = list[tuple[bytes, bytes]]


def texts_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names in lower case; of one name, all values with commas between."""
    raw = list(raw)
    try:
        pairs = [(name.decode(), value.decode()) for name, value in raw]
    except UnicodeDecodeError:
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


class Reply:
    """An answer whose headers have come. `pieces` gives its body once; then `close` it."""

    def __init__(
        self,
        status: int,
        raw_headers: Pairs,
        pieces: AsyncIterable[bytes],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.status = status
        self.header_count = len(raw_headers)
        self.headers: Mapping[str, str] = texts_of(raw_headers)
        self.pieces = pieces
        self.close = close


def from_httpx(response: httpx.Response) -> Reply:
    """Of a client that follows httpx's own way."""
    return Reply(response.status_code, response.headers.raw, response.aiter_raw(), response.aclose)


def to_core(request: httpx.Request) -> httpcore.Request:
    """The same request for httpcore."""
    assert isinstance(request.stream, httpx.AsyncByteStream)
    return httpcore.Request(
        method=request.method,
        url=_address(request.url),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _address(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


# In their place, and in this order, the headers of each body are written.
PLACES: Final = {"Content-Type": "", "Content-Length": "0"}


class UploadHead:
    """The head of all uploads to one path: only type and length of the body are others each time.

    Made from a request that httpx has built with `PLACES` as its headers.
    """

    def __init__(self, request: httpx.Request) -> None:
        self._method = request.method
        self._url = _address(request.url)
        self._headers: Pairs = request.headers.raw
        self._extensions: dict[str, Any] = request.extensions

    def request(
        self, body: AsyncIterable[bytes], content_type: str, length: int
    ) -> httpcore.Request:
        given = {b"content-type": content_type.encode(), b"content-length": b"%d" % length}
        return httpcore.Request(
            self._method,
            self._url,
            headers=[(name, given.get(name.lower(), value)) for name, value in self._headers],
            content=body,
            extensions=self._extensions,
        )
