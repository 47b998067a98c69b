"""Every test runs in its own profile, away from the desktop and the keyring of whoever runs it."""

import gc
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from .raised_codes import CODES_OF, missing, watched
from .side_by_side import (
    pytest_collection_modifyitems,
    pytest_configure_node,
    pytest_report_to_serializable,
    pytest_runtest_protocol,
    pytest_unconfigure,
    pytest_xdist_auto_num_workers,
)

__all__ = [  # pytest finds its hooks here
    "pytest_collection_modifyitems",
    "pytest_configure_node",
    "pytest_report_to_serializable",
    "pytest_runtest_protocol",
    "pytest_unconfigure",
    "pytest_xdist_auto_num_workers",
]

PREFIX = "EXAI_DESKTOP_"
LIVE_PREFIX = "EXAI_DESKTOP_LIVE_"  # real providers with the user's own keys: never cleared

# No deadline: a busy machine is not a bug, and the per-test timeout catches real hangs.
settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True)
# What `test_full_coverage` runs again: the same examples each time, so a branch is reached or not.
settings.register_profile("reach", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "long", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# The programs that tests start would compile all their modules each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Before anybody imports Qt. QT_QPA_PLATFORM=xcb pytest ... shows the windows.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "*.debug=false;qt.qpa.*.info=false")

_profile_numbers = itertools.count(1)
# The keyring daemons of this session, by their bus.
_keyrings: dict[str, subprocess.Popen[bytes]] = {}


def pytest_collection_finish() -> None:
    """What is there now stays: to look through it for rubbish takes a third of a second."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that is named for an error code fails when the program does not raise it there."""
    if pyfuncitem.nodeid not in CODES_OF:
        return (yield)
    with watched() as seen:
        result = yield
    if why := missing(pyfuncitem.nodeid, seen):
        pytest.fail(why, pytrace=False)
    return result


@pytest.fixture(scope="session", autouse=True)
def _private_desktop() -> Iterator[None]:
    """Hide the session bus, the keyring and the XDG folders of the person at this machine."""
    # Not pytest's temporary folder: a socket's path may hold some 100 characters only.
    root = Path(tempfile.mkdtemp(prefix="exai-"))
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in _xdg_folders(root).items():
            patch.setenv(name, folder)
        # An address that nobody answers; without one, libraries go looking for the real bus.
        patch.setenv("DBUS_SESSION_BUS_ADDRESS", "disabled:")
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        yield
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(autouse=True)
def profile_home(
    _private_desktop: None,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The profile folder of this test; the program makes it when it needs it."""
    for name in list(os.environ):
        if name.startswith(PREFIX) and not name.startswith(LIVE_PREFIX):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / f"profile-{next(_profile_numbers)}"
    monkeypatch.setenv("EXAI_DESKTOP_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def secret_service(_private_desktop: None) -> Iterator[dict[str, str]]:
    """A real keyring service on a private bus; yields what a program must find in its environment.

    For a child process: ``subprocess.run(..., env=os.environ | secret_service)``. Not for the test
    process itself: keyring remembers the first backend it met.
    """
    programs = ("dbus-daemon", "dbus-send", "gnome-keyring-daemon")
    absent = [name for name in programs if shutil.which(name) is None]
    if absent:
        # Never a skip: a release whose keyring was not tried is not tested.
        pytest.fail(
            f"{', '.join(absent)} not found. Run: packaging/linux/install-system-packages test",
            pytrace=False,
        )
    root = Path(tempfile.mkdtemp(prefix="exai-"))
    started: list[subprocess.Popen[bytes]] = []
    try:
        environment = {**_xdg_folders(root), "HOME": str(root), "USERPROFILE": str(root)}
        environment["DBUS_SESSION_BUS_ADDRESS"] = _start_bus(root, started)
        environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.SecretService.Keyring"
        _start_keyring(root, environment, started)
        _keyrings[environment["DBUS_SESSION_BUS_ADDRESS"]] = started[-1]
        yield environment
    finally:
        started.append(_keyrings.pop(environment["DBUS_SESSION_BUS_ADDRESS"], started[-1]))
        for process in reversed(started):
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(root, ignore_errors=True)


def keyring_has_ended(environment: dict[str, str]) -> bool:
    """Whether the daemon of a `secret_service` is gone.

    gnome-keyring-daemon aborts by an assertion of its own when a program leaves at a bad moment.
    A desktop starts it anew; so do the tests, and repeat the one that met it (see pyproject.toml).
    """
    return _keyrings[environment["DBUS_SESSION_BUS_ADDRESS"]].poll() is not None


def restart_keyring(environment: dict[str, str]) -> None:
    """With what it had stored."""
    started: list[subprocess.Popen[bytes]] = []
    _start_keyring(Path(environment["HOME"]), environment, started)
    _keyrings[environment["DBUS_SESSION_BUS_ADDRESS"]] = started[0]


def _xdg_folders(root: Path) -> dict[str, str]:
    folders = {}
    for name in ("RUNTIME_DIR", "DATA_HOME", "CONFIG_HOME", "STATE_HOME", "CACHE_HOME"):
        folder = root / name.lower()
        folder.mkdir(mode=0o700)
        folders[f"XDG_{name}"] = str(folder)
    return folders


def _start_bus(root: Path, started: list[subprocess.Popen[bytes]]) -> str:
    # Own settings without service folders: nothing but what a test starts ever appears on this bus.
    socket = root / "bus"
    config = root / "bus.conf"
    config.write_text(
        '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"'
        ' "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">'
        f"<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>"
        '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
        '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>',
        encoding="utf-8",
    )
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog"]
    log = (root / "bus.log").open("wb")
    with log:
        started.append(subprocess.Popen(command, stdout=log, stderr=log))
    _wait_until(socket.exists, started[-1], root / "bus.log")
    return f"unix:path={socket}"


def _start_keyring(
    root: Path, environment: dict[str, str], started: list[subprocess.Popen[bytes]]
) -> None:
    command = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
    log = (root / "keyring.log").open("wb")
    full = os.environ | environment
    with log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=full)
    started.append(process)
    assert process.stdin is not None
    process.stdin.write(b"password of the test keyring")
    process.stdin.close()

    ask = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]
    ask += ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]

    def serves_secrets() -> bool:
        answer = subprocess.run(ask, env=full, capture_output=True, check=False, timeout=60)
        return b"boolean true" in answer.stdout

    _wait_until(serves_secrets, process, root / "keyring.log")


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if ready():
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    said = log.read_text(encoding="utf-8", errors="replace")
    pytest.fail(f"{process.args!r} did not come up. It said: {said or 'nothing'}", pytrace=False)
