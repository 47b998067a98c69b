"""Self-test: what the engine needs of this machine and of the libraries it came with."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from exai_desktop.config.keyring_backends import is_unlocked, secure_backend
from exai_desktop.config.resources import load_provider_table, resource_path
from exai_desktop.config.secret_store import KeyringStore
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.settings import Settings
from exai_desktop.engine.files.file_checks import ask_guarded, child_command
from exai_desktop.engine.files.open_file import open_regular
from exai_desktop.net.certificates import trusted
from exai_desktop.self_test.run import CheckFailedError, CheckSkippedError
from exai_desktop.storage.sqlite.driver import create_private, library_version, open_cache

# What comes with the program, and the fewest files of it.
_FOLDERS: Final = {"icons": 30, "samples": 15, "style": 5, "supabase": 3}
_SEARCH: Final = (
    "CREATE VIRTUAL TABLE found USING fts5(text, tokenize='trigram')",
    "INSERT INTO found VALUES ('a report about the harbour')",
    "INSERT INTO found VALUES ('第三季度报告')",
)
# It reads a small file; a cold disk and a busy machine are no failure.
_PDF_S: Final = 120.0


def resources(_home: Path) -> str:
    """The tables can be read, and the folders are complete."""
    providers = len(load_provider_table().providers)
    for name, least in _FOLDERS.items():
        folder = resource_path(name)
        count = sum(1 for path in folder.rglob("*") if path.is_file())
        if count < least:
            raise CheckFailedError(f"{folder}: {count} files, there should be {least}")
    return f"{resource_path()}: {providers} providers, {', '.join(_FOLDERS)}"


def certificates(_home: Path) -> str:
    """This system's certificates are found: without one, no provider can be reached."""
    context = trusted(Settings())
    if sys.platform != "linux":
        return f"{ssl.OPENSSL_VERSION}; the system verifies them"
    # They are looked for when a connection begins; this one has nobody at its other end.
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, suppress(OSError):
        context.wrap_socket(ours, server_hostname="localhost")
    # The library does not tell what it has found; the context of the system inside it does.
    found = vars(context)["_ctx"].cert_store_stats()["x509_ca"]
    folder = ssl.get_default_verify_paths().capath
    if not found and folder:
        # Those of a folder are read one by one, when they are needed.
        found = sum(1 for path in Path(folder).glob("*.[0-9]"))
    if not found:
        raise CheckFailedError("no certificate of this system was found; install ca-certificates")
    return f"{ssl.OPENSSL_VERSION}; {found} authorities of this system"


def keyring(_home: Path) -> str:
    """A key goes in and comes back. A machine without a keyring has the vault."""
    backend = secure_backend()
    if backend is None:
        raise CheckSkippedError("no keyring answers here; keys can be kept in a vault")
    if is_unlocked(backend) is False:
        raise CheckSkippedError("the keyring is locked")
    store, name, value = KeyringStore("self-test"), secrets.token_hex(8), secrets.token_hex(16)
    store.set(name, value)
    try:
        if store.get(name) != value:
            raise CheckFailedError(f"{store.kind}: what was put in did not come back")
    finally:
        store.delete(name)
    return store.kind


def vault(home: Path) -> str:
    """Opens with the right passphrase, and with no other."""
    store, passphrase = VaultStore(home / "vault"), secrets.token_hex(8)
    store.create(passphrase, "", {"name": "value"})
    if VaultStore(home / "vault").contents(passphrase) != {"name": "value"}:
        raise CheckFailedError("what was put in did not come back")
    try:
        store.contents(f"{passphrase}0")
    except AccountError as error:
        if error.code is ErrorCode.WRONG_PASSPHRASE:
            return "AES-256-GCM, scrypt"
        raise
    raise CheckFailedError("it opened with a wrong passphrase")


def database(home: Path) -> str:
    """SQLite with its full-text search."""
    file = home / "search.db"
    create_private(file)
    with closing(open_cache(file)) as connection:
        for statement in _SEARCH:
            connection.execute(statement)
        for word in ("harbour", "季度报"):
            rows = connection.execute("SELECT * FROM found WHERE found MATCH ?", (word,))
            if len(rows.fetchall()) != 1:
                raise CheckFailedError(f"the search for {word} found another number than one")
    return f"SQLite {library_version()} with full-text search"


def pdf(home: Path) -> str:
    """The guarded child opens an encrypted PDF that has no password to open it."""
    from pypdf import PdfWriter  # late: only for this check

    writer, file = PdfWriter(), home / "encrypted.pdf"
    writer.add_blank_page(100, 100)
    writer.encrypt("", "owner", algorithm="AES-256")
    writer.write(file)
    with _asked(file) as answer:
        if answer is None or answer.get("opens") is not True:
            raise CheckFailedError(f"the child that reads PDF files answers {answer}")
        confined = answer.get("is_confined")
    return f"checked by a child that is {'confined' if confined else 'not confined'}"


@contextmanager
def _asked(file: Path) -> Iterator[dict[str, object] | None]:
    with closing(open_regular(str(file))) as opened:
        yield asyncio.run(ask_guarded(child_command(), opened, _PDF_S))
