"""Translates the HTTP library's exceptions into ours, by their type."""

from __future__ import annotations

import ssl
from typing import Final

import httpx

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError

# The exceptions that `translate` takes.
NETWORK_EXCEPTIONS: Final = (httpx.TransportError, OSError, UnicodeEncodeError)
# The code for each exception while no byte of the body has left; the first match counts.
_NOTHING_SENT: Final[tuple[tuple[type[Exception], ErrorCode], ...]] = (
    (httpx.ConnectTimeout, ErrorCode.OFFLINE),
    (httpx.ConnectError, ErrorCode.OFFLINE),
    (httpx.ProxyError, ErrorCode.OFFLINE),
    (httpx.TimeoutException, ErrorCode.TIMEOUT),
    (TimeoutError, ErrorCode.TIMEOUT),
    # h11 refuses a header that it cannot write. Only the key comes from outside.
    (httpx.LocalProtocolError, ErrorCode.INVALID_KEY_FORMAT),
    (UnicodeEncodeError, ErrorCode.INVALID_KEY_FORMAT),
    (httpx.TransportError, ErrorCode.NETWORK_ERROR),
    (OSError, ErrorCode.NETWORK_ERROR),
)


def translate(error: Exception, sent: Sent) -> TransferError:
    """Our error for one of `NETWORK_EXCEPTIONS`. Its text is dropped: it may contain the key.

    Once bytes have left, a missing answer counts as lost, whatever the exception is.
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
        # The file has more or fewer bytes than announced, so the body stays incomplete.
        return TransferError(ErrorCode.FILE_CHANGED, sent=sent)
    return TransferError(ErrorCode.ANSWER_LOST, detail, sent=sent)


def _is_tls(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _tls_reason(error: BaseException) -> str:
    """The words of the certificate check. They name the fault and contain nothing of ours."""
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
