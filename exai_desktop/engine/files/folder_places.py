"""Folders as the file system knows them: which one a path leads to, and which hold a file.

Two names are one folder when device and inode are the same: whatever the links, the case of the
letters and the form of the accents, on a disk that ignores them. Only what the system cannot be
asked about is compared as text. Everything here blocks, and each look is a new one.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.folder_rules import ANY, FolderRule, shown_folder

FolderId = tuple[int, int]


def without_parents(path: str) -> str:
    """The whole path, each `..` taken as the system takes it: behind a link it is the parent of
    the link's target. What leads nowhere stays as it is, so that opening it fails."""
    whole = Path(path).absolute()
    parts = whole.parts
    if ".." not in parts:
        return str(whole)
    last = len(parts) - parts[::-1].index("..")
    head = Path(*parts[:last])
    try:
        # realpath alone would also step from a file to its folder.
        head.stat()
        real = os.path.realpath(head, strict=True)
    except (OSError, ValueError):
        return str(whole)
    return str(Path(real, *parts[last:]))


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """`id`: device and inode, None when there are none to compare. `is_known`: the system has
    answered, be it that there is no such folder."""

    path: PurePath
    id: FolderId | None
    is_known: bool

    @classmethod
    def look(cls, path: str | PurePath, *, follow: bool = True) -> FolderPlace:
        try:
            found = Path(path).stat(follow_symlinks=follow)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return cls(PurePath(path), None, is_known=True)
        except OSError:
            return cls(PurePath(path), None, is_known=False)
        known = bool(found.st_ino)
        return cls(PurePath(path), (found.st_dev, found.st_ino) if known else None, is_known=known)

    @property
    def is_missing(self) -> bool:
        """By the system's word; one that may not be looked at is not called missing."""
        return self.is_known and self.id is None

    def is_same(self, other: FolderPlace) -> bool:
        """Also what is only written alike, if one of them cannot be looked at."""
        if self.id is not None and self.id == other.id:
            return True
        if self.path == other.path:
            return True
        is_open = not (self.is_known and other.is_known)
        return is_open and _folded(self.path) == _folded(other.path)


def _folded(path: PurePath) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())


def _upwards(path: str) -> Iterator[PurePath]:
    """The path itself and the folders it lies in, the innermost first."""
    pure = PurePath(path)
    yield pure
    yield from pure.parents


def holds_one(folders: Sequence[str], path: str) -> bool:
    """Whether one of these folders is, by the file system's word, the path or above it.

    The path is a real one. A link on it was put there since, and is not followed.
    """
    ids = {place.id for place in map(FolderPlace.look, folders) if place.id is not None}
    above = (FolderPlace.look(folder, follow=False) for folder in _upwards(path))
    return bool(ids) and any(place.id in ids for place in above)


def rules_holding(path: str, rules: Sequence[FolderRule]) -> list[FolderRule]:
    """Those for the innermost folder with a rule, above the path as it is written and above the
    place its links lead to: all of them must allow what is done with the file."""
    if not rules:
        return []
    ends = [(rule, [FolderPlace.look(end) for end in rule.ends]) for rule in rules]
    found: dict[FolderRule, None] = {}
    for chain in dict.fromkeys((path, os.path.realpath(path))):
        for above in map(FolderPlace.look, _upwards(chain)):
            here = [rule for rule, places in ends if any(map(above.is_same, places))]
            if here:
                found |= dict.fromkeys(here)
                break
    return list(found)


def prepared_rule(rule: FolderRule) -> FolderRule:
    """The rule for the folder that the system takes it for, and for the target of its links."""
    folder = without_parents(rule.folder)
    target = os.path.realpath(folder)
    is_link = PurePath(target) != PurePath(folder) and not FolderPlace.look(target).is_missing
    return FolderRule(folder, rule.places, rule.allow_fallback, target if is_link else "")


def same_rules(folder: str, rules: Sequence[FolderRule]) -> list[FolderRule]:
    """The rules for this folder, under whatever name they were made."""
    place = FolderPlace.look(folder)
    return [rule for rule in rules if place.is_same(FolderPlace.look(rule.folder))]


def warnings_of(rule: FolderRule, table: ProviderTable) -> tuple[str, ...]:
    """What its user should know: the folder is not there, a place is not in the table."""
    found = []
    if FolderPlace.look(rule.folder).is_missing:
        folder = shown_folder(rule.folder)
        found.append(f"There is no folder {folder}. The rule applies when there is one.")
    for place in rule.places:
        name, _, region = place.partition("/")
        provider = table.provider(name)
        if place != ANY and provider is None:
            names = ", ".join(known.name for known in table.providers)
            found.append(f"There is no provider {name}; the providers are: {names}.")
        elif provider is not None and region and provider.region(region) is None:
            names = ", ".join(known.name for known in provider.regions)
            found.append(f"{provider.title} has no region {region}; its regions are: {names}.")
    return tuple(found)
