"""Who is signed in at a Supabase project; see `m0014_mirror`.

It is asked for with each file, and kept from one sign-in or sign-out to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.storage.database import Database
from exai_desktop.storage.sqlite.driver import Connection

_ACTIVE: Final = """
SELECT id, url, user_id, device_id, keeps_copies FROM mirror_targets WHERE active = 1"""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`keeps_copies`: whether each stored job is noted for a copy in Storage."""

    target: MirrorTarget
    keeps_copies: bool


def _signed_in(connection: Connection) -> SignedIn | None:
    row = connection.execute(_ACTIVE).fetchone()
    if row is None:
        return None
    *target, keeps_copies = row
    return SignedIn(MirrorTarget(*target), bool(keeps_copies))


async def signed_in(database: Database) -> SignedIn | None:
    """None: nobody is. Who changes it does so with `Database.write_change`."""
    return await database.read_kept(_signed_in)


async def sign_out(database: Database) -> None:
    """Changes wait for nobody from now on."""
    sql = "UPDATE mirror_targets SET active = 0"
    await database.write_change(lambda connection: connection.execute(sql))


async def keep_copies(database: Database, *, is_on: bool) -> None:
    """For who is signed in; written only when it is otherwise."""
    found = await signed_in(database)
    if found is not None and found.keeps_copies != is_on:
        sql = "UPDATE mirror_targets SET keeps_copies = ? WHERE active = 1"
        await database.write_change(lambda connection: connection.execute(sql, (int(is_on),)))
