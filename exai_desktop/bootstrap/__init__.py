"""The one place that names concrete classes.

`cli.main` and `gui.app` call `open_service`; nobody else knows what is behind it.
"""

from exai_desktop.bootstrap.backups import present_profile, restore_backup, verify_backup
from exai_desktop.bootstrap.opening import open_service
from exai_desktop.bootstrap.profile_secrets import (
    new_passphrase,
    passphrase_for,
    settle_copy,
)
from exai_desktop.bootstrap.sandbox_process import serve_sandbox
from exai_desktop.config.resources import load_provider_table, resource_path

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
