"""Which back end of the keyring library is used.

The library itself would load those of all systems. The one for macOS starts a compiler and a
linker on Linux, to find a library that cannot be there: fifteen programs for one `list`.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend
    from secretstorage import Collection

log = logging.getLogger(__name__)

# The library's own back ends by system; Linux's is also that of the BSDs.
_OWN: Final = {
    "darwin": ("macOS.Keyring",),
    "win32": ("Windows.WinVaultKeyring",),
    "linux": ("SecretService.Keyring", "libsecret.Keyring", "kwallet.DBusKeyring"),
}
_INSECURE_MODULES: Final = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
_SECRET_SERVICE: Final = "keyring.backends.SecretService"  # noqa: S105 - a module
_NAMED_BY_USER: Final = "PYTHON_KEYRING_BACKEND"


def secure_backend() -> KeyringBackend | None:
    """The best one that keeps secrets safe; None: there is none. Blocks.

    The one that the user has named comes first: in PYTHON_KEYRING_BACKEND, then in keyringrc.cfg.
    """
    if os.environ.get(_NAMED_BY_USER, "").startswith(_INSECURE_MODULES):
        return None  # what will not be used need not be loaded
    # Late: it takes longer than most verbs.
    from keyring import core
    from keyring.backends.chainer import ChainerBackend

    named = core.load_env() or core.load_config()
    if named is not None and not isinstance(named, ChainerBackend):
        candidates = [named]
    else:
        # A chain may end in one that is not secure: its links are taken one by one.
        candidates = sorted((*_of_system(), *_of_plugins()), key=lambda one: -one.priority)
    found = next((candidate for candidate in candidates if is_secure(candidate)), None)
    if type(found).__module__ == _SECRET_SERVICE:
        line: Any = found
        line.get_preferred_collection = _KeptLine(line.get_preferred_collection)
    return found


def is_secure(backend: KeyringBackend) -> bool:
    kind = type(backend)
    named_so = kind.__module__.startswith(_INSECURE_MODULES) or "plaintext" in kind.__name__.lower()
    # Below 1 the keyring library itself does not recommend a backend.
    return not named_so and backend.priority >= 1


def is_unlocked(backend: KeyringBackend) -> bool | None:
    """Without a dialog for the user; None: this one does not tell. Blocks."""
    if type(backend).__module__ != _SECRET_SERVICE:
        return None
    import secretstorage  # late, and Linux's
    from secretstorage.collection import DEFAULT_COLLECTION

    path = getattr(backend, "preferred_collection", None) or DEFAULT_COLLECTION
    with closing(secretstorage.dbus_init()) as bus:
        return not secretstorage.Collection(bus, path).is_locked()


def _of_system() -> Iterator[KeyringBackend]:
    from keyring import core

    for name in _OWN.get(sys.platform, _OWN["linux"]):
        try:
            yield core.load_keyring(f"keyring.backends.{name}")
        except Exception as error:  # noqa: BLE001 - each says in its own way that it cannot be used
            log.debug("no keyring by %s: %s", name, type(error).__name__)


def _of_plugins() -> Iterator[KeyringBackend]:
    """Those of other packages, as the library finds them: each module makes its classes known."""
    # The library's own choice of `metadata`: another one would have to be loaded besides.
    from keyring.backend import KeyringBackend, metadata  # type: ignore[attr-defined]

    is_there = False
    for entry in metadata.entry_points(group="keyring.backends"):
        if entry.module.startswith("keyring.backends."):
            continue
        is_there = True
        try:
            made = entry.load()
            if callable(made):
                made()
        except Exception as error:  # noqa: BLE001 - another's code; without it we go on
            log.warning(
                "the keyring plug-in %s cannot be used: %s", entry.name, type(error).__name__
            )
    if not is_there:
        return
    for kind in KeyringBackend.get_viable_backends():
        if not kind.__module__.startswith("keyring.backends."):
            try:
                yield kind()
            except TypeError:
                log.debug("no keyring by %s: it wants arguments", kind.__name__)


class _KeptLine:
    """The connection to the Secret Service, with the key agreed for it, for the next value too.

    The library makes both anew for each value, which costs us 15 ms and the service as much. Used
    from several threads: each call takes the connection out, and one after an error is given up.
    """

    def __init__(self, find: Callable[[], Collection]) -> None:
        """`find`: the library's own, which also unlocks."""
        self._find = find
        self._idle: list[Collection] = []
        atexit.register(self._end)

    def __call__(self) -> Collection:
        with suppress(IndexError):
            kept = self._idle.pop()
            if _answers_unlocked(kept):
                return kept
            kept.connection.end()
        from secretstorage.util import open_session  # late, and Linux's

        found = self._find()
        try:
            found.session = open_session(found.connection)
        except BaseException:
            found.connection.close()
            raise
        found.connection = _Line(found.connection, lambda: self._idle.append(found))
        return found

    def _end(self) -> None:
        while self._idle:
            self._idle.pop().connection.end()


class _Line:
    """A connection that goes back when it is closed."""

    def __init__(self, connection: Any, give_back: Callable[[], None]) -> None:
        self._connection = connection
        self._give_back = give_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def close(self) -> None:
        # The library closes it by a `with`, also when something went wrong in there.
        if sys.exc_info()[0] is None:
            self._give_back()
        else:
            self.end()

    def end(self) -> None:
        with suppress(OSError):
            self._connection.close()


def _answers_unlocked(collection: Collection) -> bool:
    try:
        return not collection.is_locked()
    except Exception as error:  # noqa: BLE001 - the bus or the service was started anew
        log.debug("a new connection to the keyring: %s", type(error).__name__)
        return False
