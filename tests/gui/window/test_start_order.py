"""The window is on screen before the engine, the keyring and the line are loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# The real entry, ended at the first painting; what it prints is what was loaded until then.
PAINTED = """
import builtins, json, os, sys
PLAIN = builtins.__import__
from exai_desktop.gui import app
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

class Watched(QApplication):
    def notify(self, receiver, event):
        if event.type() == QEvent.Type.Paint:
            print(json.dumps([builtins.__import__ is PLAIN, sorted(sys.modules)]), flush=True)
            os._exit(0)
        return super().notify(receiver, event)

Watched(["exai-desktop"])
app.main()
"""
LATER = (
    *("exai_desktop.engine", "exai_desktop.storage", "exai_desktop.net", "exai_desktop.providers"),
    *("exai_desktop.core.settings", "exai_desktop.gui.files_page.page"),
    *("exai_desktop.gui.accounts.accounts_dialog", "exai_desktop.gui.accounts.providers_page"),
    *("pydantic", "keyring", "httpx", "cryptography", "sqlite3", "filelock"),
)


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> tuple[bool, set[str]]:
    home = tmp_path_factory.mktemp("start")
    done = subprocess.run(
        [sys.executable, "-c", PAINTED],
        env=os.environ | {"EXAI_DESKTOP_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert done.returncode == 0, done.stderr
    is_plain, modules = json.loads(done.stdout)
    return is_plain, set(modules)


def test_the_window_is_painted_before_the_engine_is_loaded(
    painted: tuple[bool, set[str]],
) -> None:
    loaded = painted[1]
    early = [name for name in loaded if any(f"{name}.".startswith(f"{x}.") for x in LATER)]
    assert sorted(early) == []
    assert "exai_desktop.gui.window.main_window" in loaded


def test_importing_is_python_s_own(painted: tuple[bool, set[str]]) -> None:
    """PySide6's reads the source of every module that is loaded after it."""
    assert painted[0]
