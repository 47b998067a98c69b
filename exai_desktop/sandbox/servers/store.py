"""Files kept on disk: bytes by id, and an index of lines that a restarted sandbox replays."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from exai_desktop.sandbox.flavours import FLAVOURS


@dataclass(slots=True)
class StoredFile:
    """One file as a provider keeps it."""

    id: str
    flavour: str
    name: str
    bytes: int
    purpose: str
    mime: str
    created_at: float
    ready_at: float
    failed: bool = False
    deleted: bool = False
    sha256: str | None = None


@dataclass(slots=True)
class Shelf:
    """The files of one flavour; names and total are kept so that caps cost nothing to check."""

    files: dict[str, StoredFile] = field(default_factory=dict)
    live: dict[str, StoredFile] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)
    total_bytes: int = 0

    def put(self, file: StoredFile) -> None:
        """Take a file in."""
        self.files[file.id] = file
        self.live[file.id] = file
        self.names[file.name] += 1
        self.total_bytes += file.bytes

    def drop(self, file: StoredFile) -> None:
        """Mark a file deleted; its record stays for the control endpoints."""
        del self.live[file.id]
        file.deleted = True
        self.total_bytes -= file.bytes
        self.names[file.name] -= 1

    def free_name(self, name: str) -> str:
        """The name itself, or `stem (n).ext` when a live file has it."""
        if not self.names[name]:
            return name
        path = Path(name)
        number = 1
        while self.names[f"{path.stem} ({number}){path.suffix}"]:
            number += 1
        return f"{path.stem} ({number}){path.suffix}"


def _empty_shelves() -> dict[str, Shelf]:
    return {flavour.name: Shelf() for flavour in FLAVOURS}


class Store:
    """A folder with `incoming/` (bodies on their way), `blobs/` and `index.jsonl`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.blobs = root / "blobs"
        self.incoming.mkdir(parents=True, exist_ok=True)
        self.blobs.mkdir(exist_ok=True)
        self._shelves = _empty_shelves()
        for leftover in self.incoming.iterdir():
            leftover.unlink()
        self._replay(root / "index.jsonl")
        self._index = (root / "index.jsonl").open("a", encoding="utf-8")
        if self._index.tell():
            self._index.write("\n")  # ends a line that a killed process left half written

    def shelf(self, flavour: str) -> Shelf:
        """The files of one flavour."""
        return self._shelves[flavour]

    def all_files(self) -> Iterator[StoredFile]:
        """Every file ever stored, deleted ones too."""
        for shelf in self._shelves.values():
            yield from shelf.files.values()

    def file_with(self, file_id: str) -> StoredFile | None:
        """The file of that id in any flavour, deleted or not."""
        for shelf in self._shelves.values():
            if file := shelf.files.get(file_id):
                return file
        return None

    def incoming_path(self) -> Path:
        """A fresh path for a body that is being received."""
        return self.incoming / uuid.uuid4().hex

    def blob(self, file: StoredFile) -> Path:
        """Where the bytes of a file lie."""
        return self.blobs / file.id

    def add(self, file: StoredFile, body: Path) -> None:
        """Keep a received body under its id; one rename, so a crash leaves all or nothing."""
        body.rename(self.blob(file))
        self._shelves[file.flavour].put(file)
        self._write({"op": "add", **asdict(file)})

    def delete(self, file: StoredFile) -> None:
        """Mark deleted; the bytes stay until the next start for whoever wants to compare them."""
        self._shelves[file.flavour].drop(file)
        self._write({"op": "delete", "id": file.id})

    def fingerprint(self, file: StoredFile) -> str:
        """SHA-256 of the stored bytes, computed when first asked for: uploads stay fast."""
        if file.sha256 is None:
            with self.blob(file).open("rb") as body:
                file.sha256 = hashlib.file_digest(body, "sha256").hexdigest()
            self._write({"op": "sha256", "id": file.id, "sha256": file.sha256})
        return file.sha256

    def clear(self) -> None:
        """Forget everything; bodies still on their way are left to their requests."""
        self._shelves = _empty_shelves()
        for blob in self.blobs.iterdir():
            blob.unlink()
        self._index.truncate(0)

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _write(self, record: dict[str, Any]) -> None:
        self._index.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._index.flush()

    def _replay(self, index: Path) -> None:
        if not index.exists():
            return
        for line in index.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # the last line of a killed process may be half written
                self._apply(json.loads(line or "{}"))
        for file in self.all_files():
            if file.deleted:
                file.sha256 = file.sha256 or ""
                self.blob(file).unlink(missing_ok=True)

    def _apply(self, record: dict[str, Any]) -> None:
        operation = record.pop("op", None)
        if operation is None:
            return
        if operation == "add":
            file = StoredFile(**record)
            if self.blob(file).exists():
                self._shelves[file.flavour].put(file)
            return
        known = self.file_with(record["id"])
        if known is None:
            return
        if operation == "sha256":
            known.sha256 = record["sha256"]
        elif not known.deleted:
            self._shelves[known.flavour].drop(known)
