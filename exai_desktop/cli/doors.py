"""What the verbs may open: told by the entry, so that no verb knows how an engine is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from exai_desktop.core.machine import BackupContent, FileManagerEntry, Restored
    from exai_desktop.core.service import UploadService

    OpenService = Callable[[bool, str | None], AbstractAsyncContextManager[UploadService]]
    Ask = Callable[[], str]


# Where the option that every verb has is noted; see `cli.main`.
PASSPHRASE_FILE: Final = "exai-desktop passphrase file"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class SecretDoors:
    """How a verb gets a passphrase, and settles what a copied profile is. All may ask or block."""

    passphrase: Callable[[Path | None, Ask | None], str | None]
    # A file, a key file, and whether the vault is yet to be made.
    new_passphrase: Callable[[Path | None, Path | None, Ask | None, bool], tuple[str, str]]
    settle_copy: Callable[[str, str | None], str]
    # The first line of a file that no other user can read; the text says what it is, for errors.
    read: Callable[[Path, str], str]


@dataclass(frozen=True, slots=True)
class BackupDoors:
    """What needs no engine of a backup. All block."""

    verify: Callable[[Path], BackupContent]
    # The folder of the profile that a restore would replace, "" for none.
    present_profile: Callable[[], str]
    # The file, the passphrase of its keys ("": without them), and that of the present vault.
    restore: Callable[[Path, str, str | None], Restored]


@dataclass(frozen=True, slots=True)
class DiagnosticsDoors:
    """The report for somebody who helps. `save` blocks."""

    # `bootstrap.diagnostics.make_report`: the service (None: not opened), and what to leave out.
    make: Callable[..., Awaitable[str]]
    save: Callable[[str, Path], None]


@dataclass(frozen=True, slots=True)
class Doors:
    """`cli.main` fills it from `bootstrap`."""

    # Whether against the built-in sandbox, and the passphrase of the vault.
    open_service: OpenService
    serve_sandbox: Callable[..., None]
    # Where a copy of standard input may lie, and its most bytes.
    place_for_stdin: Callable[[bool], tuple[Path, int]]
    secrets: SecretDoors
    # Whether a signature of a text is of a public key.
    signature_fits: Callable[[str, bytes, str], bool]
    backups: BackupDoors
    diagnostics: DiagnosticsDoors
    # A file or folder that comes with the program.
    resource: Callable[..., Path]
    # `look`, `install` or `remove`: the entries in file managers.
    file_managers: Callable[[str], list[FileManagerEntry]]


def doors(ctx: typer.Context) -> Doors:
    """Those of this run of the command line."""
    found = ctx.find_root().obj
    assert isinstance(found, Doors)
    return found
