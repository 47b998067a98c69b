"""The program and its sandbox as in the end-to-end tests."""

from tests.e2e.fixtures import interruptible, program, sandbox, sandbox_process

__all__ = ["interruptible", "program", "sandbox", "sandbox_process"]
