"""The vault: secrets in an encrypted file of the profile, for machines without a keyring.

The file has two lines. The first, in plain JSON, says how the key is made from the passphrase
(scrypt) and which cipher follows; the second holds the encrypted names and values. The first line
is authenticated with the second: neither can be changed or exchanged unseen.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.accounts.secret_store import is_secret
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError, EngineError, not_written

FORMAT: Final = "exai-desktop vault"
VERSION: Final = 1
CIPHER: Final = "AES-256-GCM"

LEAST_PASSPHRASE: Final = 8

_LARGEST_BYTES: Final = 4 * 1024 * 1024
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class _Header(BaseModel):
    """The first line. Limits of `n`, `r`, `p`: a file must not demand all memory."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: str
    version: int
    kdf: str
    n: int = Field(ge=2**14, le=2**20)
    r: int = Field(ge=1, le=16)
    p: int = Field(ge=1, le=16)
    salt: str = Field(min_length=20, max_length=100)
    cipher: str
    nonce: str = Field(min_length=16, max_length=16)
    key_file: str = Field(max_length=4_096)


@dataclass(frozen=True, slots=True)
class _Cost:
    """What OWASP asks of scrypt in 32 MiB: a small container can do it, in some 0.3 s."""

    n: int = 2**15
    r: int = 8
    p: int = 3


@dataclass(frozen=True, slots=True)
class _Open:
    """An open vault: the key, and how it was made."""

    key: bytes
    salt: str
    cost: _Cost
    key_file: str
    values: Mapping[str, str]


def check_passphrase(passphrase: str) -> str:
    """Raises INVALID_SETTING for one that is too short, or that no terminal can type."""
    if len(passphrase) < LEAST_PASSPHRASE:
        reason = f"the passphrase has fewer than {LEAST_PASSPHRASE} characters"
    elif len(passphrase) > 4_096 or not passphrase.isprintable():
        reason = "the passphrase is not one line of text"
    else:
        return passphrase
    raise EngineError(ErrorCode.INVALID_SETTING, reason)


class VaultStore:
    """`core.accounts.secret_store.SecretStore` on one file. Every change is written at once."""

    kind = "vault"
    is_lasting = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._open: _Open | None = None

    def exists(self) -> bool:
        return self._path.exists()

    @property
    def key_file(self) -> str:
        """The file that opens it, as the vault was told when it was made; "" when there is none."""
        try:
            return _split(self._path)[0].key_file
        except AccountError:
            return ""

    def available(self) -> bool:
        return self._open is not None

    def create(self, passphrase: str, key_file: str, values: Mapping[str, str]) -> None:
        """Blocks for some 0.3 s, as `unlock` does."""
        check_passphrase(passphrase)
        with self._lock:
            self._write(_made(passphrase, key_file, values))

    def unlock(self, passphrase: str) -> None:
        with self._lock:
            self._open = self._opened(passphrase)

    def check(self) -> None:
        """Raises VAULT_DAMAGED for a file that is no vault; needs no passphrase."""
        _split(self._path)

    def contents(self, passphrase: str) -> dict[str, str]:
        """All names and values; the vault stays as it is. Raises WRONG_PASSPHRASE."""
        with self._lock:
            return dict(self._opened(passphrase).values)

    def change_passphrase(self, old: str, new: str, key_file: str) -> None:
        check_passphrase(new)
        with self._lock:
            self._write(_made(new, key_file, self._opened(old).values))

    def get(self, name: str) -> str | None:
        with self._lock:
            return self._unlocked().values.get(name)

    def set(self, name: str, value: str) -> None:
        if is_secret(name):
            register(value)
        with self._lock:
            opened = self._unlocked()
            if opened.values.get(name) != value:
                self._write(replace(opened, values={**opened.values, name: value}))

    def delete(self, name: str) -> None:
        with self._lock:
            opened = self._unlocked()
            if name in opened.values:
                left = {key: value for key, value in opened.values.items() if key != name}
                self._write(replace(opened, values=left))

    def _unlocked(self) -> _Open:
        if self._open is None:
            raise AccountError(ErrorCode.VAULT_LOCKED)
        return self._open

    def _opened(self, passphrase: str) -> _Open:
        register(passphrase)
        header, line, sealed = _split(self._path)
        cost = _Cost(header.n, header.r, header.p)
        key = _derived(passphrase, header.salt, cost)
        values = _decrypted(key, header.nonce, sealed, line)
        for name, value in values.items():
            if is_secret(name):
                register(value)
        return _Open(key, header.salt, cost, header.key_file, values)

    def _write(self, new: _Open) -> None:
        try:
            write_file(self._path, _encrypted(new))
        except OSError as error:
            raise not_written(error, "the vault") from error
        self._open = new


def _made(passphrase: str, key_file: str, values: Mapping[str, str]) -> _Open:
    register(passphrase)
    salt, cost = _text(os.urandom(_SALT_BYTES)), _Cost()
    return _Open(_derived(passphrase, salt, cost), salt, cost, key_file, dict(values))


def _derived(passphrase: str, salt: str, cost: _Cost) -> bytes:
    # Late: only who has a vault loads it.
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    kdf = Scrypt(salt=_bytes(salt), length=_KEY_BYTES, n=cost.n, r=cost.r, p=cost.p)
    return kdf.derive(passphrase.encode("utf-8", "surrogateescape"))


def _encrypted(vault: _Open) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # late, as above

    # 96 random bits: billions of writes with one key are safe, and a new passphrase has a new key.
    nonce = os.urandom(_NONCE_BYTES)
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "kdf": "scrypt",
        **asdict(vault.cost),
        "salt": vault.salt,
        "cipher": CIPHER,
        "nonce": _text(nonce),
        "key_file": vault.key_file,
    }
    line = json.dumps(header).encode("ascii")
    content = json.dumps(dict(vault.values)).encode("ascii")
    sealed = AESGCM(vault.key).encrypt(nonce, content, line)
    return line + b"\n" + base64.b64encode(sealed) + b"\n"


def _decrypted(key: bytes, nonce: str, sealed: bytes, line: bytes) -> dict[str, str]:
    from cryptography.exceptions import InvalidTag  # late, as above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        content = AESGCM(key).decrypt(_bytes(nonce), sealed, line)
    except (InvalidTag, ValueError) as error:
        # Which of the two it is, wrong passphrase or changed file, no cipher tells.
        raise AccountError(ErrorCode.WRONG_PASSPHRASE) from error
    values = json.loads(content)
    return {str(name): str(value) for name, value in values.items()}


def _split(path: Path) -> tuple[_Header, bytes, bytes]:
    """The header, its own line, and the encrypted bytes. Raises VAULT_DAMAGED."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES)
        line, _, rest = raw.partition(b"\n")
        header = _Header.model_validate_json(line, strict=True)
        sealed = base64.b64decode(rest.strip(), validate=True)
        _bytes(header.salt), _bytes(header.nonce)
    except OSError as error:
        raise AccountError(ErrorCode.VAULT_DAMAGED, str(error.strerror)) from error
    except (ValidationError, ValueError) as error:
        raise AccountError(ErrorCode.VAULT_DAMAGED, "it is not a vault, or incomplete") from error
    if header.format != FORMAT or header.n & (header.n - 1):
        raise AccountError(ErrorCode.VAULT_DAMAGED, "it is not a vault")
    if (header.version, header.kdf, header.cipher) != (VERSION, "scrypt", CIPHER):
        raise AccountError(
            ErrorCode.VAULT_DAMAGED, f"version {header.version}: made by a newer program"
        )
    return header, line, sealed


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
