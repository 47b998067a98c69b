"""A small file is read once, in one trip to a reader thread: judged, searched and hashed.

Each trip costs more than the reading. What could not be found out here is found out again step by
step, with the error that belongs to the step.
"""

from __future__ import annotations

from collections.abc import Callable

from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import SMALL
from exai_desktop.core.sniff import SecretSearch, Verdict
from exai_desktop.engine.files.file_checks import inspect
from exai_desktop.engine.files.open_file import RegularFile, hash_file

SearchFor = Callable[[Verdict, RegularFile], SecretSearch | None]


class FirstLook:
    """What was found out while the file was opened; None: not yet.

    `search` has seen the bytes that `sha256` is of.
    """

    def __init__(self, path: str, search_for: SearchFor) -> None:
        self._path = path
        self._search_for = search_for
        self.verdict: Verdict | None = None
        self.search: SecretSearch | None = None
        self.sha256: str | None = None

    def take(self, file: RegularFile) -> None:
        """In a reader thread. Does not raise."""
        if file.id.size > SMALL:
            return
        try:
            with file.read_ahead():
                verdict = inspect(file, self._path)
                search = self._search_for(verdict, file)
                self.sha256 = hash_file(file, lambda _: None, lambda: False, search)
        except FileError:
            return
        self.verdict, self.search = verdict, search
