"""A real ClamAV daemon with own signatures: nothing is downloaded, nothing listens outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

# In two halves: the harmless test file that all scanners know is not to lie in the sources.
EICAR: Final = (
    "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS" + "-TEST-FILE!$H+H*"
).encode()
# A document as people have them, with the signature's bytes in its text.
INFECTED: Final = b"Minutes of the meeting.\n" + EICAR + b"\n"
NAME: Final = "Own.Test.UNOFFICIAL"
LIMIT: Final = 1024 * 1024


class Daemon:
    """`clamd` in the foreground; `address` is what `clamd_address` takes."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
        if program is None:
            pytest.fail(
                "clamd not found. Run: packaging/linux/install-system-packages test", pytrace=False
            )
        (folder / "signatures").mkdir()
        (folder / "signatures" / "own.ndb").write_text(f"Own.Test:0:*:{EICAR.hex()}\n")
        self._socket = folder / "clamd.sock"
        place = f"LocalSocket {self._socket}"
        self.address = str(self._socket)
        if port is not None:
            place += f"\nTCPSocket {port}\nTCPAddr 127.0.0.1"
            self.address = f"127.0.0.1:{port}"
        (folder / "clamd.conf").write_text(
            f"{place}\nDatabaseDirectory {folder / 'signatures'}\nForeground yes\n"
            f"TemporaryDirectory {folder}\nStreamMaxLength {LIMIT}\nConcurrentDatabaseReload no\n"
        )
        self._log = folder / "clamd.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [program, "-c", str(folder / "clamd.conf")], stdout=log, stderr=log
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while not self._socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                said = self._log.read_text(errors="replace")
                pytest.fail(f"clamd did not come up: {said}", pytrace=False)
            time.sleep(0.02)

    def end(self) -> None:
        """By its own id."""
        if self.process.poll() is None:
            os.kill(self.process.pid, 9)
        self.process.wait(60)


@contextmanager
def clamav(port: int | None = None) -> Iterator[Daemon]:
    # Not pytest's temporary folder: a socket's path may hold some 100 characters only.
    folder = Path(tempfile.mkdtemp(prefix="exai-clamd-"))
    try:
        daemon = Daemon(folder, port)
        try:
            yield daemon
        finally:
            daemon.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
