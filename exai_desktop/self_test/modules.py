"""Self-test: every module of the program, and every module of a library that it uses."""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import exai_desktop
from exai_desktop.cli.main import VERBS
from exai_desktop.self_test.run import CheckFailedError

# Also what is imported late. tests/e2e/test_self_test.py compares it with the program's imports.
LIBRARIES: Final = (
    *("PySide6.QtCore", "PySide6.QtDBus", "PySide6.QtGui", "PySide6.QtSvg", "PySide6.QtWidgets"),
    "shiboken6",
    *("charset_normalizer", "filelock", "h11", "platformdirs", "psutil", "pydantic", "pypdf"),
    "cryptography.exceptions",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.hashes",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.kdf.scrypt",
    *("httpcore", "httpx", "sniffio", "socksio", "truststore"),
    *("keyring.backend", "keyring.backends.chainer", "keyring.backends.fail"),
    *("python_multipart.exceptions", "python_multipart.multipart"),
    *("qasync", "rich.console", "rich.measure", "rich.table", "rich.text"),
    *("sqlite_utils.migrations", "typer.completion", "typer.core", "typer.main", "typer.models"),
    *("starlette.datastructures", "starlette.middleware.trustedhost", "starlette.responses"),
    *("starlette.types", "uvicorn", "uvicorn.protocols.http.h11_impl"),
    *("pathspec", "watchfiles._rust_notify"),
)
OF_SYSTEM: Final = {
    "linux": (
        *("jeepney.io.asyncio", "jeepney.io.blocking", "keyring.backends.SecretService"),
        *("secretstorage.collection", "secretstorage.util"),
    ),
    "darwin": ("keyring.backends.macOS",),
    "win32": ("keyring.backends.Windows",),
}
# The package extras: absent is no failure, unless the program was frozen with them.
EXTRAS: Final = (
    *("openai", "zai", "prometheus_client.exposition"),
    *("redis.asyncio", "redis.credentials", "redis.exceptions"),
)


def modules(_home: Path) -> str:
    """Imports them all; every verb of the command line must be among them."""
    own = [found.name for found in pkgutil.walk_packages(exai_desktop.__path__, "exai_desktop.")]
    if len(own) < len(VERBS):
        raise CheckFailedError(f"only {len(own)} modules of the program are there")
    libraries = (*LIBRARIES, *OF_SYSTEM.get(sys.platform, ()))
    # The libraries first: what is broken in one is said of it, not of whoever imports it.
    for name in (*libraries, *own):
        _import(name)
    for place, _ in VERBS.values():
        module, _, name = place.partition(":")
        getattr(import_module(f"exai_desktop.cli.{module}"), name)
    absent = [name for name in EXTRAS if not _is_there(name)]
    extras = f", without {', '.join(absent)}" if absent else " and all extras"
    return f"{len(own)} of the program, {len(libraries)} of libraries{extras}"


def _import(name: str) -> None:
    try:
        import_module(name)
    except Exception as error:
        raise CheckFailedError(f"{name}: {type(error).__name__}: {error}") from error


def _is_there(name: str) -> bool:
    """Raises CheckFailedError when it is there and cannot be used."""
    try:
        import_module(name.partition(".")[0])
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0] or getattr(sys, "frozen", False):
            raise CheckFailedError(f"{name}: {error}") from error
        return False
    _import(name)
    return True
