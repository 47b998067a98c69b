"""Processes of the program: starting, waiting, and ending them by their own id."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

COMMAND = (sys.executable, "-m", "exai_desktop")


def eventually(
    happened: Callable[[], bool], within_s: float = 120.0, every_s: float = 0.02
) -> bool:
    """Whether it happens soon."""
    deadline = time.monotonic() + within_s
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """End one process of ours for certain, by its id."""
    with process:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def kill(process: subprocess.Popen[bytes]) -> bool:
    """kill -9; whether the process was still running."""
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return running
