"""Content claims of a machine beside others: its own locks, and those that all machines share."""

from __future__ import annotations

from collections.abc import Callable

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ContentClaims, Hold


class FleetClaims:
    """This machine's own locks first, then the shared ones; without an answer the own alone.

    `on_fleet` is told, in the calling thread, when those do not answer (None: they do). Shared
    claims that raise NOT_SIGNED_IN are not there at all.
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
            if error.code is ErrorCode.NOT_SIGNED_IN:
                self._on_fleet(None)
                return own
            self._on_fleet(error)
            return _Both(own, own, self._on_fleet, _why(error))
        except BaseException:
            own.release()
            raise
        self._on_fleet(None)
        if shared is None:
            own.release()
            return None
        return _Both(own, shared, self._on_fleet)


def _why(error: EngineError) -> str:
    return error.title if error.code is ErrorCode.FLEET_UNREACHABLE else error.detail


class _Both:
    def __init__(
        self,
        own: Hold,
        shared: Hold,
        on_fleet: Callable[[EngineError | None], object],
        left: str = "",
    ) -> None:
        """`shared` is `own` where the others could not be asked."""
        self._own = own
        self._shared = shared
        self._on_fleet = on_fleet
        self._left = left

    @property
    def earlier(self) -> Claim | None:
        """The shared note comes first: it also covers other machines."""
        return self._shared.earlier or self._own.earlier

    @property
    def own(self) -> Claim | None:
        return self._shared.own or self._own.own

    @property
    def is_ours(self) -> bool:
        return self._shared.is_ours

    @property
    def left(self) -> str:
        return self._left or self._shared.left

    def note(self, claim: Claim | None) -> None:
        """A note the others' place refuses is not written here either."""
        if self._shared is not self._own:
            try:
                self._shared.note(claim)
            except EngineError as error:
                if error.code is not ErrorCode.NOT_SIGNED_IN:
                    self._left = _why(error)
                    self._on_fleet(error)
        self._own.note(claim)

    def release(self) -> None:
        try:
            if self._shared is not self._own:
                self._shared.release()
        finally:
            self._own.release()
