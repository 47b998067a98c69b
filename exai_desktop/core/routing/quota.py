"""How much may lie at one account. Pure: storage counts, in the transaction that begins a send."""

from __future__ import annotations

from dataclasses import dataclass

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.routing.capabilities import ProviderTable


@dataclass(frozen=True, slots=True)
class Limits:
    """The provider's own limits and the user's (`own_*`). None: no limit."""

    files: int | None = None
    bytes: int | None = None
    purpose_files: int | None = None
    own_files: int | None = None
    own_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What lies at an account or is on its way there. `purpose_files`: for one purpose alone."""

    files: int = 0
    bytes: int = 0
    purpose_files: int = 0


def limits_of(
    account: Account, purpose: str, table: ProviderTable, own_files: int, own_bytes: int
) -> Limits:
    """`own_*`: the user's settings, 0 for none."""
    provider = table.of(account)
    own = (own_files or None, own_bytes or None)
    if provider is None:
        return Limits(None, None, None, *own)
    per_purpose = provider.purpose(account.region, purpose).max_files
    return Limits(provider.max_total_files, provider.max_total_bytes, per_purpose, *own)


def fullness(used: Usage, limits: Limits) -> tuple[float, str]:
    """How full it is by the limit that is nearest, 1.0 is full; in words, too."""
    found = [
        (amount / limit, f"{amount:,} of {limit:,} {unit}")
        for amount, limit, unit in (
            (used.files, limits.files, "files"),
            (used.purpose_files, limits.purpose_files, "files for one purpose"),
            (used.bytes, limits.bytes, "bytes"),
            (used.files, limits.own_files, "files, your own limit"),
            (used.bytes, limits.own_bytes, "bytes, your own limit"),
        )
        if limit
    ]
    return max(found, default=(0.0, ""))


def check_room(used: Usage, size: int, limits: Limits) -> None:
    """Raise PROVIDER_FILE_LIMIT or QUOTA_EXCEEDED when one more file of `size` is too much."""
    files, total = used.files + 1, used.bytes + size
    full, own = ErrorCode.PROVIDER_FILE_LIMIT, ErrorCode.QUOTA_EXCEEDED
    for code, amount, limit, unit in (
        (full, files, limits.files, "files"),
        (full, used.purpose_files + 1, limits.purpose_files, "files for this purpose"),
        (full, total, limits.bytes, "bytes"),
        (own, files, limits.own_files, "files, your own limit"),
        (own, total, limits.own_bytes, "bytes, your own limit"),
    ):
        if limit is not None and amount > limit:
            raise AccountError(code, f"it would be {amount:,} of {limit:,} {unit}")
