"""An empty record on the disk, for the tests of jobs; other tests have their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.core.jobs.store import JobStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.jobs import SqliteJobStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "test.db")
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> JobStore:
    return SqliteJobStore(database)
