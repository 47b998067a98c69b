"""What is wrong between this computer and the provider is named: the proxy, or whom one trusts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import WAY_CLOSED, ErrorCode, Outcome, Retry
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.errors.tree import AccountError, Sent, TransferError
from exai_desktop.core.settings import Settings
from exai_desktop.net.account_client import AccountClient
from tests.proxies import (
    Authority,
    Deed,
    Opening,
    answering,
    listening,
    socks_saying,
    socks_with_login,
)

E = ErrorCode
HOST = "api.example.com"
LOGIN = "me:s3cret-word"


@pytest.fixture(autouse=True)
def _own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def client_of(proxy: str, extra_ca: str = "") -> AccountClient:
    settings = Settings.model_validate(
        {"proxy": proxy, "extra_ca": extra_ca, "connect_timeout_s": 30}
    )
    return AccountClient(Account("t", "kimi", "intl", f"https://{HOST}/v1"), "sk-key", settings)


async def asked(proxy: str, extra_ca: str = "") -> TransferError | None:
    """What a question to the account ends with; None: it was answered."""
    client = client_of(proxy, extra_ca)
    try:
        await client.ask("GET", "files")
    except TransferError as raised:
        error = raised
    else:
        return None
    finally:
        await client.close()
    assert error.sent is Sent.NOTHING
    shown = str(error) + repr(error.__cause__) + repr(error.__context__)
    assert not [word for word in ("sk-", "s3cret", "me:") if word in shown], shown
    return error


def garbage(connection: socket.socket) -> None:
    connection.recv(64)
    connection.sendall(b"HTTP/1.1 400 no\r\n\r\n")


ASKS = answering("407 Proxy Authentication Required")
NO_LOGIN, WITH_LOGIN = "", f"{LOGIN}@"
REFUSALS: dict[str, tuple[str, str, Deed, ErrorCode, str]] = {
    "asks": ("http", NO_LOGIN, ASKS, E.PROXY_AUTH_REQUIRED, "name and password"),
    "another": ("http", WITH_LOGIN, ASKS, E.PROXY_AUTH_REQUIRED, "name and password"),
    "forbids": ("http", WITH_LOGIN, answering("403 No"), E.PROXY_REFUSED, "answered 403"),
    "cannot": ("http", WITH_LOGIN, answering("502 Bad"), E.OFFLINE, "answered 502"),
    "nonsense": ("http", WITH_LOGIN, answering("999 ?"), E.PROXY_REFUSED, "answered 999"),
    "SOCKS asks": ("socks5", NO_LOGIN, socks_with_login, E.PROXY_AUTH_REQUIRED, "name and"),
    "SOCKS another": ("socks5", WITH_LOGIN, socks_with_login, E.PROXY_AUTH_REQUIRED, "name and"),
    "SOCKS forbids": ("socks5", NO_LOGIN, socks_saying(2), E.PROXY_REFUSED, "rules"),
    "SOCKS cannot": ("socks5", NO_LOGIN, socks_saying(4), E.OFFLINE, "cannot connect"),
    "no SOCKS": ("socks5", NO_LOGIN, garbage, E.PROXY_UNREACHABLE, "not a SOCKS5 proxy"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_a_proxy_says_has_its_own_code(case: str) -> None:
    scheme, login, deed, code, words = REFUSALS[case]
    with listening(deed) as place:
        error = await asked(f"{scheme}://{login}{place}")
    assert error is not None
    assert error.code is code
    assert words in error.detail
    assert error.detail.endswith(f"through the proxy {place}")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_not_there_is_not_the_providers_fault(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
    error = await asked(f"{scheme}://{LOGIN}@{place}")
    assert error is not None
    assert error.code is E.PROXY_UNREACHABLE
    assert place in error.detail


def test_none_of_these_is_asked_again_and_again_in_vain() -> None:
    """What only people can mend is reported at once; a proxy that is down may come back."""
    kinds = {code: CODES[code].retry for code in WAY_CLOSED}
    assert kinds.pop(E.PROXY_UNREACHABLE) is Retry.LATER
    assert set(kinds.values()) == {Retry.ASK}
    assert {CODES[code].outcome for code in WAY_CLOSED} == {Outcome.UNAVAILABLE}


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def says_ok(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(OK)


async def test_a_proxy_with_its_own_authority_works_once_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    with listening(says_ok) as upstream:
        opening = Opening(authority, f"http://{upstream}", LOGIN)
        with listening(opening) as place:
            proxy = f"http://{LOGIN}@{place}"
            error = await asked(proxy)
            assert error is not None
            assert error.code is E.CERTIFICATE_UNKNOWN
            assert f"through the proxy {place}" in error.detail
            assert opening.opened == 0, "nothing may be sent over it"

            assert await asked(proxy, str(authority.file)) is None
            assert opening.opened == 1

            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
            assert await asked(proxy) is None
            # Added to the others: one more authority takes none away.
            other = Authority(tmp_path / "other")
            assert await asked(proxy, str(other.file)) is None
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.file))
            assert await asked(proxy, str(authority.file)) is None


async def test_a_certificate_for_another_name_is_not_a_matter_of_trust(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    opening = Opening(authority, "http://127.0.0.1:1", shown="other.example.com")
    with listening(opening) as place:
        error = await asked(f"http://{place}", str(authority.file))
    assert error is not None
    assert error.code is E.TLS_FAILED
    assert "Hostname mismatch" in error.detail
    assert opening.opened == 0


def _without(folder: Path) -> dict[str, str]:
    (folder / "letter.pem").write_text("Dear Sir\n")
    return {
        "gone.pem": "ENOENT",
        "letter.pem": "no certificate",
        "letter.pem/under": "ENOTDIR",
        "x" * 300: "ENAMETOOLONG",
        "nul\0": "not a path",
    }


@pytest.mark.parametrize("name", ["gone.pem", "letter.pem", "letter.pem/under", "x" * 300, "nul\0"])
def test_certificates_that_cannot_be_read_stop_everything(tmp_path: Path, name: str) -> None:
    path, word = str(tmp_path / name), _without(tmp_path)[name]
    for _ in range(2):  # the failure is not remembered as a success
        with pytest.raises(AccountError, match="CERTIFICATES_UNREADABLE") as caught:
            client_of("", path)
        assert caught.value.detail.startswith("extra_ca: ")
        assert word in caught.value.detail


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_variable_that_names_a_missing_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "gone.pem"))
    with pytest.raises(AccountError, match=f"CERTIFICATES_UNREADABLE.*{variable}: .*ENOENT"):
        client_of("")


async def test_a_folder_of_certificates_is_taken(tmp_path: Path) -> None:
    client = client_of("", str(tmp_path))
    await client.close()
