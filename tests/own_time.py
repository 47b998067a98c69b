"""How long something takes by itself: a busy machine is not a bug."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress


def _stood_in_line() -> dict[str, float]:
    """Thread of this process → how long it was ready to run and had no processor, in seconds."""
    found: dict[str, float] = {}
    if sys.platform != "linux":
        return found
    # Not by pathlib: some tests look every 5 ms, and must not be what they measure.
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
        with suppress(OSError):  # a thread that ends meanwhile
            told = os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY)
            try:
                found[thread] = int(os.read(told, 100).split()[1]) / 1e9
            finally:
                os.close(told)
    return found


class OwnTime:
    """A stop watch that stands still while others have the processors.

    It runs on while this process waits for anything else: a lock, a timer, an answer.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = _stood_in_line()

    def lent(self) -> float:
        """What others had of it, in seconds; 0 where the system does not tell."""
        now = _stood_in_line()
        return sum(waited - self._before.get(thread, 0.0) for thread, waited in now.items())

    def seconds(self) -> float:
        return time.monotonic() - self._began - self.lent()


def of_children() -> float:
    """The processor time of all children that have ended, in seconds."""
    if sys.platform == "win32":
        return 0.0  # there it is not told
    import resource  # not on Windows

    # Exact; `os.times` counts hundredths.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
