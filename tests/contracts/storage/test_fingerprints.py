"""The contract of `core.jobs.store.Fingerprints`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.files.files import FileId, Fingerprints
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import SqliteFingerprints

FILE = FileId(size=10, mtime_ns=1_700_000_000_123_456_789, device=2**63, inode=2**127)


@pytest.fixture
def fingerprints(tmp_path: Path) -> Iterator[Fingerprints]:
    database = Database(tmp_path / "test.db")
    yield SqliteFingerprints(database)
    database.close()


async def test_a_hit_needs_everything_to_agree(fingerprints: Fingerprints) -> None:
    await fingerprints.put("/a/b.pdf", FILE, "ab" * 32, 1.0)
    assert await fingerprints.get("/a/b.pdf", FILE) == "ab" * 32
    assert await fingerprints.get("/a/c.pdf", FILE) is None
    for field in ("size", "mtime_ns", "device", "inode"):
        other = replace(FILE, **{field: getattr(FILE, field) + 1})
        assert await fingerprints.get("/a/b.pdf", other) is None


async def test_the_newest_replaces_the_older(fingerprints: Fingerprints) -> None:
    changed = replace(FILE, mtime_ns=-1)
    await fingerprints.put("/a", FILE, "ab" * 32, 1.0)
    await fingerprints.put("/a", changed, "cd" * 32, 2.0)
    assert await fingerprints.get("/a", FILE) is None
    assert await fingerprints.get("/a", changed) == "cd" * 32


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
async def test_names_that_are_not_utf8_are_told_apart(fingerprints: Fingerprints) -> None:
    one, other = os.fsdecode(b"/\xfe"), os.fsdecode(b"/\xff")
    await fingerprints.put(one, FILE, "ab" * 32, 1.0)
    assert await fingerprints.get(one, FILE) == "ab" * 32
    assert await fingerprints.get(other, FILE) is None


async def test_it_outlives_the_process(tmp_path: Path) -> None:
    first = Database(tmp_path / "again.db")
    await SqliteFingerprints(first).put("/a", FILE, "ab" * 32, 1.0)
    first.close()
    second = Database(tmp_path / "again.db")
    assert await SqliteFingerprints(second).get("/a", FILE) == "ab" * 32
    second.close()
