"""Exceptions of the HTTP library, and Retry-After, in our words."""

from __future__ import annotations

import math
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.net.account_client import MAX_RETRY_AFTER_S, parse_retry_after
from exai_desktop.net.error_map import NETWORK_EXCEPTIONS, translate

E = ErrorCode
NOW = 1_790_000_000.0


def _tls(error: ssl.SSLError) -> httpx.ConnectError:
    outer, inner = httpx.ConnectError("x"), OSError("between")
    outer.__cause__, inner.__cause__ = inner, error
    return outer


ERRORS: dict[str, tuple[Exception, ErrorCode]] = {
    "refused or no such name": (httpx.ConnectError("x"), E.OFFLINE),
    "slow to connect": (httpx.ConnectTimeout("x"), E.OFFLINE),
    "proxy": (httpx.ProxyError("407"), E.OFFLINE),
    "no free connection": (httpx.PoolTimeout("x"), E.TIMEOUT),
    "nothing to read": (httpx.ReadTimeout("x"), E.TIMEOUT),
    "nothing taken": (httpx.WriteTimeout("x"), E.TIMEOUT),
    "deadline": (TimeoutError(), E.TIMEOUT),
    "reset": (httpx.ReadError("x"), E.NETWORK_ERROR),
    "broken pipe": (httpx.WriteError("x"), E.NETWORK_ERROR),
    "hung up": (httpx.RemoteProtocolError("x"), E.NETWORK_ERROR),
    "scheme": (httpx.UnsupportedProtocol("x"), E.NETWORK_ERROR),
    "socket": (OSError("x"), E.NETWORK_ERROR),
    "header": (httpx.LocalProtocolError("Illegal header value b'sk-1'"), E.INVALID_KEY_FORMAT),
    "key": (UnicodeEncodeError("ascii", "ключ", 0, 1, "x"), E.INVALID_KEY_FORMAT),
    "handshake": (_tls(ssl.SSLError("x")), E.TLS_FAILED),
    "certificate": (_tls(ssl.SSLCertVerificationError("x")), E.TLS_FAILED),
}


@pytest.mark.parametrize("name", ERRORS)
def test_before_the_first_byte_the_reason_counts(name: str) -> None:
    error, code = ERRORS[name]
    assert isinstance(error, NETWORK_EXCEPTIONS)
    failure = translate(error, Sent.NOTHING)
    assert (failure.code, failure.sent, failure.is_answer) == (code, Sent.NOTHING, False)
    assert "sk-1" not in str(failure)


@pytest.mark.parametrize("sent", [Sent.SOME, Sent.ALL])
@pytest.mark.parametrize("name", ERRORS)
def test_after_it_a_body_is_cut_or_its_answer_lost(name: str, sent: Sent) -> None:
    error, _ = ERRORS[name]
    failure = translate(error, sent)
    assert (failure.sent, failure.is_answer) == (sent, False)
    if name == "header" and sent is Sent.SOME:
        assert failure.code is E.FILE_CHANGED  # the library counts the announced length
        return
    is_cut = sent is Sent.SOME
    assert failure.code is (E.UPLOAD_CUT if is_cut else E.ANSWER_LOST)
    assert failure.outcome is (Outcome.UNAVAILABLE if is_cut else Outcome.UNCERTAIN)


def test_our_own_errors_pass_as_they_are() -> None:
    own = TransferError(E.FILE_CHANGED, sent=Sent.SOME)
    assert translate(own, Sent.ALL) is own


def test_a_circle_of_causes_ends() -> None:
    first, second = httpx.ReadError("x"), OSError("x")
    first.__cause__, second.__cause__ = second, first
    assert translate(first, Sent.NOTHING).code is E.NETWORK_ERROR


WAITS: dict[str | None, float | None] = {
    None: None,
    "": None,
    "0": 0.0,
    "7": 7.0,
    " 7 ": 7.0,
    "1.5": 1.5,
    "600": 600.0,
    "86401": MAX_RETRY_AFTER_S,
    "999999999999": MAX_RETRY_AFTER_S,
    "9" * 400: None,
    "-1": None,
    "+1": None,
    "1e3": None,
    "nan": None,
    "inf": None,
    "-inf": None,
    "٣": None,
    "7 s": None,
    "soon": None,
    "Wed, 32 Nov 2026 10:00:00 GMT": None,
    "Wed, 18 Nov 99999999999 10:00:00 GMT": None,
    formatdate(NOW + 90, usegmt=True): 90.0,
    formatdate(NOW - 90, usegmt=True): 0.0,
    formatdate(NOW + 9e6, usegmt=True): MAX_RETRY_AFTER_S,
    format_datetime(datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=5)): 5.0,
    # A zone of -0000 means "no idea": taken as UTC.
    formatdate(NOW + 90): 90.0,
}


@pytest.mark.parametrize("value", WAITS)
def test_retry_after(value: str | None) -> None:
    assert parse_retry_after(value, NOW) == WAITS[value]


@given(
    st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} .{0,20}")
)
def test_no_header_breaks_it(value: str) -> None:
    wait = parse_retry_after(value, NOW)
    assert wait is None or (math.isfinite(wait) and 0 <= wait <= MAX_RETRY_AFTER_S)


def test_the_http_library_brings_no_command_line() -> None:
    """4 MiB that a signed-in program would hold for nothing."""
    code = (
        "import sys, exai_desktop.net.project_client;"
        "print([m for m in sys.modules if m.partition('.')[0] in ('rich', 'click', 'pygments')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_answer_with_an_address_that_is_none() -> None:
    error = translate(httpx.InvalidURL("not an address"), Sent.NOTHING)
    assert (error.code, error.detail) == (ErrorCode.INVALID_ANSWER, "InvalidURL")
    assert isinstance(httpx.InvalidURL("x"), NETWORK_EXCEPTIONS)
