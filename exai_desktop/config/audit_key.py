"""What the audit trail has outside the database: its keys, the ids of them, and its anchor.

All of it is in the key store, if there is one, because who may write the profile can write files.
The key in the file is for sessions in which the key store does not answer. It is made while the key
store does, and its id is noted there: a key that somebody else puts into the file seals nothing.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.secret_store import NO_KEYRING
from exai_desktop.core.accounts.secret_store import (
    ACCEPTED_KEYS,
    ANCHOR,
    ANCHOR_OF_COPY,
    AUDIT_KEY,
    SecretStore,
)
from exai_desktop.core.audit.audit import KEY_BYTES, START, AuditAnchor, Seal, key_id, utc_text
from exai_desktop.core.audit.check import NO_ROWS, Anchoring, AuditHead
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, not_written

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
            if in_file is None and is_kept:
                in_file = _made_to_be_known(store, key_file)
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
        _add_accepted(store, {key_id(key)})
    return key


def _made_to_be_known(store: SecretStore, key_file: Path) -> bytes | None:
    """The file's key, before a session needs it; None when it cannot be written now."""
    key = secrets.token_bytes(KEY_BYTES)
    try:
        # In this order: a crash between the two leaves no key that does not count.
        _add_accepted(store, {key_id(key)})
        _write(key_file, key)
    except AppError as error:
        log.info("the audit trail has no second key: %s", error.detail)
        return None
    return key


def _add_accepted(store: SecretStore, ids: Iterable[str]) -> None:
    """Only to a list that is there: the first one comes after the anchor."""
    found = store.get(ACCEPTED_KEYS)
    if found:
        store.set(ACCEPTED_KEYS, " ".join(sorted({*found.split(), *ids})))


def _read(path: Path) -> bytes | None:
    """None also for what is not a key: then a new one is made."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _make(path: Path) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    _write(path, key)
    return key


def _write(path: Path, key: bytes) -> None:
    try:
        write_file(path, f"{key.hex()}\n".encode())
    except OSError as error:
        raise not_written(error, path.name) from error


class KeptAnchor:
    """`core.audit.ports.AnchorFile`: in a file, and in the key store if it keeps anything.

    Who may write the profile can delete or change the file, but not what the key store has.
    """

    def __init__(self, path: Path, store: SecretStore, seal: Seal | None = None) -> None:
        """`seal` has the keys that are accepted when the key store has no list of them yet."""
        self._path = path
        self._store = store
        self._seal = seal or Seal()
        self._known: Anchoring | None = None

    def known(self) -> Anchoring:
        """Each question to a keyring takes its time, and nobody else notes an anchor meanwhile."""
        known = self._known
        if known is None or known.accepted is None or known.place != self._store.kind:
            return self.load()
        return known

    def load(self) -> Anchoring:
        self._known = self._loaded()
        return self._known

    def _loaded(self) -> Anchoring:
        """The key store's, even if it was locked when the file's was written: a file can be forged,
        and one that is older still holds for all rows up to it.
        """
        if not self._store.is_lasting:
            return Anchoring(self._in_file())
        try:
            text = self._store.get(ANCHOR) or ""
            accepted = self._store.get(ACCEPTED_KEYS)
            anchor = self._of_copy(accepted) if text == ANCHOR_OF_COPY else _parsed(text)
            if not accepted:
                anchor, accepted = self._first(anchor)
        except AccountError as error:
            log.info("the audit trail's anchor cannot be read: %s", error.code)
            return Anchoring(self._in_file(), away=self._away(error))
        except AppError as error:
            # A profile that can only be read, with a vault that has no list yet.
            log.info("the audit trail's anchor cannot be noted: %s", error.code)
            return Anchoring(self._in_file(), away=f"nothing can be noted in: {self._store.kind}")
        ids, taken = _listed(accepted)
        return Anchoring(anchor, ids, self._store.kind, taken=taken)

    def _first(self, anchor: AuditAnchor | None) -> tuple[AuditAnchor, str]:
        """The trail as it is now is accepted: a new one, or of a version or store without a list.

        A trail without rows has an anchor, too. So later a missing one was taken away.
        """
        if anchor is None:
            anchor = self._in_file() or self._seal.anchor(0, START, utc_text(time.time()))
            self._store.set(ANCHOR, _anchors.dump_json(anchor).decode())
        ids = set(self._seal.keys)
        with suppress(ValueError):
            ids.add(key_id(bytes.fromhex(self._store.get(AUDIT_KEY) or "none")))
        accepted = " ".join(sorted(ids))
        self._store.set(ACCEPTED_KEYS, accepted)
        return anchor, accepted

    def _of_copy(self, accepted: str | None) -> AuditAnchor | None:
        """A new profile, made from a copy: the other one may have gone on since."""
        anchor = self._seal.genuine(self._in_file())
        if anchor is None or anchor.key_id not in (accepted or anchor.key_id).split():
            return None
        self._store.set(ANCHOR, _anchors.dump_json(anchor).decode())
        return anchor

    def _away(self, error: AccountError) -> str:
        if error.code is ErrorCode.VAULT_LOCKED:
            return "the vault is locked"
        if error.code is ErrorCode.CREDENTIAL_STORE_LOCKED:
            return "the keyring is locked"
        return "" if self._store.kind == NO_KEYRING else "the keyring does not answer"

    def _in_file(self) -> AuditAnchor | None:
        try:
            return _parsed(self._path.read_bytes())
        except OSError:
            return None

    def save(self, anchor: AuditAnchor) -> None:
        known, self._known = self._known, None
        if self._store.is_lasting:
            try:
                self._store.set(ANCHOR, _anchors.dump_json(anchor).decode())
                self._known = None if known is None else replace(known, anchor=anchor)
            except AppError as error:
                log.info("the audit trail's anchor is not in the key store: %s", error.code)
        try:
            write_file(self._path, _anchors.dump_json(anchor) + b"\n")
        except OSError as error:
            log.warning("the audit trail's anchor cannot be written: %s", error.strerror)

    def accept(self, anchor: AuditAnchor, keys: Iterable[str], taken: AuditHead) -> None:
        if self._store.is_lasting:
            self._store.set(ANCHOR, _anchors.dump_json(anchor).decode())
            noted = {f"{taken.seq}:{taken.mac}:{taken.digest}"} if taken.seq else set()
            _add_accepted(self._store, noted.union(keys))
            self._known = None
        self.save(anchor)


def _listed(accepted: str) -> tuple[frozenset[str], AuditHead]:
    """The ids, and how far the user has accepted rows without their keys: the newest note of it."""
    words, taken = accepted.split(), NO_ROWS
    for word in words:
        seq, _, rest = word.partition(":")
        if rest and seq.isdecimal() and int(seq) > taken.seq:
            mac, _, digest = rest.partition(":")
            taken = AuditHead(int(seq), mac, digest)
    return frozenset(word for word in words if ":" not in word), taken


def _parsed(text: str | bytes) -> AuditAnchor | None:
    try:
        return _anchors.validate_json(text, strict=True)
    except ValidationError:
        return None
