"""No memory of this process in a file: keys are in it while it runs."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def forbid_core_dumps() -> None:
    """For this process, at its start. Programs that it starts decide for themselves.

    On Linux also for services that collect cores from a pipe, which ignore the limit on size; other
    users' programs cannot attach to it either. Windows writes no whole memory unless told to.
    """
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
