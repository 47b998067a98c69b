"""The one place that names concrete classes.

`cli.main` and `gui.app` call `open_service`; nobody else knows what is behind it. Each name is
imported when it is first used: a verb that another process carries out needs no engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from exai_desktop.bootstrap.backups import present_profile, restore_backup, verify_backup
    from exai_desktop.bootstrap.diagnostics import make_report, save_report
    from exai_desktop.bootstrap.joining import open_service, place_for_stdin
    from exai_desktop.bootstrap.passphrases import new_passphrase, passphrase_for
    from exai_desktop.bootstrap.profile_secrets import settle_copy
    from exai_desktop.bootstrap.sandbox_process import serve_sandbox
    from exai_desktop.config.audit_signing import signature_fits
    from exai_desktop.config.background.menu_entries import file_managers
    from exai_desktop.config.passphrase import read_passphrase
    from exai_desktop.config.resources import load_provider_table, resource_path

_PLACES: Final = {
    "make_report": "bootstrap.diagnostics",
    "file_managers": "config.background.menu_entries",
    "load_provider_table": "config.resources",
    "new_passphrase": "bootstrap.passphrases",
    "open_service": "bootstrap.joining",
    "passphrase_for": "bootstrap.passphrases",
    "place_for_stdin": "bootstrap.joining",
    "present_profile": "bootstrap.backups",
    "read_passphrase": "config.passphrase",
    "resource_path": "config.resources",
    "restore_backup": "bootstrap.backups",
    "save_report": "bootstrap.diagnostics",
    "serve_sandbox": "bootstrap.sandbox_process",
    "settle_copy": "bootstrap.profile_secrets",
    "signature_fits": "config.audit_signing",
    "verify_backup": "bootstrap.backups",
}

__all__ = [
    "file_managers",
    "load_provider_table",
    "make_report",
    "new_passphrase",
    "open_service",
    "passphrase_for",
    "place_for_stdin",
    "present_profile",
    "read_passphrase",
    "resource_path",
    "restore_backup",
    "save_report",
    "serve_sandbox",
    "settle_copy",
    "signature_fits",
    "verify_backup",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"exai_desktop.{_PLACES[name]}"), name)
