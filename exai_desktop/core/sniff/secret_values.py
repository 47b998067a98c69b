"""Values in a text: made by a machine, made up by a person, or put there for the reader."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_DIGITS: Final = frozenset(b"0123456789")
_UPPER: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX: Final = frozenset(b"0123456789abcdef")
_LOWER: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz")


def is_mixed(value: bytes, digits: int = 1) -> bool:
    """Large and small letters, and as many different digits."""
    seen = set(value)
    return bool(seen & _UPPER) and bool(seen & _LOWER) and len(seen & _DIGITS) >= digits


def is_strong(value: bytes) -> bool:
    """What a machine has made: long, digits among letters."""
    numbers = sum(byte in _DIGITS for byte in value)
    letters = sum(byte in _LOWER or byte in _UPPER for byte in value)
    # A short one of these digits only is a checksum.
    least = 20 if set(value.lower()) <= _HEX else 16
    return len(value) >= least and numbers >= 2 and letters >= 2 and len(set(value)) >= 8


def is_medium(value: bytes) -> bool:
    """What a person makes up as a password: eight or more, and not only letters."""
    seen = set(value)
    others = seen - _UPPER - _LOWER - _DIGITS - set(b"-_./:")
    return len(seen) >= 5 and bool(seen & (_UPPER | _LOWER)) and bool(seen & _DIGITS or others)


def decoded(value: bytes) -> bytes:
    """From base64 of either alphabet; empty when it is none."""
    plain = value.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    # A length that no encoder makes comes from a part that was cut out.
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""


_MARKS: Final = (
    b"xxxx", b"****", b"...", b"\xe2\x80\xa6", b"${", b"{{", b"%(", b"%s", b"example",
    b"placeholder", b"changeme", b"change-me", b"change_me", b"your-", b"your_", b"redacted",
    b"1234567890", b"0123456789", b"abcdefghij",
    # From the standard of OAuth, quoted by every library.
    b"2yotnfzfejr1zcsicmwpaa", b"gx1fbat3bv", b"ad180jjd733klru7",
)  # fmt: skip
_WORDS: Final = re.compile(
    rb"my|your|the|some|super|very|top|secrets?|passw(?:or)?ds?|pass|passphrase|tokens?|api|keys?|auth|access"
    rb"|private|public|client|user(?:name)?|admin|root|login|test(?:ing)?|dummy|fake|mock|sample|demo|foo|bar|baz"
    rb"|here|insert|replace|with|none|null|true|false|undefined|todo|value|string|text|default|local|dev|prod"
    rb"|database|postgres|mysql|redis|guest|strong|random|generated|not|real|invalid|valid|new|old|id"
    rb"|[0-9]|[^A-Za-z0-9]|abc|def|qwerty|hunter"
)
_SEQUENCE: Final = re.compile(rb"(?:012|123|234|345|456|567|678|789|890)[0-9]?")
_LEAST_LEFT: Final = 4


def is_placeholder(value: bytes) -> bool:
    """Whether it stands for a secret and is none: `your-key-here`, `changeme`, `xxxxxxxx`."""
    low = value.lower()
    if len(set(low)) < 5 or any(mark in low for mark in _MARKS):
        return True
    if low.startswith((b"$", b"%", b"@", b"!", b"#", b"&", b"*")) and low[1:].isalpha():
        return True  # the name of a variable, a tag
    digits = sum(byte in _DIGITS for byte in _SEQUENCE.sub(b"", low))
    return len(_WORDS.sub(b"", low)) < _LEAST_LEFT and digits < 8
