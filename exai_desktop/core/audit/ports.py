"""Where the audit trail is kept, and what is noted and signed outside the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from exai_desktop.core.audit.activity import ActivityQuery, DaySum
from exai_desktop.core.audit.audit import AuditAnchor, AuditEntry, AuditRow
from exai_desktop.core.audit.check import NO_ROWS, Anchoring, AuditHead, AuditReport
from exai_desktop.core.audit.signing import UnsignedDays


class AnchorFile(Protocol):
    """Where the newest row of the audit trail is noted outside the database. Calls block."""

    def load(self) -> Anchoring: ...

    def known(self) -> Anchoring:
        """The same, as it was found or noted last by this run."""
        ...

    def save(self, anchor: AuditAnchor) -> None:
        """Best effort: a failure is logged."""
        ...

    def accept(self, anchor: AuditAnchor, keys: Iterable[str], taken: AuditHead) -> None:
        """From now on this is the anchor, rows sealed by `keys` count, and those up to `taken`.

        Raises `AppError`.
        """
        ...


class Signer(Protocol):
    """Signs with a private key that is kept in the key store; made when there is none.

    Calls block, and raise `AccountError` while the key store does not answer.
    """

    def public_key(self) -> str:
        """64 hex digits."""
        ...

    def sign(self, message: bytes) -> str:
        """128 hex digits."""
        ...

    def has_signed(self, message: bytes, signature: str) -> bool: ...


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

    async def newest(self, query: ActivityQuery) -> list[AuditRow]:
        """What a query asks for, the newest first."""
        ...

    async def days(self, since: float) -> list[DaySum]:
        """Days of local time on which a file was sent or not, in order."""
        ...

    async def check(
        self, anchoring: Anchoring, begin: AuditHead = NO_ROWS, until: int | None = None
    ) -> AuditReport:
        """Go through the chain, from the row behind `begin` up to row `until`."""
        ...

    async def unsigned(self, today: str) -> UnsignedDays | None:
        """The days before `today` whose rows no signature covers."""
        ...

    async def anchor(self, earlier: AuditAnchor | None, at: float) -> AuditAnchor | None:
        """A new anchor; None when nothing is new or `earlier` tells of another chain."""
        ...
