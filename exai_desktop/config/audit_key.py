"""The audit trail's key, in the key store or else in a file, and the file with its anchor."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.accounts.secret_store import ANCHOR, AUDIT_KEY, SecretStore
from exai_desktop.core.audit.audit import KEY_BYTES, AuditAnchor, Seal, key_id
from exai_desktop.core.errors.tree import AccountError, not_written

log = logging.getLogger(__name__)

BY_FILE: Final = "a file, not by the keyring"
_anchors: Final = TypeAdapter(AuditAnchor)


def load_seal(store: SecretStore, key_file: Path, *, is_kept: bool = True) -> Seal:
    """The profile's key, made when there is none; may block for seconds, never for long.

    Each row names its key. So a session in which the key store is locked, or absent, goes on with
    the file's key: no row is without a seal, and a check tells which seal is worth what. Not
    `is_kept`: the profile is only read, so a key that is made is for nothing but this run.
    """
    in_file = _read(key_file)
    if store.is_lasting:
        try:
            in_store = _from_store(store, is_kept=is_kept)
        except AccountError as error:
            log.warning("the audit trail's key cannot be read from the key store: %s", error.code)
        else:
            others = () if in_file is None else (in_file,)
            return Seal(in_store, store.kind, others, frozenset(map(key_id, others)))
    if in_file is None and not is_kept:
        return Seal(secrets.token_bytes(KEY_BYTES), BY_FILE)
    key = in_file or _make(key_file)
    return Seal(key, BY_FILE, by_file=frozenset({key_id(key)}))


def _from_store(store: SecretStore, *, is_kept: bool) -> bytes:
    found = store.get(AUDIT_KEY)
    if found is not None:
        with suppress(ValueError):
            key = bytes.fromhex(found)
            if len(key) == KEY_BYTES:
                return key
        log.warning("the audit trail's key in the key store is damaged: a new one is made")
    key = secrets.token_bytes(KEY_BYTES)
    if is_kept:
        store.set(AUDIT_KEY, key.hex())
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


class KeptAnchor:
    """`core.audit.ports.AnchorFile`: in a file, and in the key store if it keeps anything.

    Who may write the profile can delete or change the file, but not what the key store has.
    """

    def __init__(self, path: Path, store: SecretStore) -> None:
        self._path = path
        self._store = store

    def load(self) -> AuditAnchor | None:
        """The key store's, even if it was locked when the file's was written: a file can be forged,
        and one that is older still holds for all rows up to it.
        """
        return self._in_store() or self._in_file()

    def _in_file(self) -> AuditAnchor | None:
        try:
            return _anchors.validate_json(self._path.read_bytes(), strict=True)
        except (OSError, ValidationError):
            return None

    def _in_store(self) -> AuditAnchor | None:
        if not self._store.is_lasting:
            return None
        try:
            return _anchors.validate_json(self._store.get(ANCHOR) or "", strict=True)
        except ValidationError:
            return None
        except AccountError as error:
            log.info("the audit trail's anchor cannot be read: %s", error.code)
            return None

    def save(self, anchor: AuditAnchor) -> None:
        if self._store.is_lasting:
            try:
                self._store.set(ANCHOR, _anchors.dump_json(anchor).decode())
            except AccountError as error:
                log.info("the audit trail's anchor is not in the key store: %s", error.code)
        try:
            write_file(self._path, _anchors.dump_json(anchor) + b"\n")
        except OSError as error:
            log.warning("the audit trail's anchor cannot be written: %s", error.strerror)
