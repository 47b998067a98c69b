"""A restored profile: whole or not at all, with its keys, and nothing is sent twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from exai_desktop.bootstrap.backups import ProfileBackup, end_restoring, verify_backup
from exai_desktop.config.paths import places
from exai_desktop.config.secret_store import SessionStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.text_cache import SqliteTexts
from exai_desktop.storage.user_profile.integrity import examine
from exai_desktop.storage.user_profile.profile_lock import ProfileLock
from tests.e2e.program import Program
from tests.e2e.server import KIMI, Server
from tests.e2e.test_cli_keys import at_a_terminal

MOST_CHANGES = 400


def make_profile(home: Path, name: str) -> None:
    """One whose every part carries its name."""
    where = places(home)
    Database(where.database).close()
    with closing(sqlite3.connect(where.database)) as connection:
        connection.execute(
            "INSERT INTO batches (id, created_at, origin, allow_fallback) VALUES (1, 0, ?, 0)",
            (name,),
        )
        connection.commit()
    SqliteTexts(where.texts).close()
    with closing(sqlite3.connect(where.texts)) as connection:
        connection.execute(
            "INSERT INTO texts (account, remote_id, text, bytes, fetched_at)"
            " VALUES (?, '', '', 0, 0)",
            (name,),
        )
        connection.commit()
    where.settings_file.write_text(json.dumps({"version": 1, "said_by": name}))
    (where.data / "profile.json").write_text(
        json.dumps({"version": 1, "id": "0123456789ab", "path": str(where.data)})
    )
    (where.data / "snapshots").mkdir()


def names_in(home: Path) -> set[str]:
    """Whose parts are there, each of them sound."""
    where = places(home)
    examine(where.database, thorough=True, schema="", now=2e9, aside=home / "aside")
    with closing(sqlite3.connect(where.database)) as connection:
        [(database,)] = connection.execute("SELECT origin FROM batches")
    with closing(sqlite3.connect(where.texts)) as connection:
        [(texts,)] = connection.execute("SELECT account FROM texts")
    settings = json.loads(where.settings_file.read_bytes())["said_by"]
    is_old = json.loads((where.data / "profile.json").read_bytes())["id"] == "0123456789ab"
    noted = (where.data / "snapshots" / "last-run.json").exists()
    return {database, texts, settings, "cli" if is_old else "gui", "gui" if noted else "cli"}


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not copied there")
def test_killed_at_each_change_of_the_disk_one_of_the_two_is_whole(tmp_path: Path) -> None:
    make_profile(tmp_path / "old", "cli")
    make_profile(tmp_path / "new", "gui")
    new = places(tmp_path / "new")
    ProfileBackup(new, new.database, SessionStore())(tmp_path / "backup", texts=True, passphrase="")
    folder = tmp_path / "killed"
    folder.mkdir()
    places(tmp_path / "old")
    command = [sys.executable, "-m", "tests.faults.killed_restore"]
    done = subprocess.run(
        [*command, tmp_path / "backup", tmp_path / "old", folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    number = int(done.stdout)
    assert 30 < number < MOST_CHANGES
    found = []
    for each in range(1, number + 1):
        where = places(folder / str(each))
        with ProfileLock(where.locks / "profile.lock"):
            end_restoring(where)
        [name] = names_in(folder / str(each))
        found.append(name)
        assert not (where.data / "restoring").exists()
        asides = list(where.data.glob("before-restore-*"))
        assert len(asides) == (name == "gui")
        if name == "gui":
            # The former one is whole, too, and a profile of its own.
            shutil.rmtree(asides[0] / "snapshots")
            assert names_in(asides[0]) == {"cli"}
    assert found == sorted(found), "the new one, once it stood, was lost again"
    assert set(found) == {"cli", "gui"}


PASSPHRASE = "a passphrase that opens nothing else"


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    return file


def upload(program: Program, folder: Path, name: str) -> str:
    """Upload a file of this name; its id."""
    file = folder / name
    file.write_text(f"the content of {name}", encoding="utf-8")
    found: str = program.upload(file).expect(0).row["file_id"]
    return found


def test_what_was_sent_since_is_found_and_the_keys_stay(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    first, backup = upload(program, tmp_path, "first.txt"), tmp_path / "backup"
    made = program.run("backup", "create", "--json", backup).expect(0).row
    assert (made["jobs"], made["accounts"], made["has_keys"]) == (1, ["main"], False)
    second = upload(program, tmp_path, "second.txt")
    # Nobody to ask, and not told to go on: nothing is touched.
    program.run("restore", backup).expect(2)
    assert len(program.jobs()) == 2
    restored = program.run("restore", "--yes", "--json", backup).expect(0).row
    assert restored["accounts_without_key"] == []
    again = program.upload(tmp_path / "second.txt")
    assert "DATABASE_PUT_BACK" in again.err
    assert again.expect(0).row["file_id"] == second
    assert upload(program, tmp_path, "first.txt") == first
    assert len(sandbox.stored(KIMI)) == 2
    program.run("audit", "verify").expect(0)
    assert "profile.restored" in program.run("audit", "export").expect(0).out
    # The former profile is whole, and one of its own: nobody asks which of the two lives on.
    former = Program(Path(restored["former_profile"]), program.environment)
    former.environment["EXAI_DESKTOP_HOME"] = restored["former_profile"]
    assert upload(former, tmp_path, "third.txt") == upload(program, tmp_path, "third.txt")
    assert len(former.jobs()) == 3


def test_on_another_computer_the_keys_come_from_the_backup(
    program: Program, sandbox: Server, tmp_path: Path, passphrase_file: Path
) -> None:
    program.add_account(sandbox)
    first, backup = upload(program, tmp_path, "first.txt"), tmp_path / "backup"
    keys = ("--keys-passphrase-file", passphrase_file)
    program.run("backup", "create", "--keys", *keys, backup).expect(0)
    content = backup.read_bytes()
    assert not [secret for secret in (*sandbox.keys, PASSPHRASE) if secret.encode() in content]
    second = upload(program, tmp_path, "second.txt")
    other = Program(program.home.with_name("other"), program.environment)
    other.environment |= {"EXAI_DESKTOP_HOME": str(other.home)}
    # Without a keyring: they go into a vault under the passphrase of the backup.
    other.environment |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    assert "VAULT_LOCKED" in other.run("restore", backup).expect(1).err
    said = other.run("restore", *keys, backup).expect(0).out
    assert "The passphrase of the backup opens it" in said
    assert (other.home / "vault").exists()
    other.environment |= {"EXAI_DESKTOP_PASSPHRASE_FILE": str(passphrase_file)}
    ids = [
        other.upload(tmp_path / name).expect(0).row["file_id"]
        for name in ("first.txt", "second.txt")
    ]
    assert ids == [first, second]
    assert len(sandbox.stored(KIMI)) == 2
    other.run("audit", "verify").expect(0)
    assert len(other.jobs()) == 3


def test_into_a_profile_with_a_vault(
    program: Program, sandbox: Server, tmp_path: Path, passphrase_file: Path
) -> None:
    program.environment |= {"EXAI_DESKTOP_PASSPHRASE_FILE": str(passphrase_file)}
    program.run("vault", "create", "--passphrase-file", passphrase_file).expect(0)
    program.add_account(sandbox)
    upload(program, tmp_path, "first.txt")
    program.run("backup", "create", tmp_path / "backup").expect(0)
    second = upload(program, tmp_path, "second.txt")
    program.run("restore", "--yes", tmp_path / "backup").expect(0)
    assert upload(program, tmp_path, "second.txt") == second
    program.run("audit", "verify").expect(0)
    # The same without the passphrase at hand: the vault stays as it is, and nobody is asked.
    without = {"EXAI_DESKTOP_PASSPHRASE_FILE": ""}
    program.run("restore", "--yes", tmp_path / "backup", environment=without).expect(0)
    assert upload(program, tmp_path, "second.txt") == second
    assert len(sandbox.stored(KIMI)) == 2


def test_a_backup_of_a_program_that_works(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    """Another process has the profile: it makes the backup."""
    program.add_account(sandbox)
    files = tmp_path / "files"
    files.mkdir()
    for number in range(12):
        (files / f"{number}.txt").write_text(f"{number}" * 1_000, encoding="utf-8")
    running = program.start("upload", "--json", files)
    while running.poll() is None:
        program.run("backup", "create", tmp_path / "backup").expect(0)
    program.finish(running).expect(0)
    verify_backup(tmp_path / "backup")
    program.run("backup", "verify", tmp_path / "backup").expect(0)
    program.run("restore", "--yes", tmp_path / "backup").expect(0)
    program.upload(files).expect(0)
    assert len(sandbox.stored(KIMI)) == 12


def test_a_restore_is_refused_while_the_program_runs(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    program.run("backup", "create", tmp_path / "backup").expect(0)
    lock = ProfileLock(program.home / "locks" / "profile.lock")
    with lock:
        refused = program.run("restore", "--yes", tmp_path / "backup").expect(4)
    assert "PROFILE_IN_USE" in refused.err


def test_at_a_terminal_one_is_asked_before_the_profile_is_replaced(
    program: Program, tmp_path: Path
) -> None:
    program.run("backup", "create", tmp_path / "backup").expect(0)
    program.run("setting", "set", "theme", "dark").expect(0)
    backup, theme = str(tmp_path / "backup"), ("setting", "list")
    code, said = at_a_terminal(program, "restore", backup, answers=["n"])
    assert (code, "Replace the profile" in said) == (1, True)
    assert "theme = dark" in program.run(*theme).expect(0).out
    code, said = at_a_terminal(program, "restore", backup, answers=["y"])
    assert (code, "The former profile is in" in said) == (0, True)
    assert "theme = system" in program.run(*theme).expect(0).out
