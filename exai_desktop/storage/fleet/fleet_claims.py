"""Content claims of a machine in a fleet: its own locks, and those of the Redis."""

from __future__ import annotations

from collections.abc import Callable

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ContentClaims, Hold


class FleetClaims:
    """This machine's own locks first, then the fleet's; without an answer the own alone.

    `on_fleet` is told, in the calling thread, when the fleet does not answer (None: it does).
    """

    def __init__(
        self,
        own: ContentClaims,
        fleet: ContentClaims,
        on_fleet: Callable[[EngineError | None], object],
    ) -> None:
        self._own = own
        self._fleet = fleet
        self._on_fleet = on_fleet
        self.owner = fleet.owner

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        return self._own.is_anothers(key, remote)

    def hold(self, key: ClaimKey) -> Hold | None:
        own = self._own.hold(key)
        if own is None:
            return None
        try:
            shared = self._fleet.hold(key)
        except EngineError as error:
            self._on_fleet(error)
            return own
        except BaseException:
            own.release()
            raise
        self._on_fleet(None)
        if shared is None:
            own.release()
            return None
        return _Both(own, shared, self._on_fleet)


class _Both:
    def __init__(
        self, own: Hold, shared: Hold, on_fleet: Callable[[EngineError | None], object]
    ) -> None:
        self._own = own
        self._shared = shared
        self._on_fleet = on_fleet

    @property
    def earlier(self) -> Claim | None:
        """The fleet's note comes first: it also covers other machines."""
        return self._shared.earlier or self._own.earlier

    @property
    def own(self) -> Claim | None:
        return self._shared.own or self._own.own

    @property
    def is_ours(self) -> bool:
        return self._shared.is_ours

    def note(self, claim: Claim | None) -> None:
        """A note the fleet refuses is not written here either."""
        try:
            self._shared.note(claim)
        except EngineError as error:
            self._on_fleet(error)
        self._own.note(claim)

    def release(self) -> None:
        try:
            self._shared.release()
        finally:
            self._own.release()
