"""Fixtures of the tests that run the installed program."""

from .fixtures import program, sandbox, sandbox_process

__all__ = ["program", "sandbox", "sandbox_process"]
