"""Watching which errors the program raises, for the tests that `raises.RAISES` names."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import exai_desktop
from exai_desktop.core.errors.tree import AppError

from .raises import RAISES

CODES_OF: defaultdict[str, set[str]] = defaultdict(set)
for _code, _test in RAISES.items():
    CODES_OF[_test].add(_code)

_PACKAGE = str(Path(exai_desktop.__file__ or "").parent)
# They make an error again that was raised elsewhere, or pass one on to its base class.
_NOT_RAISING = ("core/errors/tree.py", "engine/ipc/codec.py")


@contextmanager
def watched() -> Iterator[set[str]]:
    """The codes that the program, not a test, makes errors of meanwhile."""
    seen: set[str] = set()
    made = AppError.__init__

    def noted(self: AppError, code: Any, *rest: Any, **named: Any) -> None:
        made(self, code, *rest, **named)
        frame = sys._getframe(1)
        while frame.f_code.co_filename.endswith(_NOT_RAISING[0]) and frame.f_back is not None:
            frame = frame.f_back
        place = frame.f_code.co_filename
        if place.startswith(_PACKAGE) and not place.endswith(_NOT_RAISING):
            seen.add(str(code))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AppError, "__init__", noted)
        yield seen


def missing(node: str, seen: set[str]) -> str:
    """Why a test that ended well is not in order after all, "" if it is."""
    absent = sorted(CODES_OF.get(node, set()) - seen)
    return f"the program raised no {', '.join(absent)} here; see tests/raises.py" if absent else ""
