"""`ClaimServer`: claims on a content at the user's Supabase project, over all his devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from exai_desktop.core.mirror.operations import MirrorTarget


class ClaimStep(StrEnum):
    """What its holder does with a claim."""

    RENEW = "renew"
    NOTE = "note"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class GrantedClaim:
    """Ours for some seconds. `fence` is higher than that of all claims before it; `note` is what
    the last holder that noted something has left."""

    target: MirrorTarget
    key: str
    fence: int
    note: Mapping[str, Any] | None = None


class ClaimServer(Protocol):
    """Only the project's clock says when a claim ends.

    Each call raises NOT_SIGNED_IN, SESSION_ENDED or PROJECT_KEY_INVALID when there is nobody in
    whose name it could ask, and what keeps the project from answering.
    """

    async def claim(self, key: str, seconds: int) -> GrantedClaim | None:
        """For so long. None: another device has it."""
        ...

    async def claim_step(
        self,
        claim: GrantedClaim,
        step: ClaimStep,
        seconds: int,
        note: Mapping[str, Any] | None = None,
    ) -> bool:
        """False: it has run out or is another device's by now, and nothing was done."""
        ...
