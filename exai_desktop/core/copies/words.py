"""What people read for a file at a provider: the same words in the window and on the command line.

Scripts read the names of `CopyState`, `CopyOrigin` and `Sight` instead; these never change.
"""

from __future__ import annotations

from typing import Final

from exai_desktop.core.copies.models import CopyOrigin, CopyState
from exai_desktop.core.copies.queries import Sight

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
