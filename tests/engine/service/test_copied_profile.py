"""A profile that was copied: from when on the providers' lists are compared, and that they are."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exai_desktop.bootstrap.joining import open_service
from exai_desktop.bootstrap.profile_secrets import settle_copy
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError


async def _start() -> list[str]:
    """One start of the program; returns what the audit trail says of the profile."""
    async with open_service() as service:
        rows = await service.audit.rows(0, 100)
    return [row.action for row in rows if row.action.startswith("profile.")]


def _stored(home: Path, name: str) -> float:
    value: float = json.loads((home / "profile.json").read_text())[name]
    return value


def _since(home: Path) -> list[float]:
    with closing(sqlite3.connect(home / "exai-desktop.db")) as connection:
        return [row[0] for row in connection.execute("SELECT since FROM recoveries")]


def _execute(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "exai-desktop.db")) as connection, connection:
        connection.execute(statement)


@pytest.fixture
async def copy(profile_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copy of a profile, in use from now on, and chosen to be the one that lives on."""
    await _start()
    copied = profile_home.with_name(f"{profile_home.name}-copy")
    shutil.copytree(profile_home, copied, ignore=shutil.ignore_patterns("locks"))
    monkeypatch.setenv("EXAI_DESKTOP_HOME", str(copied))
    with pytest.raises(EngineError) as caught:
        await _start()
    assert caught.value.code is ErrorCode.PROFILE_COPIED
    assert settle_copy("keep", None)
    return copied


async def test_lists_are_compared_from_the_last_start_of_both_on(copy: Path) -> None:
    both_were_one = _stored(copy, "opened_at")
    assert await _start() == ["profile.keep"]
    assert _since(copy) == [pytest.approx(both_were_one)]
    assert _stored(copy, "opened_at") > both_were_one
    # Once.
    assert await _start() == ["profile.keep"]
    assert len(_since(copy)) == 1


async def test_a_start_that_cannot_note_the_choice_does_not_forget_it(copy: Path) -> None:
    both_were_one = _stored(copy, "opened_at")
    # The database of a newer version is only read.
    _execute(
        copy,
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('exai_desktop', 'm9999_later', '2099')",
    )
    assert await _start() == []
    _execute(copy, "DELETE FROM _sqlite_migrations WHERE name = 'm9999_later'")
    assert await _start() == ["profile.keep"]
    assert _since(copy) == [pytest.approx(both_were_one)]
