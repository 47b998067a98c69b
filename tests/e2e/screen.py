"""A virtual screen with a window manager, and a hand on its mouse and keyboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

NEEDED = ("Xvfb", "openbox", "xdotool", "import")


@dataclass
class Screen:
    """`environment` is what a program needs to be shown on it."""

    display: str
    environment: dict[str, str] = field(default_factory=dict)

    def xdotool(self, *arguments: str | int) -> str:
        command = ["xdotool", *map(str, arguments)]
        env = os.environ | self.environment
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def find(self, title: str, seconds: float = 120.0) -> str:
        """The number of the visible window with this title."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.xdotool("search", "--onlyvisible", "--name", title).split()
            if found:
                return found[-1]
            time.sleep(0.1)
        raise AssertionError(f"no window {title!r} within {seconds} s")

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press at `start`, move as a hand does, let go at `end`."""
        self.xdotool("mousemove", *start)
        time.sleep(0.2)
        self.xdotool("mousedown", 1)
        steps = 12
        for step in range(1, steps + 1):
            x = start[0] + (end[0] - start[0]) * step // steps
            y = start[1] + (end[1] - start[1]) * step // steps
            self.xdotool("mousemove", x, y)
            time.sleep(0.05)
        time.sleep(0.3)
        self.xdotool("mouseup", 1)

    def picture(self, path: Path) -> None:
        """A picture of the whole screen, for whoever has to find out why a test failed."""
        env = os.environ | self.environment
        subprocess.run(["import", "-window", "root", str(path)], env=env, check=True)


@contextmanager
def virtual_screen(size: str = "1440x900") -> Iterator[Screen]:
    """A screen of its own; ended by process number."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        pytest.fail(
            f"{', '.join(absent)} not found. Run: packaging/linux/install-system-packages test",
            pytrace=False,
        )
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as numbers:
        display = f":{numbers.readline().strip()}"
    environment = {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    manager = subprocess.Popen(
        ["openbox", "--sm-disable"], env=os.environ | environment, stderr=subprocess.DEVNULL
    )
    try:
        yield Screen(display, environment)
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(60)
