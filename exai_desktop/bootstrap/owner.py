"""The process that holds the profile, asked with a socket and nothing else.

What is not plain (a passphrase is given, the place of the profile must be worked out, the owner
has something to tell, is of another version or does not answer) is left to `joining`.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any, Final

from exai_desktop import __version__
from exai_desktop.config.profile_socket import plain_socket

Ask = Callable[..., Any]

ANSWERS_WITHIN_S: Final = 10.0
# A window says after ten seconds by itself that it has not seen what it was asked.
WINDOW_TAKES_WITHIN_S: Final = 15.0

# Whoever gives one wants the vault of the owner opened.
_PASSPHRASES: Final = (
    "EXAI_DESKTOP_PASSPHRASE",
    "EXAI_DESKTOP_PASSPHRASE_FILE",
    "CREDENTIALS_DIRECTORY",
)


def find_owner(*, sandbox: bool, face: str = "") -> Ask | None:
    """`ask(method, **arguments)` gives the result as JSON has it. Raises OSError, ValueError.

    `face`: only an owner of this one, which tells itself what there is to tell.
    """
    if not face and any(name in os.environ for name in _PASSPHRASES):
        return None
    place = plain_socket(sandbox=sandbox)
    if place is None:
        return None
    owner = _Owner()
    try:
        owner.connect(place)
        facts = owner.ask("facts")
    except (OSError, ValueError):
        facts = {}
    if not isinstance(facts, dict):
        facts = {}  # something else listens there
    fits = facts.get("face") == face if face and facts else not facts.get("problems")
    if facts.get("version") != __version__ or not fits:
        owner.close()
        return None
    if face:
        owner.wait(WINDOW_TAKES_WITHIN_S)
    else:
        owner.wait(None)  # it lives; what it has to look up may take its time
    return owner.ask


class _Owner:
    """One connection for all questions; it is closed by the end of the process."""

    def __init__(self) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(ANSWERS_WITHIN_S)
        self._lines = self._connection.makefile("rb")

    def connect(self, place: str) -> None:
        self._connection.connect(place)

    def wait(self, seconds: float | None) -> None:
        """For each part of an answer from now on."""
        self._connection.settimeout(seconds)

    def ask(self, method: str, **arguments: object) -> Any:
        call = json.dumps({"call": method, "args": arguments})
        try:
            self._connection.sendall(call.encode("ascii") + b"\n")
            line = self._lines.readline()
        except OSError:
            self.close()  # a later answer would be taken for that of the next question
            raise
        if not line:
            raise ConnectionResetError("the owner has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"]["code"])
        return answer["result"]

    def close(self) -> None:
        self._lines.close()
        self._connection.close()
