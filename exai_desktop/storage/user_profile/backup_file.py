"""A backup: one ZIP file with a manifest, the database, the settings, and on wish texts and keys.

It is judged as if somebody else had made it: only the names we know, nothing compressed, each size
and hash as the manifest says. No path of it is ever used.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, FileError, not_written
from exai_desktop.core.machine import BackupContent
from exai_desktop.storage.user_profile.backup_database import Counted, copy_database, count_rows
from exai_desktop.storage.user_profile.snapshots import digest_of, folder_to_disk

FORMAT: Final = "exai-desktop backup"
VERSION: Final = 1

_MANIFEST: Final = "manifest.json"
_LARGEST_MANIFEST: Final = 256 * 1024
# Settings and keys: the largest that the program reads itself.
_LARGEST_SMALL: Final = 4 * 1024 * 1024
_BLOCK: Final = 1024 * 1024
# The directory of a ZIP file is read at once: one with millions of entries would fill the memory.
_LARGEST_READ: Final = 4 * _BLOCK
_LINK_BITS: Final = 16
# The years a date can have.
_LAST_S: Final = 253_402_300_799.0


class Part(StrEnum):
    """What a backup may hold, by its name in the file."""

    DATABASE = "exai-desktop.db"
    SETTINGS = "settings.json"
    TEXTS = "texts.db"
    KEYS = "keys"


_NEEDED: Final = (Part.DATABASE, Part.SETTINGS)
_SMALL: Final = (Part.SETTINGS, Part.KEYS)


class _PartInfo(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    bytes: int = Field(ge=0)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    format: str
    version: int
    program: Annotated[str, Field(max_length=100)]
    made_at: Annotated[float, Field(ge=0, le=_LAST_S, allow_inf_nan=False)]
    schema_steps: list[str]
    jobs: Annotated[int, Field(ge=0)]
    copies: Annotated[int, Field(ge=0)]
    accounts: list[str]
    parts: dict[str, _PartInfo]


@dataclass(frozen=True, slots=True)
class BackupSource:
    """What goes into a backup. `keys` is a vault, b"" for none."""

    database: Path
    settings: bytes
    accounts: tuple[str, ...]
    program: str
    texts: Path | None = None
    keys: bytes = b""


# -- writing


def write_backup(target: Path, source: BackupSource, now: float) -> BackupContent:
    """Blocks. The target is replaced as a whole, and only when it is a backup itself.

    Raises BACKUP_NOT_WRITTEN, and what keeps the database from being read.
    """
    try:
        _refuse_other_file(target)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            return _write(target, source, now, Path(folder))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise EngineError(ErrorCode.BACKUP_NOT_WRITTEN, f"{target}: {why}") from error
    except EngineError as error:
        if error.code is not ErrorCode.DISK_FULL:
            raise
        # Another disk than that of the profile.
        raise EngineError(ErrorCode.BACKUP_NOT_WRITTEN, f"{target}: {error.detail}") from error


def _refuse_other_file(target: Path) -> None:
    try:
        with opened_backup(target):
            return
    except FileError as error:
        if error.code is ErrorCode.FILE_NOT_FOUND:
            return
    except EngineError as error:
        if error.code is ErrorCode.BACKUP_NEWER:
            return
    raise EngineError(
        ErrorCode.BACKUP_NOT_WRITTEN, f"{target} exists and is not a backup: it is not replaced"
    )


def _write(target: Path, source: BackupSource, now: float, folder: Path) -> BackupContent:
    parts = {Part.DATABASE: folder / "database", Part.SETTINGS: folder / "settings"}
    copy_database(source.database, parts[Part.DATABASE])
    parts[Part.SETTINGS].write_bytes(source.settings)
    if source.texts is not None and source.texts.exists():
        parts[Part.TEXTS] = folder / "texts"
        copy_database(source.texts, parts[Part.TEXTS])
    if source.keys:
        parts[Part.KEYS] = folder / "keys"
        parts[Part.KEYS].write_bytes(source.keys)
    counted = count_rows(parts[Part.DATABASE], now)
    manifest = _manifest(source, now, counted, parts)
    draft = folder / "backup"
    # The mode first: nobody else may read it, not even for a moment.
    with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_MANIFEST, manifest.model_dump_json(indent=2) + "\n")
            for part, path in parts.items():
                archive.write(path, part.value)
        file.flush()
        os.fsync(file.fileno())
    size = draft.stat().st_size
    draft.replace(target)
    with suppress(OSError):  # memory sticks and shares may not know this
        folder_to_disk(target.parent)
    return _content(manifest, size)


def _manifest(
    source: BackupSource, now: float, counted: Counted, parts: Mapping[Part, Path]
) -> Manifest:
    return Manifest(
        format=FORMAT,
        version=VERSION,
        program=source.program,
        made_at=now,
        schema_steps=list(counted.steps),
        jobs=counted.jobs,
        copies=counted.copies,
        accounts=list(source.accounts),
        parts={
            part.value: _PartInfo(bytes=path.stat().st_size, sha256=digest_of(path))
            for part, path in parts.items()
        },
    )


def _content(manifest: Manifest, size: int) -> BackupContent:
    return BackupContent(
        manifest.made_at,
        manifest.program,
        manifest.jobs,
        manifest.copies,
        tuple(manifest.accounts),
        Part.TEXTS in manifest.parts,
        Part.KEYS in manifest.parts,
        size,
    )


# -- reading


class OpenBackup:
    """A backup whose list of contents is sound; what a part holds is checked when it is read."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, size: int) -> None:
        self._archive = archive
        self.manifest = manifest
        self.content = _content(manifest, size)

    @property
    def parts(self) -> list[Part]:
        return [Part(name) for name in self.manifest.parts]

    def check_counted(self, counted: Counted) -> None:
        """Whether the manifest tells of this database. Raises BACKUP_DAMAGED."""
        told = (tuple(self.manifest.schema_steps), self.manifest.jobs, self.manifest.copies)
        if told != (counted.steps, counted.jobs, counted.copies):
            raise _damaged("its manifest does not fit its database")

    def extract(self, part: Part, target: Path) -> None:
        """Copy one part to a new file, readable for its owner alone, and check its hash.

        Raises OSError for what the disk with the target says.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(target, flags, 0o600), "wb") as file:
            self._copy(part, file)
            file.flush()
            os.fsync(file.fileno())

    def read(self, part: Part) -> bytes:
        """A small one, as a whole."""
        whole = io.BytesIO()
        self._copy(part, whole)
        return whole.getvalue()

    def _copy(self, part: Part, target: IO[bytes]) -> None:
        found, count, expected = hashlib.sha256(), 0, self.manifest.parts[part]
        with _damage_told(part.value), self._archive.open(part.value) as source:
            while block := source.read(_BLOCK):
                count += len(block)
                if count > expected.bytes:
                    break
                found.update(block)
                # Not within what is taken for damage of the backup: the disk may be full.
                target.write(block)
        if count != expected.bytes or found.hexdigest() != expected.sha256:
            raise _damaged(f"{part}: it is not what was backed up (wrong checksum)")


class _BoundedFile(io.FileIO):
    """Never reads much at once, whatever a length in the file says."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _LARGEST_READ  # asked for at the end of the file only
        if size > _LARGEST_READ:
            raise zipfile.BadZipFile("its list of contents is too long")
        return super().read(size) or b""


