"""Interim answers (RFC 9110, section 15.2): a server may send some before the answer itself.

They say that it is at work (100, 102) or give hints (103), and come at any moment, also in the
middle of a body. Only 101 is none of them here: nobody has asked for another protocol.
"""

from __future__ import annotations

import re
from typing import Final

# Together, for one request; more is a flood.
MOST_BYTES: Final = 256 * 1024

_HEAD: Final = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n")
_LINES: Final = (b"HTTP/1.1 1", b"HTTP/1.0 1")
_STATUS: Final = slice(9, 12)


def split_interim(data: bytes) -> tuple[int, bool]:
    """How many bytes of complete interim answers begin `data`, and whether more may follow.

    True when nothing is left, or what is left can still become an interim answer.
    """
    end = 0
    while (head := _HEAD.match(data, end)) is not None:
        end = head.end()
    rest = data[end : end + _STATUS.stop]
    if len(data) - end > MOST_BYTES or rest[_STATUS] == b"101":
        return end, False
    return end, any(line.startswith(rest[: len(line)]) for line in _LINES)
