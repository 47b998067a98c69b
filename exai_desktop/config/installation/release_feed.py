"""The signed list of versions: whether it is the project's, and newer than what was seen before.

Its form is told in docs/updates.md. Whoever holds the address, or the line to it, can withhold a
version, but not invent one, nor bring back an older list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exai_desktop import __version__
from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.audit_signing import signature_fits
from exai_desktop.config.resources import resource_path
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import Release

# Before the text that is signed: a signature made for anything else fits nothing here.
PURPOSE: Final = b"exai-desktop releases 1\n"
_LARGEST_BYTES: Final = 64 * 1024
_VERSION: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){1,3}", re.ASCII)
_PAGE: Final = re.compile(r"https://[!-~]{1,500}", re.ASCII)
_LONGEST_NOTES: Final = 2_000
_FIELDS: Final[dict[str, type]] = {
    "product": str,
    "number": int,
    "valid_until": int,
    "version": str,
    "page": str,
    "notes": str,
}


@dataclass(frozen=True, slots=True)
class ReleasePlace:
    """Where releases are published, and the public keys (Ed25519) of those who may."""

    address: str
    keys: tuple[str, ...]


def release_place() -> ReleasePlace:
    """As the build says it: resources/releases.json. Without a key nobody is believed."""
    try:
        found = json.loads(resource_path("releases.json").read_text(encoding="utf-8"))
        return ReleasePlace(str(found["address"]), tuple(map(str, found["keys"])))
    except (OSError, ValueError, KeyError, TypeError):
        return ReleasePlace("", ())  # a broken installation: uploads do not need it


class SignedReleases:
    """`engine.service.updates.ReleaseBook`, with its memory in a file of the profile."""

    def __init__(self, memory: Path, place: ReleasePlace) -> None:
        self._memory = memory
        self._place = place

    def address(self) -> str:
        return self._place.address if self._place.keys else ""

    def last(self) -> Release | None:
        seen = self._seen()
        try:
            return _release(seen, float(seen["checked_at"])) if seen else None
        except (KeyError, TypeError, ValueError):
            return None

    def take(self, raw: bytes, now: float) -> Release:
        feed = self._genuine(raw)
        seen = self._seen()
        if feed["valid_until"] < now:
            raise _refused("it is too old, or the clock of this computer is wrong")
        if feed["number"] < seen.get("number", 0):
            raise _refused("an older list than the one that was seen before")
        if _numbers(feed["version"]) < _numbers(seen.get("version", "0.0")):
            raise _refused(f"version {feed['version']} is older than the one named before")
        kept = json.dumps(feed | {"checked_at": now}, ensure_ascii=True)
        write_file(self._memory, kept.encode("ascii"))
        return _release(feed, now)

    def _genuine(self, raw: bytes) -> dict[str, Any]:
        if len(raw) > _LARGEST_BYTES:
            raise _refused("too large")
        try:
            outer = json.loads(raw)
            text, signature = outer["signed"].encode("ascii"), str(outer["signature"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _refused("not a signed list") from None
        if not any(signature_fits(key, PURPOSE + text, signature) for key in self._place.keys):
            raise _refused("its signature is not that of the project")
        try:
            return _checked(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise _refused(f"signed, but not as it should be: {error}") from None

    def _seen(self) -> dict[str, Any]:
        """Of the last list that was believed. A damaged memory is none: the next list fills it."""
        try:
            return _checked(json.loads(self._memory.read_bytes()))
        except (OSError, ValueError, RecursionError):
            return {}


def _checked(found: object) -> dict[str, Any]:
    """Raises ValueError for what is not a list of versions of this program."""
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - one kind for all of them
    for name, kind in _FIELDS.items():
        if type(found.get(name)) is not kind:
            raise ValueError(name)
    if found["product"] != "exai-desktop" or not 0 < found["number"] < 2**53:
        raise ValueError("product or number")
    if not _VERSION.fullmatch(found["version"]) or not _PAGE.fullmatch(found["page"]):
        raise ValueError("version or page")
    if len(found["notes"]) > _LONGEST_NOTES:
        raise ValueError("notes")
    return found


def _release(feed: dict[str, Any], checked_at: float) -> Release:
    is_newer = _numbers(feed["version"]) > _numbers(__version__)
    return Release(feed["version"], feed["page"], feed["notes"], checked_at, is_newer)


def _numbers(version: str) -> tuple[int, ...]:
    """What is behind the numbers (a build before the release) does not count; 1.2 is 1.2.0."""
    found = _VERSION.match(version)
    numbers = [int(part) for part in found.group().split(".")] if found else [0]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _refused(why: str) -> EngineError:
    return EngineError(ErrorCode.UPDATE_FEED_REFUSED, why)
