"""Where the audit trail is kept, and what is noted outside the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from exai_desktop.core.audit.audit import AuditAnchor, AuditEntry, AuditRow
from exai_desktop.core.audit.check import Anchoring, AuditHead, AuditReport


class AnchorFile(Protocol):
    """Where the newest row of the audit trail is noted outside the database. Calls block."""

    def load(self) -> Anchoring: ...

    def save(self, anchor: AuditAnchor) -> None:
        """Best effort: a failure is logged."""
        ...

    def accept(self, anchor: AuditAnchor, keys: Iterable[str], taken: AuditHead) -> None:
        """From now on this is the anchor, rows sealed by `keys` count, and those up to `taken`.

        Raises `AppError`.
        """
        ...


class AuditStore(Protocol):
    """The audit trail. What the other stores do is noted by themselves, in their transaction."""

    @property
    def protected_by(self) -> str:
        """What holds the key of new rows, for people."""
        ...

    @property
    def keys(self) -> frozenset[str]:
        """The ids of the keys at hand."""
        ...

    async def note(self, entry: AuditEntry) -> None:
        """Add what no change of the database tells: an account, a key."""
        ...

    async def rows(self, after: int, limit: int, since: float | None) -> list[AuditRow]:
        """The rows behind number `after`, in order; `since` leaves out earlier ones."""
        ...

    async def check(self, anchoring: Anchoring) -> AuditReport:
        """Go through the whole chain."""
        ...

    async def anchor(self, earlier: AuditAnchor | None, at: float) -> AuditAnchor | None:
        """A new anchor; None when nothing is new or `earlier` tells of another chain."""
        ...
