"""The one place that names concrete classes.

`cli.main` and `gui.app` call `open_service`; nobody else knows what is behind it.
"""

from __future__ import annotations

from pathlib import Path

from exai_desktop.bootstrap.opening import open_service
from exai_desktop.bootstrap.profile_secrets import (
    new_passphrase,
    passphrase_for,
    settle_copy,
)
from exai_desktop.bootstrap.sandbox_process import serve_sandbox
from exai_desktop.config.resources import load_provider_table, resource_path
from exai_desktop.core.machine import BackupContent, Restored

__all__ = [
    "load_provider_table",
    "new_passphrase",
    "open_service",
    "passphrase_for",
    "present_profile",
    "resource_path",
    "restore_backup",
    "serve_sandbox",
    "settle_copy",
    "verify_backup",
]


# Late in each of these: few runs of the program have to do with backups.
def verify_backup(file: Path) -> BackupContent:
    from exai_desktop.bootstrap import backups

    return backups.verify_backup(file)


def present_profile() -> str:
    from exai_desktop.bootstrap import backups

    return backups.present_profile()


def restore_backup(file: Path, passphrase: str, vault_passphrase: str | None) -> Restored:
    from exai_desktop.bootstrap import backups

    return backups.restore_backup(file, passphrase, vault_passphrase)
