"""The key store as users see and change it: keyring, vault, or this session only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exai_desktop.core.accounts.secret_store import StoreStatus, names_of
from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.engine.background.store_watch import StoreParts


@dataclass(frozen=True, slots=True)
class KeyStore:
    """Meets `core.service.KeyStoreService`. `changed` looks whether held files can go on."""

    parts: StoreParts
    changed: Callable[[], None]

    async def status(self) -> StoreStatus:
        return await self.parts.readers.read(self.parts.secrets.status)

    async def unlock(self, passphrase: str) -> StoreStatus:
        await self.parts.readers.read(self.parts.secrets.unlock, passphrase)
        return await self.try_again()

    async def create_vault(self, passphrase: str, key_file: str = "") -> StoreStatus:
        parts = self.parts
        names = [name for account in parts.accounts.all() for name in names_of(account)]
        await parts.readers.read(parts.secrets.create_vault, passphrase, key_file, names)
        await self._note("vault.created")
        return await self.try_again()

    async def change_passphrase(self, old: str, new: str, key_file: str = "") -> StoreStatus:
        await self.parts.readers.read(self.parts.secrets.change_passphrase, old, new, key_file)
        await self._note("vault.passphrase_changed")
        return await self.try_again()

    async def keep_for_session(self) -> StoreStatus:
        await self.parts.readers.read(self.parts.secrets.keep_for_session)
        return await self.try_again()

    async def try_again(self) -> StoreStatus:
        # It looks for the keyring anew; what waits then finds it.
        status = await self.status()
        self.changed()
        return status

    async def words(self) -> str:
        """The store in one line, without asking a keyring."""
        return (await self.parts.readers.read(self.parts.secrets.status, False)).words

    async def _note(self, action: str) -> None:
        await self.parts.audit.note(AuditEntry(self.parts.clock.now(), action, "ok"))
