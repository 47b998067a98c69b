"""The states of a file at the provider, and what people read for them. It loads nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class CopyState(StrEnum):
    """What is known of a file at the provider."""

    PRESENT = "present"
    DELETING = "deleting"
    DELETED = "deleted"
    MISSING = "missing"
    EXPIRED = "expired"
    FOREIGN = "foreign"


class CopyOrigin(StrEnum):
    """How a file at the provider came into the record.

    Only of `SENT` the content is known: the others never stand for a file on this computer.
    """

    SENT = "sent"
    # Seen in a list of the provider; nobody here is known to have sent it.
    FOUND = "found"
    # The same, taken into the record by the user.
    IMPORTED = "imported"


class Sight(StrEnum):
    """What a look at the provider found of one file."""

    SEEN = "seen"
    NOT_SEEN = "not_seen"
    OTHER_SIZE = "other_size"


# What people read, in the window and on the command line. Scripts read the names of `CopyState`,
# `CopyOrigin` and `Sight` instead; these never change.
COPY_WORDS: Final[dict[CopyState, str]] = {
    CopyState.PRESENT: "Stored",
    CopyState.DELETING: "Deletion not confirmed",
    CopyState.DELETED: "Deleted",
    CopyState.MISSING: "Missing",
    CopyState.EXPIRED: "Expired",
    CopyState.FOREIGN: "Not uploaded by this app",
}

ORIGIN_WORDS: Final[dict[CopyOrigin, str]] = {
    CopyOrigin.SENT: "Uploaded by this app",
    CopyOrigin.FOUND: "Found at the provider",
    CopyOrigin.IMPORTED: "Imported; content unknown",
}

SIGHT_WORDS: Final[dict[Sight, str]] = {
    Sight.SEEN: "Found",
    Sight.NOT_SEEN: "Not found",
    Sight.OTHER_SIZE: "Found with a different size",
}
