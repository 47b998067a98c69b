"""Validation by content: which of the kinds the providers take a file is, and is it a program.

Pure: works on `read_at(offset, size)` and a size. An allow-list: what is not recognised is not
taken. The name never decides what a file is, only whether it agrees, or makes it a program.
"""

from exai_desktop.core.sniff.content import recognise, sniff, verdict_of
from exai_desktop.core.sniff.policy import ContentPolicy, Rule, judge_content, policy_of
from exai_desktop.core.sniff.source import Damage, Source
from exai_desktop.core.sniff.verdict import Agreement, Content, Family, Finding, Note, Verdict

__all__ = [
    "Agreement",
    "Content",
    "ContentPolicy",
    "Damage",
    "Family",
    "Finding",
    "Note",
    "Rule",
    "Source",
    "Verdict",
    "judge_content",
    "policy_of",
    "recognise",
    "sniff",
    "verdict_of",
]
