"""Putting a restored profile into the place of the present one, whole or not at all.

All of the new profile is made in a folder of its own first. A file there, written last, is the
decision: before it nothing of the present profile was touched, and what was made is thrown away;
after it every start of the program carries the exchange to its end. A part that is still in the
folder has not been exchanged yet, so each step can be done again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.tree import not_written
from exai_desktop.core.machine import WriteFile
from exai_desktop.storage.user_profile.set_aside import stamp
from exai_desktop.storage.user_profile.snapshots import folder_to_disk
from exai_desktop.storage.user_profile.wal_frames import index_of, log_of

_FOLDER: Final = "restoring"
_DECISION: Final = "decided"
_ASIDE: Final = "aside"
_NAME: Final = re.compile(r"before-restore-\d{8}T\d{6}Z(\.\d+)?")

_DATABASE: Final = "exai-desktop.db"
_SETTINGS: Final = "settings.json"
_TEXTS: Final = "texts.db"
# Behind the database: who finds the new one finds all that belongs to it by going on.
_EXCHANGED: Final = ("snapshots", _TEXTS, "vault", "audit.key", "profile.json")
# Of the present profile, and in use by the new one, too: the old one gets a copy.
_SHARED: Final = ("vault", "audit.key", "key-addresses.json")


@dataclass(frozen=True, slots=True)
class Restoring:
    """The exchange in one profile. Its lock is held. Blocks; raises `EngineError`."""

    data: Path
    settings_file: Path
    write_file: WriteFile

    @property
    def folder(self) -> Path:
        """Where the parts of the new profile are put, by their names in the profile."""
        return self.data / _FOLDER

    @property
    def _anchor_file(self) -> Path:
        return self.settings_file.with_name("audit-anchor.json")

    @contextmanager
    def begun(self) -> Iterator[Path]:
        """An empty folder for the parts; it is thrown away when they cannot be made."""
        with _told("the restored profile"):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(mode=0o700)
            (self.folder / _ASIDE).mkdir(mode=0o700)
            try:
                yield self.folder
            except BaseException:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise

    def decide(self, now: float) -> Path | None:
        """All parts are there: exchange them. Returns where the old profile is, None: there was
        none."""
        with _told("the restored profile"):
            self._copy_shared()
            name = self._free_name(now)
            for folder in (self.folder / _ASIDE, self.folder):
                folder_to_disk(folder)
            self.write_file(self.folder / _DECISION, f"{name}\n".encode())
        self.finish()
        aside = self.data / name
        return aside if aside.exists() else None

    def _free_name(self, now: float) -> str:
        name = f"before-restore-{stamp(now)}"
        taken = 0
        while (self.data / name).exists():
            taken += 1
            name = f"before-restore-{stamp(now)}.{taken}"
        return name

    def _copy_shared(self) -> None:
        for name in _SHARED:
            source, target = self.data / name, self.folder / _ASIDE / name
            if source.exists() and not (self.folder / name).exists():
                self.write_file(target, source.read_bytes())

    def finish(self) -> bool:
        """Carry a decided exchange to its end; throw away one that was not. Whether one ended."""
        if not self.folder.exists():
            return False
        with _told("the restored profile"):
            try:
                name = (self.folder / _DECISION).read_text(encoding="ascii").strip()
            except FileNotFoundError:
                shutil.rmtree(self.folder, ignore_errors=True)
                return False
            if not _NAME.fullmatch(name):
                raise OSError(0, "the note of the exchange was changed")
            self._exchange()
            aside = self.folder / _ASIDE
            if aside.exists() and any(aside.iterdir()):
                aside.rename(self.data / name)
            folder_to_disk(self.data)
            shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def _exchange(self) -> None:
        aside, database = self.folder / _ASIDE, self.data / _DATABASE
        if (self.folder / _DATABASE).exists():
            # Its log must not meet the new database.
            journal = database.with_name(f"{_DATABASE}-journal")
            self._put_aside(log_of(database), index_of(database), journal)
            self._exchange_one(_DATABASE)
        if (self.folder / _TEXTS).exists():
            self._put_aside(self.data / f"{_TEXTS}-journal")
        for name in _EXCHANGED:
            self._exchange_one(name)
        for folder in (aside, self.data):
            folder_to_disk(folder)
        new = self.folder / _SETTINGS
        if new.exists():
            # Perhaps on another disk: copied, the old ones first and once.
            for file in (self.settings_file, self._anchor_file):
                if file.exists() and not (aside / file.name).exists():
                    self.write_file(aside / file.name, file.read_bytes())
            # The anchor is of the old trail; the new one gets its own.
            self._anchor_file.unlink(missing_ok=True)
            self.write_file(self.settings_file.resolve(), new.read_bytes())
            new.unlink()

    def _put_aside(self, *files: Path) -> None:
        for file in files:
            if file.exists():
                file.replace(self.folder / _ASIDE / file.name)

    def _exchange_one(self, name: str) -> None:
        new, place = self.folder / name, self.data / name
        if not new.exists():
            return
        if place.exists() or place.is_symlink():
            place.rename(self.folder / _ASIDE / name)
        new.rename(place)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise not_written(error, what) from error
