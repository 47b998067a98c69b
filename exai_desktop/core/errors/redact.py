"""Takes secrets out of finished text: what is logged, shown in an error, or copied for a report."""

from __future__ import annotations

import html
import json
import re
from typing import Final
from urllib.parse import quote

MASK: Final = "***"

# Shorter ones would blank out ordinary words.
_SHORTEST_SECRET: Final = 6

# Changed and copied in one step each: any thread may do so at any time.
_live: set[str] = set()

# What follows a name: `name: value`, `name=value`, `'name': 'value'`, `(b'name', b'value')`.
_TIES: Final = r"""(?:["']?\s*[:=]\s*(?:b?["'])?|["']\s*,\s*b?["'])"""
_NAMED: Final = (
    r"api[_-]?key|x-api-key|access[_-]?key|access[_-]?token|refresh[_-]?token|id[_-]?token"
    r"|client[_-]?secret|password|passphrase|cookie|set-cookie"
)
_LOOSE: Final = r"(?:[a-z]{1,12}[_-])?(?:token|secret|signature|passwd|session(?:[_-]?id)?)"
_CODED: Final = r"(?=[a-z_/+-]{0,64}[0-9])[^\s\"',;&}\])<]{8,}"
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
        # No \b: in an address `%20` may stand before it.
        (r"(?<![a-z])sk-[a-z0-9_-]{6,}", f"sk-{MASK}"),
        # Other houses' keys: what a gateway adds to its page, or a file's name brings along.
        (r"\b(?:akia|asia|ltai)[a-z0-9]{12,}", MASK),
        (r"\b(?:gh[pousr]_|github_pat_|xox[abprs]-|aiza)[a-z0-9_-]{16,}", MASK),
        (r"-----begin [a-z ]{0,30}private key-----[^-]*(?:-----end [a-z ]{0,30}-----)?", MASK),
        (r"\bsb_secret_[a-z0-9_-]{6,}", f"sb_secret_{MASK}"),
        # A GLM key is <id>.<secret>; what is signed with it, and a session, is a JSON web token.
        (r"\b[0-9a-f]{16,}\.[a-z0-9]{12,}", MASK),
        (r"\beyj[a-z0-9_-]{8,}\.[a-z0-9_-]+(?:\.[a-z0-9_-]*)?", MASK),
        (
            rf"(\bmsh-[a-z-]{{0,40}}?(?:org|project|uid|gid|user|group)[a-z-]{{0,40}}{_TIES})[^\s\"',;}}\])]+",
            rf"\1{MASK}",
        ),
        (rf"((?:{_NAMED}){_TIES})[^\s\"',;&}}\])]+", rf"\1{MASK}"),
        # These words are common in sentences too: only what looks like no word goes.
        (
            rf"(\b(?:{_LOOSE}){_TIES})(?=[a-z_/+-]{{0,64}}[0-9])[^\s\"',;&}}\])<]{{8,}}",
            rf"\1{MASK}",
        ),
        (r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#@\"'<>]+@", rf"\1{MASK}@"),
        (rf"([?&#](?:{_QUERY_NAMES})=)[^&\s\"'<>#]+", rf"\1{MASK}"),
    )
)


def register(secret: str) -> None:
    """From now on this very text never passes, whatever it looks like."""
    if len(secret) >= _SHORTEST_SECRET:
        # As it stands, in a URL, in a page, in JSON and in the text of an exception.
        forms = (quote(secret, safe=""), html.escape(secret), json.dumps(secret)[1:-1])
        _live.update({secret, *forms, repr(secret)[1:-1]})


def redact(text: str) -> str:
    """The text with every secret replaced by `***`. Doing it twice changes nothing more."""
    if not text:
        return text
    # Longest first: one may be the beginning of another.
    live = sorted(_live.copy(), key=len, reverse=True)
    for secret in live:
        text = text.replace(secret, MASK)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
