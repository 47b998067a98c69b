"""A pause by the user, kept until it is over."""

from __future__ import annotations

import json
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Self

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.paths import Places
from exai_desktop.core.machine import KeptPause


class PauseFile:
    """`core.machine.PauseBook`: a small file in the profile. Not in the record: a backup from a
    paused program would pause the one it is restored to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, where: Places) -> Self:
        """For whoever holds the profile: a command that runs by a timer must not send either."""
        return cls(where.data / "pause.json")

    def load(self) -> KeptPause | None:
        """What cannot be read counts as a pause: nothing is sent that was not to be."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            return KeptPause(0.0)
        with suppress(ValueError, TypeError, KeyError, RecursionError, OverflowError):
            kept = json.loads(content)
            since, until = float(kept["since"]), kept["until"]
            if until is None or (isfinite(since) and isfinite(float(until))):
                return KeptPause(since, None if until is None else float(until))
        return KeptPause(0.0)

    def save(self, pause: KeptPause | None) -> None:
        if pause is None:
            self._path.unlink(missing_ok=True)
            return
        content = json.dumps({"since": pause.since, "until": pause.until})
        write_file(self._path, content.encode("ascii"))
