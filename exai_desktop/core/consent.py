"""What the user may accept of a file's content: the codes that ask, and their short names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from exai_desktop.core.error_codes import ErrorCode

# The short name is the one of the command line and of the setting `content_<name>`.
ASKING: Final[dict[str, ErrorCode]] = {
    "macros": ErrorCode.MACROS_FOUND,
    "encrypted": ErrorCode.ENCRYPTED_DOCUMENT,
    "mismatch": ErrorCode.CONTENT_MISMATCH,
    "deceptive": ErrorCode.DECEPTIVE_NAME,
}
_NAMES: Final = {code.value: name for name, code in ASKING.items()}


def accepted_codes(words: Iterable[str]) -> tuple[str, ...]:
    """Names or whole codes as codes, each once and in order. Raises ValueError for another."""
    found = set()
    for word in words:
        code = ASKING.get(word.lower())
        full = code.value if code else word.upper()
        if full not in _NAMES:
            raise ValueError(f"{word!r} is none of {', '.join(ASKING)}")
        found.add(full)
    return tuple(sorted(found))


def can_be_accepted(code: str) -> bool:
    return code in _NAMES


def names_of(codes: Iterable[str]) -> str:
    """The short names, for people."""
    return ", ".join(_NAMES.get(code, code) for code in codes)
