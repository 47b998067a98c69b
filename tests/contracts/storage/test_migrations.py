"""Schemas: what is in them, and the way from one to the next."""

from __future__ import annotations

import importlib
import re
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyOrigin, CopyState
from exai_desktop.core.copies.queries import Sight
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.files.files import ScanVerdict
from exai_desktop.core.jobs.jobs import IN_FLIGHT, JobState
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations import m0001_first
from exai_desktop.storage.migrations import m0005_scans as scan_schema
from exai_desktop.storage.migrations import m0009_files as files_schema
from exai_desktop.storage.migrations import migrate as migrations

# What databases of users have written down: a step of another name would be applied again.
RELEASED = [
    "first_schema",
    "second_schema",
    "recovery_schema",
    "holdings_schema",
    "scan_schema",
    "consent_schema",
    "state_schema",
    "given_up_schema",
    "files_schema",
    "balance_schema",
    "health_schema",
]


def test_the_numbered_modules_of_the_folder_are_the_steps() -> None:
    """Each is applied, in the order of the numbers, under the name it was released with."""
    folder = Path(migrations.__file__).parent
    files = sorted(folder.rglob("m[0-9]*.py"), key=lambda file: file.stem)
    assert [int(file.stem[1:5]) for file in files] == list(range(1, len(files) + 1))
    names = [".".join(file.relative_to(folder).with_suffix("").parts) for file in files]
    modules = [importlib.import_module(f"{migrations.__package__}.{name}") for name in names]
    assert [(module.NAME, module.STATEMENTS) for module in modules] == list(migrations.STEPS)
    assert [name for name, _ in migrations.STEPS][: len(RELEASED)] == RELEASED


def words(text: str) -> set[str]:
    return set(re.findall(r"'(\w+)'", text))


def test_the_schema_knows_every_state() -> None:
    """A new state needs a migration: the CHECKs and the partial indexes name them all."""
    assert words(m0001_first.JOB_STATES) == set(JobState)
    assert words(m0001_first.COPY_STATES) == set(CopyState)
    assert words(m0001_first.IN_FLIGHT) == IN_FLIGHT
    assert words(m0001_first.PRESENT) == {CopyState.PRESENT}
    assert words(scan_schema.SCAN_VERDICTS) == set(ScanVerdict)
    assert words(files_schema.ORIGINS) == set(CopyOrigin)
    assert words(files_schema.SIGHTS) == set(Sight)


def test_all_tables_are_strict_and_all_states_checked(tmp_path: Path) -> None:
    Database(tmp_path / "test.db").close()
    with closing(sqlite3.connect(tmp_path / "test.db")) as connection:
        tables = {
            row[1]: row[5]
            for row in connection.execute("PRAGMA table_list")
            if not row[1].startswith(("sqlite_", "_sqlite"))
        }
        assert tables
        assert set(tables.values()) == {1}, tables
        for sql in (
            "INSERT INTO jobs (batch_id, path, name, search_text, state, size, created_at,"
            " updated_at, allow_fallback) VALUES (1, x'', '', '', 'lost', 0, 0, 0, 0)",
            "INSERT INTO copies VALUES (1, '', '', '', '', 0, '', '', 'lost', 1, 0, 0, 0, 0,"
            " 'sent')",
            "INSERT INTO looks VALUES (1, 1, 0, 'lost', 0)",
            "INSERT INTO history VALUES (1, 1, 0, 'lost', 'done', '')",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
                connection.execute(sql)


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (
            "SELECT id FROM jobs WHERE account = '' AND purpose = '' AND sha256 = '' AND "
            + m0001_first.IN_FLIGHT,
            "jobs_in_flight",
        ),
        (
            "SELECT * FROM copies WHERE account = '' AND purpose = '' AND sha256 = '' AND "
            + m0001_first.PRESENT,
            "copies_present",
        ),
    ],
)
def test_twins_are_looked_up_by_index(tmp_path: Path, sql: str, index: str) -> None:
    Database(tmp_path / "test.db").close()
    with closing(sqlite3.connect(tmp_path / "test.db")) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
    assert index in plan[0][3], plan


def later_step(monkeypatch: pytest.MonkeyPatch, name: str, *statements: str) -> None:
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, (name, statements)))


def test_a_step_is_applied_once_and_a_copy_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    Database(path).close()
    assert not list(tmp_path.glob("*.bak"))

    later_step(monkeypatch, "second", "CREATE TABLE second (a INTEGER) STRICT")
    Database(path).close()
    Database(path).close()

    (copy,) = tmp_path.glob("*.bak")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM second")
    with closing(sqlite3.connect(copy)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT * FROM second")
    if sys.platform != "win32":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_three_copies_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "test.db"
    for number in range(6):
        Database(path).close()
        later_step(monkeypatch, f"step {number}", f"CREATE TABLE step{number} (a INTEGER) STRICT")
    assert len(list(tmp_path.glob("*.bak"))) == 3
    # The newest: it has all steps but the last two (one applied after it, one never).
    newest = max(tmp_path.glob("*.bak"))
    with closing(sqlite3.connect(newest)) as connection:
        connection.execute("SELECT * FROM step3")


def test_a_step_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    Database(path).close()
    with monkeypatch.context() as patch:
        later_step(patch, "second", "CREATE TABLE second (a INTEGER) STRICT", "SELECT nonsense")
        with pytest.raises(EngineError) as caught:
            Database(path)
        assert caught.value.code is ErrorCode.DATABASE_ERROR
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT * FROM second")
    Database(path).close()


def test_a_newer_schema_is_refused_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    with monkeypatch.context() as patch:
        later_step(patch, "from the future", "CREATE TABLE future (a INTEGER) STRICT")
        Database(path).close()
    before = path.read_bytes()
    with pytest.raises(EngineError, match="newer version") as caught:
        Database(path)
    assert caught.value.code is ErrorCode.DATABASE_ERROR
    assert path.read_bytes() == before


def test_files_of_others_are_told_apart_in_an_older_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    names = [name for name, _ in migrations.STEPS]
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", migrations.STEPS[: names.index("files_schema")])
        Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        for number, (sha256, state) in enumerate([("ab", "present"), ("", "foreign")]):
            connection.execute(
                "INSERT INTO copies VALUES (?, 'kimi', 'a', 'p', ?, 1, ?, '', ?, 1, 0, NULL, 0, 0)",
                (number, sha256, f"f{number}", state),
            )
        connection.commit()
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT origin FROM copies ORDER BY id").fetchall()
    assert rows == [("sent",), ("found",)]
