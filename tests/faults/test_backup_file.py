"""A backup file that is damaged, incomplete or made by somebody who means harm is refused."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import stat
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exai_desktop.bootstrap import present_profile, restore_backup, verify_backup
from exai_desktop.bootstrap.backups import ProfileBackup
from exai_desktop.config.paths import places
from exai_desktop.config.secret_store import SessionStore
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.machine import BackupContent
from exai_desktop.storage.database import Database
from exai_desktop.storage.text_cache import SqliteTexts
from exai_desktop.storage.user_profile import backup_file
from exai_desktop.storage.user_profile.backup_file import BackupSource, write_backup
from exai_desktop.storage.user_profile.profile_lock import ProfileLock

NOW = 1_800_000_000.0
DATABASE = "exai-desktop.db"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A sound one of an empty record, with texts and keys."""
    folder = tmp_path / "made"
    folder.mkdir()
    Database(folder / DATABASE).close()
    SqliteTexts(folder / "texts.db").close()
    VaultStore(folder / "vault").create("a passphrase for tests", "", {"audit": "00"})
    source = BackupSource(
        folder / DATABASE,
        b'{"version": 1}\n',
        ("work",),
        "0.0.0",
        folder / "texts.db",
        (folder / "vault").read_bytes(),
    )
    write_backup(folder / "backup", source, NOW)
    return folder / "backup"


def refused(file: Path) -> AppError:
    """Neither is it found sound, nor does it become anything of the profile."""
    with pytest.raises(AppError) as caught:
        verify_backup(file)
    with pytest.raises(AppError) as again:
        restore_backup(file, "", None)
    assert again.value.code is caught.value.code
    assert present_profile() == "" and not (places().data / "restoring").exists()
    return caught.value


def test_one_that_is_sound_tells_what_is_in_it(backup: Path) -> None:
    content = verify_backup(backup)
    assert (content.jobs, content.copies, content.accounts) == (0, 0, ("work",))
    assert content.has_texts and content.has_keys
    assert (content.made_at, content.bytes) == (NOW, backup.stat().st_size)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    # Nothing is left beside it, and ordinary programs can open it.
    assert [path.name for path in backup.parent.glob(".backup*")] == []
    with zipfile.ZipFile(backup) as archive:
        assert archive.testzip() is None


def test_one_that_was_cut_is_refused_wherever(backup: Path) -> None:
    whole = backup.read_bytes()
    chance = random.Random(1)
    for length in [0, 1, 21, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(40))]:
        backup.write_bytes(whole[:length])
        with pytest.raises(AppError) as caught:
            verify_backup(backup)
        assert caught.value.code is ErrorCode.BACKUP_DAMAGED, length


def test_a_changed_byte_is_found_or_harmless(backup: Path) -> None:
    """What no checksum covers, as a date of the ZIP file, changes nothing that is restored."""
    whole, chance = backup.read_bytes(), random.Random(2)
    sound = verify_backup(backup)
    found = 0
    for _ in range(50):
        place = chance.randrange(len(whole))
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        backup.write_bytes(changed)
        verdict = told(backup)
        assert verdict in {sound, ErrorCode.BACKUP_DAMAGED, ErrorCode.BACKUP_NEWER}, place
        found += verdict != sound
    assert found > 45


def told(backup: Path) -> BackupContent | ErrorCode:
    try:
        return verify_backup(backup)
    except AppError as error:
        return error.code


def test_of_another_program_or_a_newer_one(backup: Path) -> None:
    assert refused(remade(backup, manifest={"format": "another"})).code is ErrorCode.BACKUP_DAMAGED
    assert refused(remade(backup, manifest={"version": 2})).code is ErrorCode.BACKUP_NEWER


def test_the_database_of_a_newer_program(backup: Path, tmp_path: Path) -> None:
    def newer(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('exai_desktop', 'a_later_step', '')"
        )

    changed = with_database(backup, tmp_path, newer)
    assert refused(changed).code is ErrorCode.BACKUP_NEWER


