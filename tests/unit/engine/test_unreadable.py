"""What permissions keep from the program, with the permissions bound also where root runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.engine.files.open_file import open_regular
from exai_desktop.engine.files.scanner import Scanner
from tests.unit.nobody import NOBODY, folder_for_all

LIMIT = 1024 * 1024


@contextmanager
def _as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission() -> None:
    with folder_for_all() as folder:
        (folder / "closed.txt").write_text("text")
        (folder / "closed.txt").chmod(0o000)
        with _as_nobody(), pytest.raises(AppError) as caught:
            open_regular(str(folder / "closed.txt"))
    assert caught.value.code is ErrorCode.FILE_UNREADABLE


def test_a_folder_without_permission() -> None:
    with folder_for_all() as folder:
        (folder / "closed").mkdir()
        (folder / "closed").chmod(0o000)
        with _as_nobody():
            [jobs] = Scanner(LIMIT, lambda: False).walk([str(folder)])
    [error] = [job.error for job in jobs]
    assert error is not None
    assert error.code == ErrorCode.FOLDER_UNREADABLE
