"""What a case of the corpus is."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SAMPLES = Path(__file__).resolve().parents[2] / "resources" / "samples"

PROGRAM, ARCHIVE, BOMB = "MALICIOUS_FILE", "ARCHIVE_NOT_TAKEN", "ARCHIVE_BOMB"
MISMATCH, MACROS, LOCKED = "CONTENT_MISMATCH", "MACROS_FOUND", "ENCRYPTED_DOCUMENT"
DAMAGED, DECEPTIVE = "FILE_DAMAGED", "DECEPTIVE_NAME"
NO_KIND, EMPTY = "INVALID_FILE_TYPE", "EMPTY_FILE"


class Case(NamedTuple):
    """`code` is the refusal, None when the file is taken."""

    name: str
    make: Callable[[], bytes]
    kind: str
    code: str | None

    @property
    def id(self) -> str:
        return f"{self.kind} as {self.name}"


def of(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def noise(count: int) -> bytes:
    return random.Random(7).randbytes(count)
