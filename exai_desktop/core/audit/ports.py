"""Where the audit trail is kept, and where its newest row is noted outside the database."""

from __future__ import annotations

from typing import Protocol

from exai_desktop.core.audit.audit import AuditAnchor, AuditEntry, AuditReport, AuditRow


class AnchorFile(Protocol):
    """Where the newest row of the audit trail is noted outside the database. Calls block."""

    def load(self) -> AuditAnchor | None: ...

    def save(self, anchor: AuditAnchor) -> None:
        """Best effort: a failure is logged."""
        ...


class AuditStore(Protocol):
    """The audit trail. What the other stores do is noted by themselves, in their transaction."""

    @property
    def protected_by(self) -> str:
        """What holds the key of new rows, for people."""
        ...

    async def note(self, entry: AuditEntry) -> None:
        """Add what no change of the database tells: an account, a key."""
        ...

    async def rows(self, after: int, limit: int, since: float | None) -> list[AuditRow]:
        """The rows behind number `after`, in order; `since` leaves out earlier ones."""
        ...

    async def check(self, anchor: AuditAnchor | None) -> AuditReport:
        """Go through the whole chain."""
        ...

    async def anchor(self, earlier: AuditAnchor | None, at: float) -> AuditAnchor | None:
        """A new anchor; None when nothing is new or `earlier` tells of another chain."""
        ...
