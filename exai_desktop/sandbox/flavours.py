"""The four services the sandbox plays, their paths and their fake keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FlavourName = Literal["kimi-intl", "kimi-cn", "zai", "bigmodel"]
Provider = Literal["kimi", "glm"]
Region = Literal["intl", "cn", "zai", "bigmodel"]


@dataclass(frozen=True, slots=True)
class Flavour:
    """One service of one region; a key belongs to exactly one of them."""

    name: FlavourName
    provider: Provider
    region: Region
    prefix: str
    key: str

    def takes(self, key: str | None) -> bool:
        """The key itself, or one of other people there: the same with a number behind it."""
        name, _, number = (key or "").rpartition("-")
        return self.key in {key, name if number.isascii() and number.isdecimal() else None}


FLAVOURS: tuple[Flavour, ...] = (
    Flavour("kimi-intl", "kimi", "intl", "/kimi-intl/v1", "sk-sandbox-kimi-intl-not-a-real-key"),
    Flavour("kimi-cn", "kimi", "cn", "/kimi-cn/v1", "sk-sandbox-kimi-cn-not-a-real-key"),
    Flavour("zai", "glm", "zai", "/zai/api/paas/v4", "sandboxzai0000.not-a-real-secret"),
    Flavour(
        "bigmodel",
        "glm",
        "bigmodel",
        "/bigmodel/api/paas/v4",
        "sandboxbigmodel0000.not-a-real-secret",
    ),
)

_BY_NAME: dict[str, Flavour] = {flavour.name: flavour for flavour in FLAVOURS}


def flavour_named(name: str) -> Flavour:
    """The flavour of that name; KeyError when there is none."""
    return _BY_NAME[name]


def flavour_at(path: str) -> Flavour | None:
    """The flavour whose prefix the path starts with."""
    for flavour in FLAVOURS:
        if path == flavour.prefix or path.startswith(flavour.prefix + "/"):
            return flavour
    return None


def flavour_of_key(key: str) -> Flavour | None:
    """The flavour a key belongs to, so that a wrong region can be told from a wrong key."""
    for flavour in FLAVOURS:
        if flavour.takes(key):
            return flavour
    return None
