"""What a start without a verb is about, and the window that is open already.

Neither Qt nor the engine is loaded here: a second start is over before one of them would be.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from exai_desktop.bootstrap.owner import find_owner

OPTIONS: Final = frozenset({"--sandbox", "--minimized"})

_URI: Final = "file://"
_NOT_ANSWERING: Final = (
    "The open window does not answer: nothing was added. Wait a moment, then try again.\n"
)
_NOT_CONFIRMED: Final = (
    "The open window has not confirmed the files in time. Check in its list whether they are there"
    " before you add them again.\n"
)


class WindowStart(NamedTuple):
    """`paths` are whole."""

    options: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()

    @property
    def is_sandbox(self) -> bool:
        return "--sandbox" in self.options


def window_start(words: Sequence[str]) -> WindowStart | None:
    """None: these words are for the command line. A file is told from a verb by a dot or a slash
    in it: no verb has one, whatever files lie in the folder."""
    options = {word for word in words if word in OPTIONS}
    rest = [word for word in words if word not in OPTIONS]
    if not all(map(_is_path, rest)):
        return None
    return WindowStart(frozenset(options), tuple(map(_whole, rest)))


def _is_path(word: str) -> bool:
    return not word.startswith("-") and any(sign in word for sign in ("/", ".", os.sep))


def _whole(word: str) -> str:
    """The system resolves the rest: `..` behind a link is another place than its text says."""
    if word.startswith(_URI):
        from urllib.parse import unquote_to_bytes  # late: desktops give paths, if they may

        host, slash, path = word.removeprefix(_URI).partition("/")
        if host in ("", "localhost"):
            return os.fsdecode(unquote_to_bytes(slash + path))
    return os.path.join(os.getcwd(), word)  # noqa: PTH109, PTH118 - pathlib takes longer


def says_nothing_is_there(start: WindowStart) -> bool:
    """Whether none of the paths exists: then it was a slip of the hand, and is said at once."""
    if not start.paths or any(map(os.path.lexists, start.paths)):
        return False
    for path in start.paths:
        sys.stderr.write(f"{path!r}: there is no such file. Check the path.\n")
    return True


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window can be shown, as far as one can tell without trying."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(environment.get(name) for name in names)


def handed_over(start: WindowStart) -> int | None:
    """The exit code if a window is open: it has taken the paths then, and came to the front.

    None: there is none, as far as a look at the socket tells.
    """
    ask = find_owner(sandbox=start.is_sandbox, face="window")
    if ask is None:
        return None
    if "--minimized" in start.options and not start.paths:
        return 0  # at login: nobody has asked for the window
    try:
        ask("window.show", paths=list(start.paths), token=activation_token())
    except TimeoutError:
        sys.stderr.write(_NOT_CONFIRMED)
        return 1
    except OSError:
        return None  # it has just ended: it may not have taken them
    except ValueError:
        sys.stderr.write(_NOT_ANSWERING)
        return 1
    return 0


def activation_token() -> str:
    """By which a Wayland desktop lets the window come to the front."""
    return os.environ.get("XDG_ACTIVATION_TOKEN", "")