@contextmanager
def opened_backup(path: Path) -> Iterator[OpenBackup]:
    """Raises BACKUP_DAMAGED, BACKUP_NEWER, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_FILE."""
    try:
        # Not to wait for a pipe that nobody writes to.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError as error:
        raise FileError(ErrorCode.FILE_NOT_FOUND, str(path)) from error
    except OSError as error:
        raise FileError(ErrorCode.FILE_UNREADABLE, f"{path}: {error.strerror}") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise FileError(ErrorCode.NOT_A_FILE, str(path))
    with _BoundedFile(handle) as file:
        with _damage_told("the file"):
            archive = zipfile.ZipFile(file)
        with archive:
            yield OpenBackup(archive, _checked(archive, found.st_size), found.st_size)


def _checked(archive: zipfile.ZipFile, size: int) -> Manifest:
    """The manifest, when the list of contents fits it and nothing else is in the file."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(names) != len(set(names)):
        raise _damaged("a part is in it twice")
    if _MANIFEST not in names:
        raise _damaged("it has no manifest")
    manifest = _read_manifest(archive, archive.getinfo(_MANIFEST))
    known = {*map(str, Part)}
    if strange := sorted({*names, *manifest.parts} - known - {_MANIFEST}):
        raise _damaged(f"it has a part that does not belong there: {strange[0][:80]!r}")
    if missing := sorted({*_NEEDED, *manifest.parts} - {*names} | {*_NEEDED} - {*manifest.parts}):
        raise _damaged(f"a part is missing: {missing[0]}")
    if extra := sorted({*names} - {_MANIFEST} - {*manifest.parts}):
        raise _damaged(f"its manifest does not name {extra[0]}")
    for member in members:
        _check_member(member, size)
    for name, info in manifest.parts.items():
        if archive.getinfo(name).file_size != info.bytes:
            raise _damaged(f"{name}: its size is not the one of the manifest")
        if Part(name) in _SMALL and info.bytes > _LARGEST_SMALL:
            raise _damaged(f"{name}: it is too large")
    return manifest


def _check_member(member: zipfile.ZipInfo, size: int) -> None:
    """As we write them: nothing compressed, so nothing can be larger than the file."""
    mode = member.external_attr >> _LINK_BITS
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 or stat.S_ISLNK(mode):
        raise _damaged(f"{member.filename[:80]!r}: it is not stored as a backup stores it")
    if member.file_size != member.compress_size or member.file_size > size:
        raise _damaged(f"{member.filename[:80]!r}: it claims to be larger than the file")


def _read_manifest(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Manifest:
    if member.file_size > _LARGEST_MANIFEST or member.compress_type != zipfile.ZIP_STORED:
        raise _damaged("its manifest is too large")
    with _damage_told("the manifest"), archive.open(member) as file:
        raw = file.read(_LARGEST_MANIFEST + 1)
    try:
        version = _Version.model_validate_json(raw)
        if version.format != FORMAT:
            raise _damaged("it is a file of another program")
        if version.version > VERSION:
            raise EngineError(
                ErrorCode.BACKUP_NEWER, f"the file has form {version.version}, {VERSION} is known"
            )
        return Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise _damaged("its manifest is not valid") from error


class _Version(BaseModel):
    """What all forms of the manifest have."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    format: str
    version: Annotated[int, Field(ge=1)]


@contextmanager
def _damage_told(what: str) -> Iterator[None]:
    """What reading a ZIP file of unknown origin may raise."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        struct.error,
        EOFError,
        KeyError,
        OverflowError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise _damaged(f"{what}: {error}") from error


def _damaged(why: str) -> EngineError:
    return EngineError(ErrorCode.BACKUP_DAMAGED, why)


def room_for(backup: OpenBackup, folder: Path) -> None:
    """Raises DISK_FULL before anything is copied, when there is not enough space."""
    wanted = sum(info.bytes for info in backup.manifest.parts.values())
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise not_written(error, str(folder)) from error
    if wanted > free:
        raise EngineError(
            ErrorCode.DISK_FULL, f"{folder}: {wanted:,} bytes are needed, {free:,} are free"
        )
