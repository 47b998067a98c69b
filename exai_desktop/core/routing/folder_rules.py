"""Which providers and regions may have the files below a folder. Pure.

A rule names places: `kimi`, `kimi/cn` or `*` for any; with `allow_fallback` files below the folder
may cross to another of them without being asked. People may write it as a line:
`FOLDER = PLACE, PLACE +fallback`. Of nested folders the innermost rule holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, ClassVar, Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError

ANY: Final = "*"
_FALLBACK: Final = "+fallback"
_PLACE: Final = re.compile(r"[a-z0-9_-]{1,32}(/[a-z0-9_-]{1,32})?|\*")


@dataclass(frozen=True, slots=True)
class FolderRule:
    """`target`: where a link led when the rule was made, "" for a real folder. The rule holds
    there too, also when the link is gone or leads elsewhere."""

    folder: str
    places: tuple[str, ...]
    allow_fallback: bool = False
    target: str = ""

    # A field that this version does not know may narrow the rule: then the rule is not understood.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    def __str__(self) -> str:
        behind = f" {_FALLBACK}" if self.allow_fallback else ""
        return f"{shown_folder(self.folder)} = {', '.join(self.places)}{behind}"

    def allows(self, account: Account) -> bool:
        return self.allows_place(account.provider, account.region)

    def allows_place(self, provider: str, region: str) -> bool:
        return any(p in (ANY, provider, f"{provider}/{region}") for p in self.places)

    @property
    def ends(self) -> tuple[str, ...]:
        """The folders it is for."""
        return (self.folder, self.target) if self.target else (self.folder,)


def shown_folder(folder: str) -> str:
    """For people: a name that could be misread stands in quotes."""
    is_plain = folder == folder.strip() and folder.isprintable()
    return folder if is_plain else repr(folder)


def checked_rule(rule: FolderRule) -> FolderRule:
    """The rule with its places in lower case. Raises ValueError with what is wrong."""
    for folder in rule.ends:
        parts = PurePath(folder).parts
        is_whole = PurePath(folder).is_absolute() and len(parts) > 1
        if not is_whole or ".." in parts or "\0" in folder:
            raise ValueError(f"{folder!r} is not the full path of a folder")
    places = tuple(place.strip().lower() for place in rule.places)
    for place in places or ("",):
        if not _PLACE.fullmatch(place):
            raise ValueError(f"{place!r} is not a place such as kimi, kimi/cn or *")
    return FolderRule(rule.folder, places, rule.allow_fallback, rule.target)


def rule_of(line: str) -> FolderRule:
    """Raises ValueError with what is wrong."""
    folder, equals, behind = line.rpartition("=")
    if not equals:
        raise ValueError(f"{line!r} is not FOLDER = PLACE, PLACE")
    folder, behind = folder.lstrip().removesuffix(" "), behind.strip()
    if folder != folder.rstrip():
        # Nobody can tell whether the spaces belong to the name.
        raise ValueError(f"{folder!r} ends in a space: set this rule by `rule set`")
    allow_fallback = behind.endswith(_FALLBACK)
    places = tuple(behind.removesuffix(_FALLBACK).split(","))
    return checked_rule(FolderRule(folder, places, allow_fallback))


def allowed_by(
    rules: Sequence[FolderRule], accounts: Sequence[Account], wanted: str | None
) -> list[Account]:
    """The accounts that all of these rules allow.

    Raises PLACE_NOT_ALLOWED when they forbid the wanted account, or every one there is.
    """
    left = [a for a in accounts if all(rule.allows(a) for rule in rules)]
    is_wanted_out = wanted in {a.name for a in accounts} - {a.name for a in left}
    if rules and accounts and (not left or is_wanted_out):
        raise AppError(ErrorCode.PLACE_NOT_ALLOWED, "; ".join(map(str, rules)))
    return left


def consented_by(rules: Sequence[FolderRule]) -> bool:
    """Whether these rules allow another account without a question: each of them must."""
    return bool(rules) and all(rule.allow_fallback for rule in rules)
