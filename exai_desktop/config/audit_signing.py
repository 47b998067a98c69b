"""Ed25519 for the audit trail: the private key in the key store, the check with the public one."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exai_desktop.core.accounts.secret_store import SIGNING_KEY, SecretStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KEY_BYTES: Final = 32


class StoredSigner:
    """`core.audit.ports.Signer`. The key is made once, and is nowhere but in the key store."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    def public_key(self) -> str:
        return _signing(self._secret()).public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        return _signing(self._secret()).sign(message).hex()

    def has_signed(self, message: bytes, signature: str) -> bool:
        return signature_fits(self.public_key(), message, signature)

    def _secret(self) -> bytes:
        if not self._store.is_lasting:
            why = "signatures need a key that stays: in a keyring or a vault"
            raise AccountError(ErrorCode.CREDENTIAL_STORE_UNAVAILABLE, why)
        found = self._store.get(SIGNING_KEY)
        if found is None:
            # Any 32 bytes are a private key.
            secret = secrets.token_bytes(_KEY_BYTES)
            self._store.set(SIGNING_KEY, secret.hex())
            return secret
        register(found)
        with suppress(ValueError):
            secret = bytes.fromhex(found)
            if len(secret) == _KEY_BYTES:
                return secret
        # A new one would make all earlier signatures those of somebody else.
        why = "the key of the audit trail's signatures is damaged"
        raise AccountError(ErrorCode.CREDENTIAL_STORE_UNAVAILABLE, why)


def _signing(secret: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ed25519  # late: only who signs loads it

    return ed25519.Ed25519PrivateKey.from_private_bytes(secret)


def signature_fits(public_key: str, message: bytes, signature: str) -> bool:
    """Whether whoever has the private half of `public_key` has signed this."""
    from cryptography.exceptions import InvalidSignature  # late: only who checks loads it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
