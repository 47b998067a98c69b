"""What the providers take, as data: the typed form of resources/providers.toml."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, FileError
from exai_desktop.core.files.names import extension

ANY: Final = "*"
_ENDING: Final = r"\.?[A-Za-z0-9]{1,16}"
_OWN_PURPOSE: Final = re.compile(rf"([A-Za-z0-9_-]{{1,64}})(?::({_ENDING}(?:,{_ENDING})*))?")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FormatLimit(_Row):
    """A lower size limit for some of a purpose's formats."""

    formats: frozenset[str]
    max_bytes: int = Field(gt=0)


class Purpose(_Row):
    """One use a provider stores files for, with what it takes.

    Formats are endings, no dot; `*` is any.
    """

    name: str
    title: str
    formats: tuple[str, ...]
    max_bytes: int = Field(gt=0)
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

    def takes(self, ending: str) -> bool:
        return ending in self.formats or ANY in self.formats

    def limit_for(self, ending: str) -> int:
        """Largest size in bytes for a file of this ending."""
        return min([self.max_bytes, *(x.max_bytes for x in self.limits if ending in x.formats)])


class Region(_Row):
    name: str
    title: str
    # Empty: each account has its own.
    base_url: Annotated[str, Field(pattern=r"^(https://.*)?$")]
    console_url: Annotated[str, Field(pattern=r"^(https://.*)?$")]


class AccountTier(_Row):
    """What an account of this tier may do in a region: requests at once and a minute."""

    name: str
    region: str
    concurrency: int = Field(gt=0)
    per_minute: int = Field(gt=0)
    source: str
    checked: str


class Provider(_Row):
    """A company's service with its regions and purposes."""

    name: str
    title: str
    company: str
    key_hint: str
    # Over all purposes together.
    max_total_files: int | None = None
    max_total_bytes: int | None = None
    regions: tuple[Region, ...] = Field(min_length=1)
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    tiers: tuple[AccountTier, ...] = ()

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


class ProviderTable(_Row):
    """All providers in the order they are offered."""

    schema_version: int
    providers: tuple[Provider, ...] = Field(min_length=1)

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
        return provider.model_copy(update={"purposes": own})


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
