"""Fixtures of the tests that run the installed program."""

from .fixtures import interruptible, program, sandbox, sandbox_process

__all__ = ["interruptible", "program", "sandbox", "sandbox_process"]
