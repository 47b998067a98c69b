"""The limit over all devices of a user: what the project says of it, and what is known of it here.

The project counts the bytes that lie at the providers. Between two contacts a device adds what it
has sent itself since. In the strict mode it asks for room before each file, and the room is its own
until the project has been told of the file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

# Limits are set in these, so a limit of 10 GiB reads as one.
_UNITS: Final = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"), (1, "bytes"))


@dataclass(frozen=True, slots=True)
class Quota:
    """What the project has counted. `file_bytes`: the most that one file may have."""

    limit_bytes: int
    file_bytes: int
    used_bytes: int
    reserved_bytes: int


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """As of the last contact (`as_of`, Unix seconds), and what this device has done since.

    `since_bytes` are on their way, or were sent and not told yet; less than 0 after deletions.
    """

    limit_bytes: int
    file_bytes: int
    used_bytes: int
    reserved_bytes: int
    since_bytes: int
    as_of: float

    @property
    def filled_bytes(self) -> int:
        """At the providers by all that is known now."""
        return max(0, self.used_bytes + self.since_bytes)

    @property
    def left_bytes(self) -> int:
        """For new files."""
        return max(0, self.limit_bytes - self.filled_bytes - self.reserved_bytes)

    @property
    def words(self) -> str:
        """For people, without the time: `3.2 of 10 GiB used by all your devices`."""
        unit, name = next((u for u in _UNITS if self.limit_bytes >= u[0]), _UNITS[-1])
        shown = [
            f"{each / unit:.1f}".removesuffix(".0")
            for each in (self.filled_bytes, self.limit_bytes)
        ]
        return f"{shown[0]} of {shown[1]} {name} used by all your devices"

    def is_too_large(self, size: int) -> bool:
        """For one file, whatever the rest is."""
        return size > self.file_bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """Room that a job has asked for: `id` is fixed before it is asked, and asked with again."""

    id: str
    size: int


@dataclass(frozen=True, slots=True)
class RoomAnswer:
    """What the project says to a reservation. `is_over`: it ended before; ask with another id."""

    is_granted: bool
    is_over: bool
    left_bytes: int
    file_bytes: int


class QuotaDesk(Protocol):
    """What is known of the limit of the user who is signed in, and the room that jobs have asked
    for."""

    async def is_signed_in(self) -> bool: ...

    async def use(self) -> QuotaUse | None:
        """None: nobody is signed in, or the project has not said anything yet."""
        ...

    async def counted(self, url: str, user_id: str, quota: Quota) -> None:
        """The project has counted, with all that it was told by this device until now."""
        ...

    async def reserve(self, job_id: int, size: int) -> Reservation | None:
        """The room of this job, on disk before it is asked for: the same one until it is dropped.
        None: nobody is signed in."""
        ...

    async def granted(self, reservation: Reservation) -> None:
        """The job may be sent."""
        ...

    async def drop(self, reservation_ids: Collection[str]) -> None:
        """They are settled, or the project does not keep them."""
        ...

    async def refused(self, left_bytes: int, file_bytes: int) -> None:
        """The newest word of the project: there is so little room."""
        ...

    async def due(self, target_id: int) -> Sequence[str]:
        """Reservations whose job has ended, or was put aside, and whose file the project knows."""
        ...

    async def held(self, codes: Collection[str]) -> Sequence[tuple[int, int]]:
        """Number and size of the jobs that are held for one of these reasons, oldest first."""
        ...
