"""`exai-desktop --self-test`: each check in a process of its own, one line a check.

A process of its own, because what is broken may end the process (Qt without a plug-in does), or
never come back. Nothing of the user's profile is read or written.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

VERB: Final = "--self-test"
# By the place of its function, in the order of running: what costs little first.
CHECKS: Final = {
    "resources": "parts:resources",
    "certificates": "parts:certificates",
    "keyring": "parts:keyring",
    "vault": "parts:vault",
    "database": "parts:database",
    "pdf": "parts:pdf",
    "modules": "modules:modules",
    "window": "window:window",
    "display": "window:display",
    "upload": "uploads:upload",
    "openai": "uploads:openai",
    "zai": "uploads:zai",
}
# A cold disk and a busy machine are no failure; what hangs is one.
LIMIT_S: Final = 300.0
_CHILD: Final = "--child"
_LIMIT: Final = "--limit"
_USAGE: Final = (
    f"usage: exai-desktop {VERB} [{_LIMIT} SECONDS] [CHECK...]\nchecks: {' '.join(CHECKS)}\n"
)
_WIDTH: Final = max(map(len, CHECKS))


class CheckFailedError(Exception):
    """The reason, in words for the user."""


class CheckSkippedError(Exception):
    """Why there is nothing to check on this machine."""


def main(words: Sequence[str]) -> int:
    """`words`: what follows `--self-test`. Returns the exit code: 1 when a check has failed."""
    if list(words[:1]) == [_CHILD]:
        return _run_one(words[1])
    limit_s, names = LIMIT_S, list(words)
    if names[:1] == [_LIMIT]:
        try:
            limit_s, names = float(names[1]), names[2:]
        except (IndexError, ValueError):
            return _misused(f"{_LIMIT} needs a number of seconds")
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        return _misused(f"there is no check {unknown[0]!r}")
    return _run_all(names or list(CHECKS), limit_s)


def own_command() -> list[str]:
    """This program, as a child is started."""
    is_frozen = getattr(sys, "frozen", False)
    # -P: not the modules of the folder in which somebody happens to be.
    return [sys.executable] if is_frozen else [sys.executable, "-P", "-m", "exai_desktop"]


def _misused(why: str) -> int:
    sys.stderr.write(f"exai-desktop {VERB}: {why}\n{_USAGE}")
    return 2


def _run_all(names: Sequence[str], limit_s: float) -> int:
    until, failed = time.monotonic() + limit_s, 0
    with tempfile.TemporaryDirectory(prefix="exai-self-test-") as home:
        for name in names:
            began = time.monotonic()
            word, said = _outcome(name, Path(home), until - began)
            failed += word == "FAILED"
            took = f" ({time.monotonic() - began:.1f} s)" if word == "ok" else ""
            sys.stdout.write(f"{word:8}{name:{_WIDTH + 2}}{said}{took}\n")
            sys.stdout.flush()
    total = len(names)
    sys.stdout.write(f"{failed} of {total} checks failed.\n" if failed else "All checks passed.\n")
    return 1 if failed else 0


def _outcome(name: str, home: Path, left_s: float) -> tuple[str, str]:
    """ok, skipped or FAILED, and what is to be said about it."""
    place = home / name
    place.mkdir()
    try:
        ended = subprocess.run(  # noqa: S603 - this program itself
            [*own_command(), VERB, _CHILD, name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(0.0, left_s),
            env=_environment(place),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "FAILED", "it did not end within the time limit"
    said = ended.stdout.decode("utf-8", "replace").strip().splitlines()
    word, _, text = said[-1].partition(" ") if said else ("", "", "")
    if word in ("ok", "skipped", "FAILED"):
        return word, text
    errors = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return "FAILED", f"exit code {ended.returncode}: {errors[-1] if errors else 'without a word'}"


def _environment(home: Path) -> Mapping[str, str]:
    """The user's, without what changes the program, and with a profile that is thrown away."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("EXAI_DESKTOP_")}
    return kept | {"EXAI_DESKTOP_HOME": str(home / "profile"), "XDG_STATE_HOME": str(home)}


def _run_one(name: str) -> int:
    """In the child: the last line of standard output is the outcome."""
    module, _, function = CHECKS[name].partition(":")
    home = Path(os.environ["EXAI_DESKTOP_HOME"]).parent
    try:
        check: Callable[[Path], str] = getattr(
            import_module(f"exai_desktop.self_test.{module}"), function
        )
        said, code = f"ok {check(home)}", 0
    except CheckSkippedError as why:
        said, code = f"skipped {why}", 0
    except CheckFailedError as why:
        said, code = f"FAILED {why}", 1
    except Exception as error:  # noqa: BLE001 - whatever is broken: its name is the outcome
        said, code = f"FAILED {type(error).__name__}: {error}", 1
    with suppress(OSError):
        sys.stdout.write(" ".join(said.split()) + "\n")
        sys.stdout.flush()
    # Not sys.exit: what a broken part has left running must not keep the process.
    os._exit(code)
