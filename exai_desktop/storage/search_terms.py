"""What a search for jobs or files is made of."""

from __future__ import annotations

import re
from typing import Final

# Shorter ones are rather words than the beginning of a hash.
HASH_START: Final = re.compile(r"[0-9a-f]{4,64}")


def literal(text: str) -> str:
    r"""Text in which `%` and `_` mean themselves in LIKE ... ESCAPE '\'."""
    return re.sub(r"([\\%_])", r"\\\1", text)
