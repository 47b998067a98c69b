"""A large database is checked while it is in use, unless damage is likely: then before."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.user_profile import integrity, later_check, opening
from exai_desktop.storage.user_profile.later_check import LaterCheck
from exai_desktop.storage.user_profile.opening import PATIENCE_S, WEEK_S, Opened, open_profile
from exai_desktop.storage.user_profile.snapshots import SnapshotFolder
from tests.engine.scripted_provider import ScriptedProvider

from .damaged_profile import NAME, NOW, jobs_of, uploaded


@pytest.fixture(autouse=True)
def every_database_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MOST_HASHED", 0)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A record with three files and a snapshot of it, closed cleanly at `NOW`."""
    await uploaded(tmp_path, "report", 3, ScriptedProvider())
    opened_at(tmp_path / NAME, 0.0).close()
    SnapshotFolder(tmp_path / "snapshots", tmp_path / NAME).take(NOW)
    opened = opened_at(tmp_path / NAME, 0.0)
    opened.close()
    return tmp_path / NAME


def opened_at(path: Path, later_s: float) -> Opened:
    return open_profile(path, lambda: NOW + later_s, write_file)


def spoil(path: Path, *, unseen: bool) -> None:
    """Write over one page of an index that opening does not touch; `unseen`: no time tells."""
    before = path.stat()
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'copies_job'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    if unseen:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_it_is_opened_without_a_look_and_checked_then(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_look(*_: object, **__: object) -> None:
        raise AssertionError("the start has waited for a check")

    monkeypatch.setattr(opening, "examine", no_look)
    opened = opened_at(path, 60.0)
    assert opened.check is not None
    opened.check.run()
    opened.close()


async def test_damage_that_is_found_then_is_mended_by_the_next_start(path: Path) -> None:
    spoil(path, unseen=True)
    opened = opened_at(path, 60.0)
    assert opened.problems == ()
    assert opened.check is not None
    with pytest.raises(EngineError) as caught:
        opened.check.run()
    assert caught.value.code is ErrorCode.DATABASE_ERROR
    opened.close()
    again = opened_at(path, 120.0)
    assert [problem.code for problem in again.problems] == [ErrorCode.DATABASE_RECOVERED]
    assert len(await jobs_of(again)) == 3
    again.close()
    healthy = opened_at(path, 180.0)
    assert healthy.problems == ()
    assert healthy.check is not None
    healthy.check.run()
    healthy.close()


@pytest.mark.parametrize("way", ["changed", "another file", "not closed", "long ago"])
def test_where_damage_is_likely_the_start_looks_first(path: Path, way: str) -> None:
    spoil(path, unseen=way != "changed")
    later_s = 60.0
    if way == "another file":
        copy = path.with_name("copy.db")
        copy.write_bytes(path.read_bytes())
        before = path.stat()
        os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
        copy.replace(path)
    elif way == "not closed":
        opened_at(path, 30.0).database.close()
    elif way == "long ago":
        later_s = PATIENCE_S + 60.0
    opened = opened_at(path, later_s)
    assert [problem.code for problem in opened.problems] == [ErrorCode.DATABASE_RECOVERED]
    opened.close()


def test_once_a_week_every_row_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    real = integrity.check_open

    def noted(connection: sqlite3.Connection, *, thorough: bool) -> None:
        asked.append(thorough)
        real(connection, thorough=thorough)

    monkeypatch.setattr(later_check, "check_open", noted)
    for later_s in (60.0, WEEK_S + 60.0, WEEK_S + 120.0):
        opened = opened_at(path, later_s)
        assert opened.check is not None
        opened.check.run()
        opened.close()
    assert asked == [False, True, False]


def test_a_check_that_is_stopped_finds_nothing(path: Path) -> None:
    opened = opened_at(path, 60.0)
    check = opened.check
    assert isinstance(check, LaterCheck)
    check.stop()
    check.run()
    opened.close()
    assert opened_at(path, 120.0).check is not None
