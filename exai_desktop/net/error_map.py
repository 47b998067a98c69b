"""Translates the HTTP library's exceptions into ours, by their type."""

from __future__ import annotations

import ssl
from typing import Final

import httpx

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError


class ProxyLoginError(httpx.ProxyError):
    """The proxy asks for a name and password, or does not accept those it was given."""


class ProxyDenialError(httpx.ProxyError):
    """The proxy does not allow this connection."""


class ProxyGoneError(httpx.ProxyError):
    """There is no connection to the proxy, or what answers there is none."""


# The exceptions that `translate` takes.
NETWORK_EXCEPTIONS: Final = (
    httpx.TransportError,
    # An answer that names an address which is none: httpx reads it also when it does not go there.
    httpx.InvalidURL,
    OSError,
    UnicodeEncodeError,
)
# The code for each exception while no byte of the body has left; the first match counts.
_NOTHING_SENT: Final[tuple[tuple[type[Exception], ErrorCode], ...]] = (
    (httpx.ConnectTimeout, ErrorCode.OFFLINE),
    (httpx.ConnectError, ErrorCode.OFFLINE),
    (ProxyLoginError, ErrorCode.PROXY_AUTH_REQUIRED),
    (ProxyDenialError, ErrorCode.PROXY_REFUSED),
    (ProxyGoneError, ErrorCode.PROXY_UNREACHABLE),
    # The proxy itself cannot reach the provider.
    (httpx.ProxyError, ErrorCode.OFFLINE),
    (httpx.TimeoutException, ErrorCode.TIMEOUT),
    (TimeoutError, ErrorCode.TIMEOUT),
    (httpx.InvalidURL, ErrorCode.INVALID_ANSWER),
    # h11 refuses a header that it cannot write. Only the key comes from outside.
    (httpx.LocalProtocolError, ErrorCode.INVALID_KEY_FORMAT),
    (UnicodeEncodeError, ErrorCode.INVALID_KEY_FORMAT),
    (httpx.TransportError, ErrorCode.NETWORK_ERROR),
    (OSError, ErrorCode.NETWORK_ERROR),
)


# What the system says of a certificate whose issuer it does not know.
_UNKNOWN_ISSUER: Final = frozenset(
    {
        2,  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
        18,  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        19,  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
        20,  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        21,  # X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
        -67_843,  # errSecNotTrusted, of macOS
        0x800B0109,  # CERT_E_UNTRUSTEDROOT, of Windows
        0x800B010A,  # CERT_E_CHAINING
    }
)


def translate(error: Exception, sent: Sent, proxy: str = "") -> TransferError:
    """Our error for one of `NETWORK_EXCEPTIONS`. Its text is dropped: it may contain the key.

    `proxy` is the host and port of the proxy that was to be used, without name and password.

    Once the whole body has left, a missing answer counts as lost, whatever the exception is. Before
    its end the body is cut: the provider cannot have stored it.
    """
    if isinstance(error, TransferError):
        return error
    detail = type(error).__name__
    if sent is Sent.NOTHING:
        through = f"; through the proxy {proxy}" if proxy else ""
        if isinstance(error, httpx.ProxyError):
            # Its text is ours: see `http_client`.
            detail = str(error)
        elif _is_tls(error):
            return TransferError(_tls_code(error), _tls_reason(error) + through)
        detail += through
        code = next((c for kind, c in _NOTHING_SENT if isinstance(error, kind)), None)
        return TransferError(code or ErrorCode.NETWORK_ERROR, detail)
    if isinstance(error, httpx.LocalProtocolError) and sent is Sent.SOME:
        # The file has more or fewer bytes than announced, so the body stays incomplete.
        return TransferError(ErrorCode.FILE_CHANGED, sent=sent)
    code = ErrorCode.ANSWER_LOST if sent is Sent.ALL else ErrorCode.UPLOAD_CUT
    return TransferError(code, detail, sent=sent)


def _is_tls(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _tls_code(error: BaseException) -> ErrorCode:
    known = [getattr(c, "verify_code", 0) for c in _causes(error) if isinstance(c, ssl.SSLError)]
    is_unknown = not _UNKNOWN_ISSUER.isdisjoint(known)
    return ErrorCode.CERTIFICATE_UNKNOWN if is_unknown else ErrorCode.TLS_FAILED


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
