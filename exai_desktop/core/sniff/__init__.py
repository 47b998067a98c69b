"""Validation by content: which of the kinds the providers take a file is, and is it a program.

Pure: works on `read_at(offset, size)` and a size. An allow-list: what is not recognised is not
taken. The name never decides what a file is, only whether it agrees, or makes it a program.
"""

from exai_desktop.core.sniff.look import (
    Agreement,
    Content,
    Damage,
    Family,
    Finding,
    LookEnded,
    Note,
    Source,
    Verdict,
)
from exai_desktop.core.sniff.secret_search import SecretSearch
from exai_desktop.core.sniff.verdict import (
    ContentPolicy,
    Rule,
    is_searched,
    judge_content,
    judge_secrets,
    recognise,
    sniff,
    verdict_of,
)

__all__ = [
    "Agreement",
    "Content",
    "ContentPolicy",
    "Damage",
    "Family",
    "Finding",
    "LookEnded",
    "Note",
    "Rule",
    "SecretSearch",
    "Source",
    "Verdict",
    "is_searched",
    "judge_content",
    "judge_secrets",
    "recognise",
    "sniff",
    "verdict_of",
]
