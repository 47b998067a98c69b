"""Takes secrets out of finished text: what is logged, shown in an error, or copied for a report."""

from __future__ import annotations

import json
import re
import threading
from typing import Final
from urllib.parse import quote

MASK: Final = "***"

# Shorter ones would blank out ordinary words.
_SHORTEST_SECRET: Final = 6

_live: set[str] = set()
_lock = threading.Lock()

# What follows a name: `name: value`, `name=value`, `'name': 'value'`, `(b'name', b'value')`.
_TIES: Final = r"""(?:["']?\s*[:=]\s*(?:b?["'])?|["']\s*,\s*b?["'])"""
_NAMED: Final = (
    r"api[_-]?key|x-api-key|access[_-]?key|access[_-]?token|refresh[_-]?token|id[_-]?token"
    r"|client[_-]?secret|password|passphrase|cookie|set-cookie"
)
# Repetitions are bounded: a hostile answer must not make the search slow.
_QUERY_NAMES: Final = (
    r"[\w.-]{0,40}?(?:token|key|secret|sign|signature|password|passwd|auth|credential|code|session)[\w.-]{0,40}"
    r"|sig|pwd|policy|x-(?:amz|oss|goog|cos)-[\w-]+|q-[\w-]+"
)

_RULES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # Up to the end of the line or the closing quote: a header may hold several words.
        (rf"((?:proxy-)?authorization{_TIES})[^\"'\r\n,}}\])]+", rf"\1{MASK}"),
        (r"\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}", rf"\1 {MASK}"),
        (r"\bsk-[a-z0-9_-]{6,}", f"sk-{MASK}"),
        (r"\bsb_secret_[a-z0-9_-]{6,}", f"sb_secret_{MASK}"),
        # A GLM key is <id>.<secret>; what is signed with it, and a session, is a JSON web token.
        (r"\b[0-9a-f]{16,}\.[a-z0-9]{12,}", MASK),
        (r"\beyj[a-z0-9_-]{8,}\.[a-z0-9_-]+(?:\.[a-z0-9_-]*)?", MASK),
        (
            rf"(\bmsh-[a-z-]{{0,40}}?(?:org|project|uid|gid|user|group)[a-z-]{{0,40}}{_TIES})[^\s\"',;}}\])]+",
            rf"\1{MASK}",
        ),
        (rf"((?:{_NAMED}){_TIES})[^\s\"',;&}}\])]+", rf"\1{MASK}"),
        (r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#@\"'<>]+@", rf"\1{MASK}@"),
        (rf"([?&#](?:{_QUERY_NAMES})=)[^&\s\"'<>#]+", rf"\1{MASK}"),
    )
)


def register(secret: str) -> None:
    """From now on this very text never passes, whatever it looks like."""
    if len(secret) >= _SHORTEST_SECRET:
        with _lock:
            # As it stands, in a URL, in JSON and in the text of an exception.
            _live.update(
                {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
            )


def redact(text: str) -> str:
    """The text with every secret replaced by `***`. Doing it twice changes nothing more."""
    with _lock:
        # Longest first: one may be the beginning of another.
        live = sorted(_live, key=len, reverse=True)
    for secret in live:
        text = text.replace(secret, MASK)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
