"""`exai-desktop`: with a verb the command line, without one the window."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import TYPE_CHECKING

from exai_desktop import __version__

if TYPE_CHECKING:
    from exai_desktop.bootstrap.second_start import WindowStart

# New objects until the collector looks for circles among them. By Python's own limit of 700 it does
# so more than a hundred times while modules are loaded, and finds none: a tenth of a start.
_OBJECTS_PER_COLLECTION = 50_000
# The variable of the command line's framework; shells set it.
_COMPLETES = "_EXAI_DESKTOP_COMPLETE"


def _open_standard_streams() -> None:
    """Where one is closed, the next file to be opened would take its place, and get our output."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            assert opened == number, "the lowest number that is free"
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def main() -> None:
    """Ends the process with the exit code of what it ran."""
    _open_standard_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"exai-desktop {__version__}\n")
        return
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    # Registered first, so it runs last: the interpreter's end would look for circles among all that
    # is loaded, twice, and free none of it any sooner.
    atexit.register(gc.freeze)
    # Otherwise pydantic reads what each installed package says of itself, and looks for plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if sys.argv[1:2] == ["list"] and (code := _listed(sys.argv[2:])) is not None:
        sys.exit(code)
    is_self_test = sys.argv[1:2] == ["--self-test"]
    start = None if is_self_test else _window_start(sys.argv[1:])
    from exai_desktop import late_methods  # late: what is above is done without `dataclasses`

    late_methods.install()
    if is_self_test:
        from exai_desktop.self_test import run  # late: brings `subprocess`

        sys.exit(run.main(sys.argv[2:]))
    from exai_desktop.engine.files import pdf_child  # late: not for the version

    if sys.argv[1:2] == [pdf_child.VERB]:
        # Not for people: this program as the guarded child of another one of it.
        sys.exit(pdf_child.main(sys.argv[2:]))
    from exai_desktop.engine.files.confinement import forbid_core_dumps  # late: brings ctypes

    forbid_core_dumps()
    if start is not None:
        from exai_desktop.gui import app  # late: Qt is only for the window

        sys.exit(app.main(start.options, start.paths))
    from exai_desktop.cli import main as cli

    cli.main()


def _window_start(words: list[str]) -> WindowStart | None:
    """What the window is to be opened with; None: it is not. Ends the process where a window that
    is open already takes it."""
    if _COMPLETES in os.environ:
        return None  # a shell that completes a command line calls us without arguments
    from exai_desktop.bootstrap import second_start

    start = second_start.window_start(words)
    if start is None:
        return None
    if second_start.says_nothing_is_there(start):
        sys.exit(1)
    code = second_start.handed_over(start)
    if code is not None:
        sys.exit(code)
    if start.paths and not second_start.has_display():
        # Nobody can look at a window: they are sent as by the verb.
        options = ["--sandbox"] if start.is_sandbox else []
        sys.argv[1:] = ["upload", *options, "--", *start.paths]
        return None
    return start


def _listed(words: list[str]) -> int | None:
    """`list` by the process that holds the profile, before the command line itself is loaded."""
    from exai_desktop.bootstrap.owner import find_owner
    from exai_desktop.cli.jobs.listing import beside_owner

    return beside_owner(words, find_owner)


if __name__ == "__main__":
    main()
