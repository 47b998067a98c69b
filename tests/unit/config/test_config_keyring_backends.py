"""Which keyring is used: the one the user names, else one of this system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exai_desktop.config.keyring_backends import is_secure

from .memory_keyring import MemoryKeyring

# Of a package that is in no environment: what a user has installed beside the program.
PLUGIN = """
from keyring.backend import KeyringBackend
class Installed(KeyringBackend):
    priority = 9
    get_password = set_password = lambda self, *words: None
class Weak(Installed):
    priority = 0.5
"""
WATCHED = """
import json, sys
started = []
PROGRAMS = ("subprocess.Popen", "os.posix_spawn", "os.system", "os.exec", "os.fork")
sys.addaudithook(lambda name, words: started.append(str(words)) if name in PROGRAMS else None)
from exai_desktop.config.keyring_backends import secure_backend
found = secure_backend()
loaded = sorted(n for n in sys.modules if n.startswith("keyring.backends."))
print(json.dumps([type(found).__name__, type(found).__module__, started, loaded]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "installed_keyring.py").write_text(PLUGIN)
    return tmp_path


def found(folder: Path, environment: dict[str, str]) -> tuple[str, str, list[str], list[str]]:
    clean = {k: v for k, v in os.environ.items() if k != "PYTHON_KEYRING_BACKEND"}
    own = {"PYTHONPATH": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WATCHED],
        env=clean | own | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    kind, module, started, loaded = json.loads(done.stdout)
    return kind, module, started, loaded


def register(folder: Path) -> None:
    """As an installed package does."""
    about = folder / "installed_keyring-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: installed-keyring\nVersion: 1.0\n"
    )
    (about / "entry_points.txt").write_text("[keyring.backends]\nmine = installed_keyring\n")


def unnamed(environment: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in environment.items() if k != "PYTHON_KEYRING_BACKEND"}


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_only_this_system_is_asked_and_no_program_is_started(
    folder: Path, secret_service: dict[str, str]
) -> None:
    kind, module, started, loaded = found(folder, unnamed(secret_service))
    assert (kind, module) == ("Keyring", "keyring.backends.SecretService")
    assert started == []
    assert not {"keyring.backends.macOS", "keyring.backends.Windows"} & set(loaded)


def test_without_any_there_is_none_and_no_program_is_started(folder: Path) -> None:
    environment = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/no-bus"}
    kind, _, started, _ = found(folder, environment)
    assert (kind, started) == ("NoneType", [])


def test_the_environment_names_one(folder: Path) -> None:
    named = {"PYTHON_KEYRING_BACKEND": "installed_keyring.Installed"}
    assert found(folder, named)[0] == "Installed"


@pytest.mark.parametrize(("kind", "used"), [("Installed", "Installed"), ("Weak", "NoneType")])
def test_the_file_of_the_library_names_one(folder: Path, kind: str, used: str) -> None:
    place = folder / "config" / "python_keyring"
    place.mkdir(parents=True)
    (place / "keyringrc.cfg").write_text(
        f"[backend]\ndefault-keyring=installed_keyring.{kind}\nkeyring-path={folder}\n"
    )
    assert found(folder, {})[0] == used


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_one_of_another_package_is_found_by_its_priority(
    folder: Path, secret_service: dict[str, str]
) -> None:
    register(folder)
    kind, _, started, _ = found(folder, unnamed(secret_service))
    assert (kind, started) == ("Installed", [])


def test_what_keeps_nothing_is_not_even_loaded(folder: Path) -> None:
    named = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    kind, _, _, loaded = found(folder, named)
    assert (kind, loaded) == ("NoneType", [])


class PlaintextKeyring(MemoryKeyring):
    """Named like the one that writes keys into a readable file."""


class HalfHearted(MemoryKeyring):
    priority = 0.5


@pytest.mark.parametrize(
    ("kind", "secure"), [(MemoryKeyring, True), (PlaintextKeyring, False), (HalfHearted, False)]
)
def test_only_secure_keyrings_are_taken(kind: type[MemoryKeyring], secure: bool) -> None:
    assert is_secure(kind()) is secure
