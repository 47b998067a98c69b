"""Claims on a content across the programs of one user: two profiles may use one account.

Each profile has its own record; the claim is where they meet. A program holds the claim's kernel
lock while it sends, and leaves a note of what it did: the next one reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.files.names import is_renamed_twin


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """A content at an account, whatever the profiles call the account."""

    base_url: str
    key_fingerprint: str
    purpose: str
    sha256: str


class Claim(BaseModel):
    """What a program has noted. Without `remote_id` it has begun and nobody knows the end."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    owner: str = Field(max_length=64)
    sent_name: str = Field(max_length=1_000)
    size: int = Field(ge=0)
    at: float
    remote_id: str = Field(default="", max_length=128)

    def may_be(self, remote: RemoteFile) -> bool:
        """Whether the file may be what was sent: by its id, or else by name and size."""
        if self.remote_id:
            return self.remote_id == remote.id
        return self.size == remote.bytes and is_renamed_twin(self.sent_name, remote.name)


# Who has noted it where nobody needs to know which of the user's devices it was.
OTHER_DEVICE: Final = "another device"

# Larger than any file.
_LARGEST: Final = 1 << 50


def is_possible(claim: Claim, now: float, skew_s: float) -> bool:
    """Whether it can be true: not from the future, and of a size that a file can have."""
    return 0 <= claim.at <= now + skew_s and claim.size <= _LARGEST


class ClaimLostError(Exception):
    """The hold has run out and somebody else may have it: nothing may be sent under it."""


class Hold(Protocol):
    """The lock, held. All calls block."""

    @property
    def earlier(self) -> Claim | None:
        """What another program has noted; None too when the note is our own."""
        ...

    @property
    def own(self) -> Claim | None:
        """What this program itself has noted last. Its record may have been put back since."""
        ...

    @property
    def is_ours(self) -> bool:
        """Whether it still holds; does not block."""
        ...

    @property
    def left(self) -> str:
        """Why other computers were not asked, in words; "" if they were, or there are none."""
        ...

    def note(self, claim: Claim | None) -> None:
        """On disk when it returns; None takes the note away. Raises OSError, `ClaimLostError`."""
        ...

    def release(self) -> None: ...


class ContentClaims(Protocol):
    @property
    def owner(self) -> str:
        """The name under which this program notes things."""
        ...

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        """Whether a note says that this file at the account is, or may be, another content's than
        the key's. Blocks; raises OSError."""
        ...

    def hold(self, key: ClaimKey) -> Hold | None:
        """Blocks for a moment at most; None: another program is at it. Raises OSError."""
        ...
