"""Child process: `exai-desktop` with these words, and which functions of the program ran.

Started by `benchmarks.footprint`; not for use by hand. The first word is where the report goes.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import exai_desktop

_PROGRAM = Path(exai_desktop.__file__).resolve().parent
# The first function of this name after the verb has given the service back ends the engine.
_STOP = "stop"


class _Seen:
    """Code that ran at all, and code that ran from the opened service to its stop."""

    def __init__(self) -> None:
        self.is_open = self.is_given_back = self.is_stopped = False
        self._whole: set[CodeType] = set()
        self._open: set[CodeType] = set()

    def watch(self) -> None:
        """From here on, in this thread and in all that begin later."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _arg: object) -> None:
        # A coroutine that goes on is a call too.
        if event == "call":
            self._whole.add(frame.f_code)
            if self.is_open:
                self._open.add(frame.f_code)
                if self.is_given_back and frame.f_code.co_name == _STOP:
                    self.is_open, self.is_stopped = False, True

    def write(self, report: Path) -> None:
        """Name and place of each function."""
        threading.setprofile(None)
        sys.setprofile(None)
        if not self.is_stopped:
            raise RuntimeError(f"the service was not ended by a function named {_STOP}")
        found = {"whole": _functions(self._whole), "open": _functions(self._open)}
        report.write_text(json.dumps(found), encoding="utf-8")


def _functions(codes: set[CodeType]) -> list[tuple[str, str]]:
    found = set()
    # A copy: a thread that was left behind may still be running.
    for code in tuple(codes):
        file = Path(code.co_filename)
        # Bodies of modules and classes are not optimized; <lambda>, <listcomp> have no name.
        if (
            code.co_flags & inspect.CO_OPTIMIZED
            and not code.co_name.startswith("<")
            and file.is_relative_to(_PROGRAM)
        ):
            place = file.relative_to(_PROGRAM).as_posix()
            found.add((place, f"{code.co_firstlineno} {code.co_name}"))
    return sorted(found)


def _mark(seen: _Seen) -> None:
    """Tell when the verb has the service: what opens and closes it is left as it is."""
    from exai_desktop import bootstrap

    opens = bootstrap.open_service

    @asynccontextmanager
    @functools.wraps(opens)
    async def open_service(**words: Any) -> AsyncIterator[Any]:
        async with opens(**words) as service:
            seen.is_open = True
            try:
                yield service
            finally:
                seen.is_given_back = True

    bootstrap.open_service = open_service


def main() -> None:
    """As the program's own entry."""
    report = Path(sys.argv[1])
    sys.argv = ["exai-desktop", *sys.argv[2:]]
    seen = _Seen()
    seen.watch()
    try:
        _mark(seen)
        from exai_desktop import __main__ as program

        program.main()
    finally:
        seen.write(report)


if __name__ == "__main__":
    main()
