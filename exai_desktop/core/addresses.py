"""Addresses of servers that passwords belong to: the proxy and a shared Redis. Pure.

No error has the address in it: it may contain a password.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

# Settings with an address whose password is kept in the key store.
WITH_PASSWORD: Final = ("proxy", "redis_url")

_LONGEST_PASSWORD: Final = 512

# Whatever else belongs into a name or password is written as %40 and the like: so that what
# masks passwords always finds their end.
_IN_PROXY: Final = r"[^\s/?#@\"'<>\\:]"
_PROXY: Final = re.compile(
    rf"(?P<scheme>https?|socks5h?)://(?:(?P<name>{_IN_PROXY}+)(?::(?P<password>{_IN_PROXY}*))?@)?"
    rf"(?P<host>{_IN_PROXY}+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?/?",
    re.IGNORECASE,
)


def _proxy(address: str) -> re.Match[str]:
    match = _PROXY.fullmatch(address)
    if match is None or int(match["port"] or 1) not in range(1, 65_536):
        raise ValueError("it must be http://, https:// or socks5:// with host and port")
    return match


def proxy_password(address: str) -> str:
    """The password in a proxy's address, "" without one.

    Raises ValueError for what is no such address.
    """
    return _proxy(address)["password"] or ""


def proxy_with(address: str, password: str) -> str:
    """The address with this password, if it names somebody and has no password of its own."""
    match = _proxy(address)
    if not password or not match["name"] or match["password"] is not None:
        return address
    end = match.end("name")
    return f"{address[:end]}:{quote(password, safe='')}{address[end:]}"


_TLS_CHECKS: Final = frozenset({"ssl_cert_reqs", "ssl_check_hostname", "ssl_ciphers"})
# Files that add to what is checked: the authority of a company, a certificate of our own.
_TLS_FILES: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_LOGIN: Final = frozenset({"username", "password"})


def check_redis(url: str) -> None:
    """Raises ValueError for an address that is none, says a password, or weakens the line."""
    parts = _split(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("it must begin with redis://, rediss:// or unix://")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.username or parts.password or _LOGIN & options.keys():
        raise ValueError(
            "the password must not be here: keep it by `setting set-secret redis_url`, or give it"
            " in EXAI_DESKTOP_REDIS_PASSWORD"
        )
    if parts.scheme == "redis" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("another computer is reached by rediss:// only")
    if _TLS_CHECKS & options.keys():
        raise ValueError("the certificate of the server is always checked: leave out that option")
    known = {"db"} | (_TLS_FILES if parts.scheme == "rediss" else frozenset())
    if not options.keys() <= known:
        raise ValueError(
            f"it has an option that is not allowed; allowed: {', '.join(sorted(known))}"
        )
    if not _is_number(options.get("db", "0")) or not all(options.values()) or parts.fragment:
        raise ValueError("it has an option without a value, or one that cannot be used")
    if parts.scheme == "unix":
        if parts.netloc or len(parts.path) < 2:
            raise ValueError("it must be unix:// with the path of a socket")
    elif not parts.hostname or parts.port == 0 or not _is_number(parts.path.strip("/") or "0"):
        raise ValueError("it must be rediss://HOST:PORT/NUMBER")


def _split(url: str) -> SplitResult:
    """Its errors have parts of the address in them: they are replaced."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("it cannot be read: host and port are not as they should be") from None
    return parts


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def password_place(setting: str, address: str) -> str:
    """What a password for this setting belongs to. Raises ValueError when it can have none."""
    if setting == "proxy":
        match = _proxy(address)
        if not match["name"]:
            raise ValueError("write the name before the host in its address, with @ between them")
        port = f":{match['port']}" if match["port"] else ""
        return f"{match['scheme'].lower()}://{match['name']}@{match['host'].lower()}{port}"
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}"


def checked_password(password: str) -> str:
    """Without the end of a line. Raises ValueError, never with the password."""
    password = password.rstrip("\r\n")
    if not password:
        raise ValueError("the password is empty")
    if len(password) > _LONGEST_PASSWORD or not password.isprintable():
        raise ValueError(
            f"the password is longer than {_LONGEST_PASSWORD} characters, or cannot be printed"
        )
    return password
