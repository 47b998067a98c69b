"""What arrived and how it ended, for the control endpoints."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 20_000


@dataclass(slots=True)
class RequestEntry:
    """One request; `finished` means the whole answer was handed to the connection."""

    number: int
    at: float
    method: str
    path: str
    flavour: str | None
    authorized: bool
    fault: str | None = None
    status: int | None = None
    bytes_received: int = 0
    body_complete: bool = False
    finished: bool = False


class RequestLog:
    """The newest requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[RequestEntry] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, entry: RequestEntry) -> RequestEntry:
        """Number an entry and keep it; it is filled in while the request runs."""
        self._count += 1
        entry.number = self._count
        self._entries.append(entry)
        return entry

    def as_list(self) -> list[dict[str, Any]]:
        """All kept entries."""
        return [asdict(entry) for entry in self._entries]

    def clear(self) -> None:
        """Forget the entries; numbering goes on."""
        self._entries.clear()
