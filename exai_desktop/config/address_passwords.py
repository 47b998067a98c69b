"""Passwords of the proxy and of the shared Redis: from the environment, or from the key store.

They are never written with the settings. Each belongs to the address for which it was saved.
"""

from __future__ import annotations

from urllib.parse import quote

from exai_desktop.config.credentials import AccountKeys
from exai_desktop.config.passphrase import redis_password_given
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import SecretStore, find_password
from exai_desktop.core.addresses import password_place, proxy_with
from exai_desktop.core.errors.redact import register
from exai_desktop.core.settings import Settings


def redis_password(store: SecretStore, url: str) -> str | None:
    """Blocks; raises `AccountError` when the store does not answer."""
    given = redis_password_given()
    if given is not None:
        return given
    found = find_password(store, "redis_url", password_place("redis_url", url))
    if found:
        register(found)
    return found


class ProxyLogin:
    """The settings, as those need them who connect: with the proxy's password, once it is known."""

    def __init__(self, store: SecretStore, settings: Settings) -> None:
        self._store = store
        self._without = settings
        self.settings = settings

    def load(self) -> None:
        """Blocks; raises `AccountError` when the store does not answer."""
        address = self._without.proxy
        try:
            place = password_place("proxy", address)
        except ValueError:
            return  # no proxy, or one without a name
        if not address or proxy_with(address, "x") == address:
            return  # the environment gives the password, too
        password = find_password(self._store, "proxy", place) or ""
        for form in {password, quote(password, safe="")}:
            register(form)
        complete = proxy_with(address, password)
        self.settings = self._without.model_copy(update={"proxy": complete})


class KeysBehindProxy:
    """`core.accounts.ports.Credentials`: who reads a key will connect, and needs the proxy then."""

    def __init__(self, keys: AccountKeys, login: ProxyLogin) -> None:
        self._keys = keys
        self._login = login

    @property
    def kind(self) -> str:
        return self._keys.kind

    def available(self) -> bool:
        return self._keys.available()

    def get(self, account: Account) -> str | None:
        key = self._keys.get(account)
        if key is not None:
            self._login.load()
        return key

    def set(self, account: Account, key: str) -> None:
        self._keys.set(account, key)

    def delete(self, account: Account) -> None:
        self._keys.delete(account)
