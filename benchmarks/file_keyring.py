"""A keyring in a file: keys of the sandbox's accounts that outlive the process which added them.

Named to the program in PYTHON_KEYRING_BACKEND, its file in EXAI_BENCH_KEYS. Not for real keys.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from keyring.backend import KeyringBackend

BACKEND: Final = f"{__name__}.Keyring"
PLACE: Final = "EXAI_BENCH_KEYS"


class Keyring(KeyringBackend):
    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._keep(self._all() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._all()
        kept.pop(f"{service} {username}", None)
        self._keep(kept)

    def _all(self) -> dict[str, str]:
        path = self._path
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def _keep(self, keys: dict[str, str]) -> None:
        self._path.write_text(json.dumps(keys), encoding="utf-8")

    @property
    def _path(self) -> Path:
        return Path(os.environ[PLACE])
