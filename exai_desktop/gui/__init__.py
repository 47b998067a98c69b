"""The window. Qt is loaded here, before everything that uses it."""

from __future__ import annotations

import builtins


def _load_qt() -> None:
    """PySide6 puts a function of its own in the place of `import`, for a feature that we do not
    use. With it every module that is loaded later is read a second time, as text."""
    plain_import = builtins.__import__
    try:
        import PySide6  # noqa: F401 - it is loaded for what it does
    finally:
        builtins.__import__ = plain_import


_load_qt()
