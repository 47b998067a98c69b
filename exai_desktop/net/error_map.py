"""From the HTTP library's exceptions to ours, by type; and the Retry-After header."""

from __future__ import annotations

import re
import ssl
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError

LONGEST_WAIT_S: Final = 24 * 3600.0
_SECONDS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")

# What each means while no byte of the body has left; the first that fits counts.
_NOTHING_SENT: Final[tuple[tuple[type[Exception], ErrorCode], ...]] = (
    (httpx.ConnectTimeout, ErrorCode.OFFLINE),
    (httpx.ConnectError, ErrorCode.OFFLINE),
    (httpx.ProxyError, ErrorCode.OFFLINE),
    (httpx.TimeoutException, ErrorCode.TIMEOUT),
    (TimeoutError, ErrorCode.TIMEOUT),
    # h11 refuses a header it cannot write, and only the key comes from outside.
    (httpx.LocalProtocolError, ErrorCode.INVALID_KEY_FORMAT),
    (UnicodeEncodeError, ErrorCode.INVALID_KEY_FORMAT),
    (httpx.TransportError, ErrorCode.NETWORK_ERROR),
    (OSError, ErrorCode.NETWORK_ERROR),
)
TRANSLATED: Final = (httpx.TransportError, OSError, UnicodeEncodeError)


def translate(error: Exception, sent: Sent) -> TransferError:
    """One of `TRANSLATED` as an error of ours. Its text is dropped: it may hold the key.

    Once bytes have left, a missing answer is a lost one, whatever took it away.
    """
    if isinstance(error, TransferError):
        return error
    detail = type(error).__name__
    if sent is Sent.NOTHING:
        if _is_tls(error):
            return TransferError(ErrorCode.TLS_FAILED, _tls_reason(error))
        code = next((c for kind, c in _NOTHING_SENT if isinstance(error, kind)), None)
        return TransferError(code or ErrorCode.NETWORK_ERROR, detail)
    if isinstance(error, httpx.LocalProtocolError) and sent is Sent.SOME:
        # More or fewer bytes than announced; the body stays incomplete.
        return TransferError(ErrorCode.FILE_CHANGED, sent=sent)
    return TransferError(ErrorCode.ANSWER_LOST, detail, sent=sent)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, 0 to 24 h; `now` in Unix seconds. None for what is not a waiting time."""
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT_S)
    if not text or not text.isascii() or text[0] in "+-0123456789":
        return None
    until = parse_date(text)
    return None if until is None else min(max(until - now, 0.0), LONGEST_WAIT_S)


def parse_date(text: str) -> float | None:
    """An HTTP date in Unix seconds, None for what is none."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _is_tls(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _tls_reason(error: BaseException) -> str:
    """The verifier's own words: they name the certificate's fault and nothing of ours."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return str(getattr(cause, "verify_message", "") or type(error).__name__)
    return type(error).__name__


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__
    return found
