"""Which providers and regions may have the files below a folder. Pure.

A rule is a line: `FOLDER = PLACE, PLACE`, a place being `kimi`, `kimi/cn` or `*` for any; with
`+fallback` behind the places, files below the folder may cross to another of them without being
asked. Of nested folders the innermost rule holds.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.files.path_policy import PathPolicy

ANY: Final = "*"
_FALLBACK: Final = "+fallback"
_PLACE: Final = re.compile(r"[a-z0-9_-]{1,32}(/[a-z0-9_-]{1,32})?|\*")


@dataclass(frozen=True, slots=True)
class FolderRule:
    folder: str
    places: tuple[str, ...]
    allow_fallback: bool = False

    def __str__(self) -> str:
        behind = f" {_FALLBACK}" if self.allow_fallback else ""
        return f"{self.folder} = {', '.join(self.places)}{behind}"

    def allows(self, account: Account) -> bool:
        return self.allows_place(account.provider, account.region)

    def allows_place(self, provider: str, region: str) -> bool:
        return any(p in (ANY, provider, f"{provider}/{region}") for p in self.places)


@lru_cache(maxsize=256)
def rule_of(line: str) -> FolderRule:
    """Raises ValueError with what is wrong."""
    folder, equals, behind = line.rpartition("=")
    folder, behind = folder.strip(), behind.strip()
    if not equals:
        raise ValueError(f"{line!r} is not FOLDER = PLACE, PLACE")
    if not PathPolicy((folder,)).is_usable(folder):
        raise ValueError(f"{folder!r} is not the full path of a folder")
    allow_fallback = behind.endswith(_FALLBACK)
    places = tuple(p.strip().lower() for p in behind.removesuffix(_FALLBACK).split(","))
    for place in places:
        if not _PLACE.fullmatch(place):
            raise ValueError(f"{place!r} is not a place such as kimi, kimi/cn or *")
    return FolderRule(folder, places, allow_fallback)


def rule_for(
    path: str, rules: Sequence[FolderRule], *, ignore_case: bool = sys.platform == "win32"
) -> FolderRule | None:
    """The innermost one whose folder holds the path; None when none does."""
    holding = [
        rule
        for rule in rules
        if PathPolicy((rule.folder,), ignore_case=ignore_case).contains(rule.folder, path)
    ]
    return max(holding, key=lambda rule: len(rule.folder), default=None)


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
