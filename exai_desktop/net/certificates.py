"""The certificates that are trusted: those of the system, and the user's own in addition.

A network that opens secure connections signs them by an authority of its own. The user names it
by the setting `extra_ca` or, as other programs do, by REQUESTS_CA_BUNDLE.
"""

from __future__ import annotations

import errno
import functools
import os
import ssl
import sys
from pathlib import Path
from typing import Final

import truststore

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.settings import Settings

_BUNDLE: Final = "REQUESTS_CA_BUNDLE"
# OpenSSL reads it by itself. It passes over a file that is not there, and then trusts others.
_INSTEAD: Final = "SSL_CERT_FILE"


def trusted(settings: Settings) -> ssl.SSLContext:
    """TLS 1.2 and later. Raises CERTIFICATES_UNREADABLE for a file that cannot be used."""
    if sys.platform == "linux" and (instead := os.environ.get(_INSTEAD, "")):
        _check(_INSTEAD, instead)
    given = ((_BUNDLE, os.environ.get(_BUNDLE, "")), ("extra_ca", settings.extra_ca))
    return _context(tuple((name, path) for name, path in given if path))


@functools.cache
def _context(more: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    """Made once: it takes some 35 ms. A failure is not kept."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for name, path in more:
        _check(name, path)
        try:
            # A folder holds files named by OpenSSL's hash of the subject.
            in_folder = Path(path).is_dir()
            context.load_verify_locations(
                cafile=None if in_folder else path, capath=path if in_folder else None
            )
        except ssl.SSLError:
            raise _unreadable(name, path, "it contains no certificate") from None
        except OSError as error:
            raise _unreadable(name, path, _words(error)) from None
    return context


def _check(name: str, path: str) -> None:
    """OpenSSL does not say why it could not open a file."""
    try:
        if not Path(path).is_dir():
            with Path(path).open("rb"):
                pass
    except (OSError, ValueError) as error:
        raise _unreadable(name, path, _words(error)) from None


def _words(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return f"{os.strerror(number)} ({errno.errorcode[number]})" if number else "not a path"


def _unreadable(name: str, path: str, why: str) -> AccountError:
    return AccountError(ErrorCode.CERTIFICATES_UNREADABLE, f"{name}: {path}: {why}")
