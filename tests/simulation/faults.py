"""What must never happen, and the end of a process."""

from __future__ import annotations


class BrokenPromiseError(AssertionError):
    """A promise was broken."""


class PowerCut(BaseException):
    """What a dead process meets wherever it tries to go on. Not an Exception: nobody handles it."""
