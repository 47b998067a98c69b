"""Which names are one account: it is told by its address and the owner of its key, not by its name.

The key itself is not compared or kept here: the mark that the settings file has of it is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from exai_desktop.core.accounts.accounts import Account

_PORTS: Final = {"https": 443, "http": 80}


def identity_of(account: Account) -> str:
    """The same on every machine that has this key for this address."""
    return f"{account.base_url}#{account.key_fingerprint or account.name}"


def _address(account: Account) -> tuple[str, str, int | None, str]:
    """The address as a server sees it: the same host may be written in several ways."""
    parts = urlsplit(account.base_url)
    port = parts.port or _PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port, parts.path.rstrip("/")


def namesakes(accounts: Iterable[Account], account: Account) -> list[Account]:
    """All names of this account, itself included; the preferred one first."""
    if not account.key_fingerprint:
        return [account]
    found = [
        other
        for other in accounts
        if other.key_fingerprint == account.key_fingerprint and _address(other) == _address(account)
    ]
    return sorted(found, key=lambda a: (a.order, a.name)) or [account]


def _rules(account: Account) -> tuple[str, str, tuple[str, ...]]:
    return account.provider, account.region, account.purposes


def principal(accounts: Iterable[Account], account: Account) -> Account:
    """The name under which files go to this account: one copy, whatever name was meant.

    A name with other purposes or in another region stands for itself.
    """
    same = [a for a in namesakes(accounts, account) if a.enabled and _rules(a) == _rules(account)]
    return same[0] if same else account


def one_name_each(
    accounts: Sequence[Account], wanted: str | None
) -> tuple[list[Account], str | None]:
    """The accounts without their other names, and the name that is used in place of `wanted`."""
    principals = [account for account in accounts if principal(accounts, account) == account]
    found = [account for account in accounts if account.name == wanted]
    return principals, principal(accounts, found[0]).name if found else wanted
