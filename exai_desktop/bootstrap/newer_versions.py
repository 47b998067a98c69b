"""What the engine needs to tell of newer versions: this installation, the signed list, the way."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from exai_desktop import __version__
from exai_desktop.config.installation.program import installed_by, own_folder, replaced_by
from exai_desktop.config.paths import Places
from exai_desktop.core.settings.table import BY_POLICY
from exai_desktop.engine.service.updates import UpdateParts

if TYPE_CHECKING:
    from exai_desktop.config.address_passwords import ProxyLogin
    from exai_desktop.config.settings.file import SettingsFile

_MEMORY: Final = "releases.json"


def update_parts(
    where: Places, settings: SettingsFile, login: ProxyLogin, is_without: bool
) -> UpdateParts:
    """`is_without`: nobody is asked for this profile."""
    folder = own_folder()
    told = partial(UpdateParts, __version__, installed_by(folder), partial(replaced_by, folder))
    if is_without:
        return told()
    from exai_desktop.config.installation import release_feed  # late: few profiles are without

    async def fetch(address: str) -> bytes:
        from exai_desktop.net.release_client import fetch_releases  # late: the HTTP stack

        await asyncio.to_thread(login.load)
        return await fetch_releases(address, login.settings)

    def forbidden() -> str:
        is_off = not login.settings.update_check
        if is_off and settings.fixed().get("update_check") == BY_POLICY:
            return f"{BY_POLICY} has switched it off"
        return ""

    place = release_feed.release_place()
    book = release_feed.SignedReleases(where.data / _MEMORY, place)
    return told(book=book, fetch=fetch, forbidden=forbidden)
