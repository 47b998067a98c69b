"""What the providers take, as data: the typed form of resources/providers.toml.

The window has the table before it is painted, so it is read without pydantic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, FileError
from exai_desktop.core.files.names import extension, sent_name

ANY: Final = "*"
_ENDING: Final = r"\.?[A-Za-z0-9]{1,16}"
_OWN_PURPOSE: Final = re.compile(rf"([A-Za-z0-9_-]{{1,64}})(?::({_ENDING}(?:,{_ENDING})*))?")


def name_and_ending(path: str) -> tuple[str, str]:
    """Of a file, as it is sent: providers judge by the ending."""
    name = sent_name(path)
    return name, extension(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatLimit:
    """A lower size limit for some of a purpose's formats."""

    formats: frozenset[str]
    max_bytes: int

    def __post_init__(self) -> None:
        _check_limits(self.max_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """One use a provider stores files for, with what it takes.

    Formats are endings, no dot; `*` is any.
    """

    name: str
    title: str
    formats: tuple[str, ...]
    max_bytes: int
    limits: tuple[FormatLimit, ...] = ()
    max_files: int | None = None
    # Empty: all regions of the provider.
    regions: frozenset[str] = frozenset()
    # Names of older programs that mean this purpose.
    aliases: frozenset[str] = frozenset()
    retention_days: int | None = None
    gives_text: bool = False
    source: str
    checked: str

    def __post_init__(self) -> None:
        _check_limits(self.max_bytes, self.max_files, self.retention_days)

    def takes(self, ending: str) -> bool:
        return ending in self.formats or ANY in self.formats

    def limit_for(self, ending: str) -> int:
        """Largest size in bytes for a file of this ending."""
        return min([self.max_bytes, *(x.max_bytes for x in self.limits if ending in x.formats)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where a provider has its servers; an account belongs to one."""

    name: str
    title: str
    # Empty: each account has its own.
    base_url: str
    console_url: str

    def __post_init__(self) -> None:
        for address in (self.base_url, self.console_url):
            if address and not address.startswith("https://"):
                raise ValueError(f"{self.name}: an address must begin with https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTier:
    """What an account of this tier may do in a region: requests at once and a minute."""

    name: str
    region: str
    concurrency: int
    per_minute: int
    source: str
    checked: str

    def __post_init__(self) -> None:
        _check_limits(self.concurrency, self.per_minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A company's service with its regions and purposes."""

    name: str
    title: str
    company: str
    key_hint: str
    # Over all purposes together.
    max_total_files: int | None = None
    max_total_bytes: int | None = None
    regions: tuple[Region, ...]
    purposes: tuple[Purpose, ...]
    tiers: tuple[AccountTier, ...] = ()

    def __post_init__(self) -> None:
        _check_limits(self.max_total_files, self.max_total_bytes)
        if not self.regions or not self.purposes:
            raise ValueError(f"{self.name} has no regions or no purposes")

    def region(self, name: str) -> Region | None:
        return next((r for r in self.regions if r.name == name), None)

    def tiers_in(self, region: str) -> tuple[AccountTier, ...]:
        return tuple(tier for tier in self.tiers if tier.region == region)

    def purposes_in(self, region: str) -> tuple[Purpose, ...]:
        """The purposes of a region in order of preference."""
        return tuple(p for p in self.purposes if not p.regions or region in p.regions)

    def purpose(self, region: str, name: str) -> Purpose:
        """By name or alias. Raises INVALID_PURPOSE with the names that exist."""
        known = self.purposes_in(region)
        for purpose in known:
            if name == purpose.name or name in purpose.aliases:
                return purpose
        names = ", ".join(p.name for p in known)
        raise AppError(ErrorCode.INVALID_PURPOSE, f"{name!r}; {self.title} accepts: {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTable:
    """All providers in the order they are offered."""

    schema_version: int
    providers: tuple[Provider, ...]

    def provider(self, name: str) -> Provider | None:
        return next((p for p in self.providers if p.name == name), None)

    def gives_text(self, provider: str | None, purpose: str | None) -> bool:
        """Whether the provider hands back the text of files of this purpose."""
        known = self.provider(provider) if provider else None
        return known is not None and any(p.gives_text for p in known.purposes if p.name == purpose)

    def of(self, account: Account) -> Provider | None:
        """The provider as this account knows it: with the account's own purposes, if it has any.

        Raises INVALID_ACCOUNT for a purpose that makes no sense.
        """
        provider = self.provider(account.provider)
        if provider is None or not account.purposes:
            return provider
        own = tuple(own_purpose(text, provider.purposes[0].max_bytes) for text in account.purposes)
        return replace(provider, purposes=own)


def table_of(rows: Mapping[str, Any]) -> ProviderTable:
    """From what resources/providers.toml holds. Raises ValueError, TypeError or KeyError for a
    table that is not as agreed: a field too many is refused, too."""
    providers = tuple(map(provider_of, rows["providers"]))
    if not providers:
        raise ValueError("there are no providers")
    return ProviderTable(**{**rows, "providers": providers})


def provider_of(row: Mapping[str, Any]) -> Provider:
    made = {
        "regions": tuple(Region(**region) for region in row["regions"]),
        "purposes": tuple(map(purpose_of, row["purposes"])),
        "tiers": tuple(AccountTier(**tier) for tier in row.get("tiers", ())),
    }
    return Provider(**{**row, **made})


def purpose_of(row: Mapping[str, Any]) -> Purpose:
    limits = (
        FormatLimit(**{**limit, "formats": frozenset(limit["formats"])})
        for limit in row.get("limits", ())
    )
    made = {
        "formats": _texts(row["formats"]),
        "limits": tuple(limits),
        "regions": frozenset(_texts(row.get("regions", ()))),
        "aliases": frozenset(_texts(row.get("aliases", ()))),
    }
    return Purpose(**{**row, **made})


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError("a list of texts is needed, not one text")
    return tuple(values)


def _check_limits(*limits: int | None) -> None:
    for limit in limits:
        if limit is not None and (type(limit) is not int or limit <= 0):
            raise ValueError(f"{limit!r} is no limit: it must be a number above 0")


def own_purpose(text: str, max_bytes: int) -> Purpose:
    """`name` or `name:ending,ending` as the user writes it. Raises INVALID_ACCOUNT."""
    match = _OWN_PURPOSE.fullmatch(text.strip())
    if match is None:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"{text!r} is not NAME or NAME:pdf,txt")
    formats = tuple((match[2] or ANY).lower().replace(".", "").split(","))
    return Purpose(
        name=match[1],
        title=match[1],
        formats=formats,
        max_bytes=max_bytes,
        source="the account",
        checked="",
    )


def fit(name: str, size: int, provider: Provider, region: str, wanted: str | None) -> Purpose:
    """The purpose under which a provider's region takes a file of this name and size (bytes).

    Without a wanted purpose the first that lists the ending wins. Raises `FileError`
    INVALID_EXTENSION, INVALID_FILE_TYPE or FILE_TOO_LARGE, or `AppError` INVALID_PURPOSE.
    """
    ending = extension(name)
    if not ending:
        raise FileError(ErrorCode.INVALID_EXTENSION, f"{provider.title} needs a file extension")
    if wanted is not None:
        candidates: tuple[Purpose, ...] = (provider.purpose(region, wanted),)
    else:
        candidates = provider.purposes_in(region)
    takers = [p for p in candidates if p.takes(ending)]
    if not takers:
        where = f" for {wanted}" if wanted else ""
        raise FileError(
            ErrorCode.INVALID_FILE_TYPE, f"{provider.title} does not accept .{ending}{where}"
        )
    for purpose in takers:
        if size <= purpose.limit_for(ending):
            return purpose
    most = max(p.limit_for(ending) for p in takers)
    raise FileError(
        ErrorCode.FILE_TOO_LARGE,
        f"{size:,} bytes; {provider.title} accepts {most:,} for .{ending}",
    )