def _trigger(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TRIGGER harm AFTER INSERT ON jobs BEGIN DELETE FROM copies; END")


def _no_table(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE copies")


def _bad_row(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'jobs'")


@pytest.mark.parametrize("change", [_trigger, _no_table, _bad_row])
def test_a_database_that_none_of_ours_can_be(
    backup: Path, tmp_path: Path, change: Callable[[sqlite3.Connection], None]
) -> None:
    """Although its checksum is right: anybody can make one."""
    assert refused(with_database(backup, tmp_path, change)).code is ErrorCode.BACKUP_DAMAGED


@pytest.mark.parametrize(
    "name", ["../escaped", "/tmp/escaped", "profile.json", "a/b", "vault", "..\\escaped", "x\0y"]
)
def test_a_part_of_another_name_is_never_written(backup: Path, name: str, tmp_path: Path) -> None:
    parts = read(backup)
    parts[name] = b"harm"
    changed = made(backup, parts)
    assert refused(changed).code is ErrorCode.BACKUP_DAMAGED
    assert not (tmp_path / "escaped").exists() and not Path("/tmp/escaped").exists()


def test_parts_twice_missing_packed_or_unnamed(backup: Path) -> None:
    for lost in ("manifest.json", DATABASE, "settings.json", "keys"):
        parts = read(backup)
        del parts[lost]
        assert refused(made(backup, parts)).code is ErrorCode.BACKUP_DAMAGED
    parts = read(backup)
    manifest = json.loads(parts["manifest.json"])
    del manifest["parts"]["settings.json"]
    named = parts | {"manifest.json": json.dumps(manifest).encode()}
    assert refused(made(backup, named)).code is ErrorCode.BACKUP_DAMAGED
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = made(backup, parts, again="settings.json")
    assert refused(twice).code is ErrorCode.BACKUP_DAMAGED
    packed = made(backup, parts, method=zipfile.ZIP_DEFLATED)
    assert refused(packed).code is ErrorCode.BACKUP_DAMAGED


def test_a_bomb_and_sizes_that_are_no_truth(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(backup)
    bomb = made(backup, whole | {"settings.json": bytes(50_000_000)}, method=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 5_000_000
    assert refused(bomb).code is ErrorCode.BACKUP_DAMAGED
    large = remade(backup, parts={"settings.json": b" " * 5_000_000})
    assert "too large" in refused(large).detail
    claims = bytearray(made(backup, whole).read_bytes())
    place = claims.rindex(DATABASE.encode()) - 46 + 20
    struct.pack_into("<II", claims, place, 0xFFFFFF00, 0xFFFFFF00)
    backup.write_bytes(claims)
    assert refused(backup).code is ErrorCode.BACKUP_DAMAGED
    manifest = made(backup, whole | {"manifest.json": b" " * 300_000})
    assert refused(manifest).code is ErrorCode.BACKUP_DAMAGED
    # A list of contents that would fill the memory is not even read.
    monkeypatch.setattr(backup_file, "_LARGEST_READ", 100_000)
    many = whole | {f"part-{number}": b"" for number in range(5_000)}
    assert "too long" in refused(made(backup, many)).detail


def test_what_is_no_file_or_cannot_be_read(tmp_path: Path) -> None:
    assert refused(tmp_path / "none").code is ErrorCode.FILE_NOT_FOUND
    assert refused(tmp_path).code is ErrorCode.NOT_A_FILE
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe").code is ErrorCode.NOT_A_FILE


def test_while_the_program_runs_nothing_is_restored(backup: Path) -> None:
    lock = ProfileLock(places().locks / "profile.lock")
    with lock:
        for call in (present_profile, lambda: restore_backup(backup, "", None)):
            with pytest.raises(AppError) as caught:
                call()
            assert caught.value.code is ErrorCode.PROFILE_IN_USE
    assert restore_backup(backup, "", None).aside == ""


def test_a_backup_replaces_nothing_but_a_backup(backup: Path, tmp_path: Path) -> None:
    where = places()
    Database(where.database).close()
    make = ProfileBackup(where, where.database, SessionStore())
    assert make(backup, texts=True, passphrase="").has_keys is False
    assert verify_backup(backup).accounts == ()
    precious = tmp_path / "thesis.docx"
    precious.write_bytes(b"years of work")
    for target in (precious, tmp_path, tmp_path / "none" / "backup"):
        with pytest.raises(AppError) as caught:
            make(target, texts=False, passphrase="")
        assert caught.value.code is ErrorCode.BACKUP_NOT_WRITTEN
    assert precious.read_bytes() == b"years of work"


def test_a_wrong_passphrase_changes_nothing(backup: Path) -> None:
    with pytest.raises(AppError) as caught:
        restore_backup(backup, "not the passphrase", None)
    assert caught.value.code is ErrorCode.WRONG_PASSPHRASE
    assert present_profile() == ""
    assert not (places().data / "restoring").exists()


# -- making files by hand


def read(backup: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(backup) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def made(
    backup: Path, parts: dict[str, bytes], *, method: int = zipfile.ZIP_STORED, again: str = ""
) -> Path:
    target = backup.with_name("changed")
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
        if again:
            archive.writestr(again, parts[again])
    return target


def remade(
    backup: Path, manifest: dict[str, object] | None = None, parts: dict[str, bytes] | None = None
) -> Path:
    """With changes, and the manifest that fits them."""
    whole = read(backup) | (parts or {})
    told = json.loads(whole["manifest.json"])
    for name in parts or {}:
        size, digest = len(whole[name]), hashlib.sha256(whole[name]).hexdigest()
        told["parts"][name] = {"bytes": size, "sha256": digest}
    whole["manifest.json"] = json.dumps(told | (manifest or {})).encode()
    return made(backup, whole)


def with_database(backup: Path, folder: Path, change: Callable[[sqlite3.Connection], None]) -> Path:
    file = folder / "changed.db"
    file.write_bytes(read(backup)[DATABASE])
    with closing(sqlite3.connect(file)) as connection:
        change(connection)
        connection.commit()
    return remade(backup, parts={DATABASE: file.read_bytes()})
