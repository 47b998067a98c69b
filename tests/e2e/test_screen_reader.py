"""The whole window as a screen reader gets it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .access_tree import Node, Reader, accessibility
from .desktop_bus import session_bus
from .processes import eventually
from .program import Program
from .screen import Screen, virtual_screen
from .server import Server

TITLE = "EXAI Desktop"


@pytest.fixture
def screen() -> Iterator[Screen]:
    with virtual_screen() as shown:
        yield shown


@pytest.fixture
def reader(program: Program, screen: Screen, sandbox: Server) -> Iterator[Reader]:
    """A screen reader beside the program's window, which has an account."""
    folder = Path("/tmp") / f"exai-bus-{os.getpid()}-{time.monotonic_ns()}"
    with session_bus(folder) as bus, accessibility(bus) as address:
        program.environment |= screen.environment | {
            "DBUS_SESSION_BUS_ADDRESS": bus,
            "EXAI_DESKTOP_PASSPHRASE": "passphrase of a test",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        }
        program.is_warm = False
        program.run("vault", "create").expect(0)
        program.add_account(sandbox)
        found = Reader(address)
        yield found
        found.close()
    shutil.rmtree(folder, ignore_errors=True)


# What takes keys or clicks; without a name a screen reader says only what kind of thing it is.
CONTROLS = {
    *("push button", "button menu", "check box", "radio button", "toggle button", "page tab"),
    *("text", "password text", "combo box", "spin button", "slider", "menu item", "link"),
    *("table", "list", "tree", "page tab list", "menu bar", "dialog", "frame"),
}
# The entries of the main menu of pages, with the control by which each page is known.
PAGES = {
    "ctrl+1": "Upload queue",
    "ctrl+2": "Files at the providers",
    "ctrl+3": "Test main",
    "ctrl+4": "Your Supabase project",
}
DIALOGS = {"ctrl+comma": "Settings", "ctrl+k": "Accounts", "F1": "Keyboard shortcuts"}


def nameless(window: Node) -> list[str]:
    return [f"{one.role} {one.text!r} in {window.name!r}" for one in window.all() if is_mute(one)]


def is_mute(one: Node) -> bool:
    if one.role == "combo box":  # its name is its value
        return not one.is_labelled
    return one.role in CONTROLS and not (one.name.strip() or one.is_labelled)


class Walk:
    """Goes through the window by keys, and looks at what a screen reader gets."""

    def __init__(self, screen: Screen, reader: Reader) -> None:
        self._screen = screen
        self._reader = reader
        self.nameless: list[str] = []

    def see(self, keys: str, wanted: str) -> Node:
        """The window in which something has this name, after these keys."""
        self._screen.xdotool("key", keys)
        seen: list[Node] = []

        def is_there() -> bool:
            seen[:] = [
                window
                for window in self._reader.windows()
                if any(one.name.startswith(wanted) for one in window.all())
            ]
            return bool(seen)

        assert eventually(is_there), f"{wanted!r} does not come by {keys}"
        self.nameless += nameless(seen[-1])
        return seen[-1]


def names(window: Node, role: str) -> list[str]:
    return [one.name for one in window.all() if one.role == role]


def test_every_control_and_every_value_is_read(
    program: Program, screen: Screen, reader: Reader, tmp_path: Path
) -> None:
    (tmp_path / "a letter.txt").write_text("some text")
    (tmp_path / "empty.txt").touch()
    program.upload(tmp_path / "a letter.txt", tmp_path / "empty.txt").expect(1)
    (file_id,) = [row["file_id"] for row in program.jobs() if row["file_id"]]
    started = program.start()
    try:
        assert eventually((program.home / "engine.sock").exists)
        screen.xdotool("windowactivate", "--sync", screen.find(f"^{TITLE}$"))
        walk = Walk(screen, reader)
        pages = {keys: walk.see(keys, wanted) for keys, wanted in PAGES.items()}
        queue, files, providers, _ = pages.values()
        for page in pages.values():
            assert names(page, "page tab") == ["Queue", "Files", "Providers", "Records", "Activity"]
        cells = names(queue, "cell")
        for value in ("a letter.txt", "Done", "9 B", "main", file_id, "Refused: The file is empty"):
            assert value in cells, queue.lines()
        assert file_id in names(files, "cell"), files.lines()
        assert "radio button" in {one.role for one in queue.all() if one.name == "Done, 1 file"}
        assert any(name.startswith("Address: 127.0.0.1") for name in names(providers, "label"))
        for keys, wanted in DIALOGS.items():
            dialog = walk.see(keys, wanted)
            assert dialog.role == "dialog", dialog.lines()
            screen.xdotool("key", "Escape")
            assert eventually(lambda: all(w.role != "dialog" for w in reader.windows()))
        assert not walk.nameless
    finally:
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0
