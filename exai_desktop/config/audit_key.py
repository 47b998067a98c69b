"""The audit trail's key, in the keyring or else in a file, and the file with its anchor."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.credentials import KeyringCredentials
from exai_desktop.core.accounts.ports import Credentials
from exai_desktop.core.audit.audit import KEY_BYTES, AuditAnchor, Seal, key_id
from exai_desktop.core.errors.tree import AccountError, not_written

log = logging.getLogger(__name__)

BY_FILE: Final = "a file, not by the keyring"
_anchors: Final = TypeAdapter(AuditAnchor)


def load_seal(credentials: Credentials, key_file: Path, *, is_kept: bool = True) -> Seal:
    """The profile's key, made when there is none; may block for seconds, never for long.

    Each row names its key. So a session in which the keyring is locked, or absent, goes on with
    the file's key: no row is without a seal, and a check tells which seal is worth what. Not
    `is_kept`: the profile is only read, so a key that is made is for nothing but this run.
    """
    in_file = _read(key_file)
    if isinstance(credentials, KeyringCredentials):
        try:
            in_keyring = _from_keyring(credentials)
        except AccountError as error:
            log.warning("the audit trail's key cannot be read from the keyring: %s", error.code)
        else:
            others = () if in_file is None else (in_file,)
            return Seal(in_keyring, credentials.kind, others, frozenset(map(key_id, others)))
    if in_file is None and not is_kept:
        return Seal(secrets.token_bytes(KEY_BYTES), BY_FILE)
    key = in_file or _make(key_file)
    return Seal(key, BY_FILE, by_file=frozenset({key_id(key)}))


def _from_keyring(credentials: KeyringCredentials) -> bytes:
    found = credentials.audit_key()
    if found is not None:
        with suppress(ValueError):
            key = bytes.fromhex(found)
            if len(key) == KEY_BYTES:
                return key
        log.warning("the audit trail's key in the keyring is damaged: a new one is made")
    key = secrets.token_bytes(KEY_BYTES)
    credentials.set_audit_key(key.hex())
    return key


def _read(path: Path) -> bytes | None:
    """None also for what is not a key: then a new one is made."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _make(path: Path) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    try:
        write_file(path, f"{key.hex()}\n".encode())
    except OSError as error:
        raise not_written(error, path.name) from error
    return key


class JsonAnchorFile:
    """`core.machine.AnchorFile`: best effort; a user who can write here can also delete it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> AuditAnchor | None:
        try:
            return _anchors.validate_json(self._path.read_bytes(), strict=True)
        except (OSError, ValidationError):
            return None

    def save(self, anchor: AuditAnchor) -> None:
        try:
            write_file(self._path, _anchors.dump_json(anchor) + b"\n")
        except OSError as error:
            log.warning("the audit trail's anchor cannot be written: %s", error.strerror)
