"""What the project answers about the limit over all devices, and what follows a round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.mirror.operations import MirrorTarget, derived_id
from exai_desktop.core.mirror.quota import Quota, QuotaDesk, Reservation, RoomAnswer
from exai_desktop.net.project_client import ANSWER_S

# What the project calls the bytes that lie at the providers.
UPLOADS: Final = "uploads"
# What it says of a reservation that has ended.
_OVER: Final = frozenset({"expired", "released", "returned"})


def quota_in(status: Mapping[str, Any]) -> Quota | None:
    """What the project has counted; None where it does not say it, or says no numbers."""
    pools = status.get("quota")
    found = pools.get(UPLOADS) if isinstance(pools, dict) else None
    if not isinstance(found, dict):
        return None
    names = ("quota_bytes", "max_file_size", "used_bytes", "reserved_bytes")
    values = [found.get(name) for name in names]
    if not all(isinstance(value, int) and value >= 0 for value in values):
        return None
    return Quota(*map(int, values))  # type: ignore[arg-type]  # they are looked at above


def room_in(answer: Mapping[str, Any]) -> RoomAnswer:
    """Raises KeyError, TypeError or ValueError for what is no such answer."""
    granted = answer["granted"]
    if not isinstance(granted, bool):
        raise TypeError("neither granted nor refused")
    left, most = int(answer["left"]), int(answer["max_file_size"])
    return RoomAnswer(granted, answer.get("state") in _OVER, max(left, 0), max(most, 0))


class _Counter(Protocol):
    """The project, as far as it is asked here."""

    async def settle(self, reservation_id: str) -> None: ...

    async def quota(self) -> Quota | None: ...

    async def reserve(self, reservation: Reservation, within_s: float) -> RoomAnswer: ...


async def settle_and_count(project: _Counter, target: MirrorTarget, desk: QuotaDesk) -> None:
    """Behind a round, when the project has been told of everything: give back the room of the
    files that it counts now, or that will not be sent; then note what it has counted."""
    for reservation_id in await desk.due(target.id):
        try:
            await project.settle(reservation_id)
        except EngineError as error:
            if error.code is not ErrorCode.PROJECT_REFUSED:
                raise
            # It ends there by itself; asked for ever, it would hold up every round.
        await desk.drop([reservation_id])
    quota = await project.quota()
    if quota is not None and quota.reserved_bytes:
        # The project takes back room that has run out only when it is asked for some. With one id
        # for ever and no bytes, this asks for nothing.
        await project.reserve(Reservation(derived_id(target.device_id, "no room"), 0), ANSWER_S)
        quota = await project.quota()
    if quota is not None:
        await desk.counted(target.url, target.user_id, quota)
