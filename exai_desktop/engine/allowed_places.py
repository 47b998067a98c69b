"""Where unattended uploads may take files from, asked of the disk: links resolved, files open."""

from __future__ import annotations

import os
from collections.abc import Sequence

from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import FileError
from exai_desktop.core.path_policy import PathPolicy
from exai_desktop.engine.open_file import RegularFile


class AllowedPlaces:
    """Each look is a new one: a folder may have become a link meanwhile. Blocks."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)

    def check_given(self, path: str) -> None:
        """Judge a path as it was handed over. Raises PATH_TRAVERSAL."""
        malformed = PathPolicy(self._folders).malformed(path)
        if malformed is not None:
            raise FileError(ErrorCode.PATH_TRAVERSAL, malformed)
        self.check_found(path)

    def check_found(self, path: str) -> None:
        """Judge where a path leads now, whether something is there or not."""
        self._check(os.path.realpath(path))

    def check_open(self, file: RegularFile) -> None:
        """Judge where the open file lies: a path can be turned between a look and the opening."""
        self._check(file.place())

    def _check(self, real: str) -> None:
        policy = PathPolicy(tuple(os.path.realpath(folder) for folder in self._folders))
        objection = policy.objection(real)
        if objection is not None:
            raise FileError(ErrorCode.PATH_TRAVERSAL, objection)
