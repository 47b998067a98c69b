"""Runs code as a user without rights: permissions mean nothing to root."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NOBODY = 65534

# Imports first: afterwards even the program's own files may be out of reach.
_HEAD = """
import json, os, sys
from exai_desktop.core.errors.tree import AppError
from exai_desktop.engine.files import open_file, scanner
json.dumps("warm")
if os.getuid() == 0:
    os.setgroups([])
    os.setgid({nobody})
    os.setuid({nobody})
paths = sys.argv[1:]
"""


def run_as_nobody(code: str, *paths: Path) -> Any:
    """What `code` prints as JSON; it finds its arguments in `paths`."""
    command = [sys.executable, "-W", "error", "-c", _HEAD.format(nobody=NOBODY) + code]
    done = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A folder everybody can reach; pytest's own are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="exai-")).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for place, folders, _ in os.walk(folder):
            for name in folders:
                (Path(place) / name).chmod(0o755)
        shutil.rmtree(folder)
