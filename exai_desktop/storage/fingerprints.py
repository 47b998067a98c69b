"""The cache of content hashes."""

from __future__ import annotations

import os
from typing import Final

from exai_desktop.core.models import FileId
from exai_desktop.storage.database import Database
from exai_desktop.storage.driver import Row

_PUT: Final = """
INSERT INTO fingerprints (path, identity, sha256, taken_at) VALUES (?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    identity = excluded.identity, sha256 = excluded.sha256, taken_at = excluded.taken_at"""


class SqliteFingerprints:
    """`core.stores.Fingerprints` on the profile's database: one row a path, the newest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, path: str, file_id: FileId) -> str | None:
        row: Row | None = await self._database.read(
            lambda connection: connection.execute(
                "SELECT sha256 FROM fingerprints WHERE path = ? AND identity = ?",
                (os.fsencode(path), _identity(file_id)),
            ).fetchone()
        )
        return None if row is None else row["sha256"]

    async def put(self, path: str, file_id: FileId, sha256: str, at: float) -> None:
        row = (os.fsencode(path), _identity(file_id), sha256, at)
        await self._database.write(lambda connection: connection.execute(_PUT, row).rowcount)


def _identity(file_id: FileId) -> str:
    return f"{file_id.size}:{file_id.mtime_ns}:{file_id.device}:{file_id.inode}"
