"""What the figures were measured on, without a date: a document that is generated again and
found unchanged should be unchanged."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from pathlib import Path

from PySide6.QtCore import qVersion


def machine_line() -> str:
    """Cores, processor and the versions that matter."""
    said = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout
    parts = [
        f"{os.cpu_count()} × {_processor()}",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"Qt {qVersion()}",
        " ".join(said.split()[:2]),
    ]
    return ", ".join(parts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return " ".join(next(names, "unknown processor").split())
