"""Judging a file by its name and size."""

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import judge, why_skipped


def _code(name: str, size: int, max_bytes: int = 100) -> ErrorCode | None:
    try:
        judge(name, size, max_bytes)
    except FileError as error:
        return error.code
    return None


@pytest.mark.parametrize("size", [1, 99, 100])
def test_a_file_within_the_limit_is_taken(size: int) -> None:
    assert _code("report.pdf", size) is None


@pytest.mark.parametrize(
    ("size", "code"), [(0, ErrorCode.EMPTY_FILE), (101, ErrorCode.FILE_TOO_LARGE)]
)
def test_a_file_outside_the_limits_is_refused(size: int, code: ErrorCode) -> None:
    assert _code("report.pdf", size) is code


def test_a_refusal_by_size_names_both_sizes() -> None:
    with pytest.raises(FileError, match=r"1,234,567 bytes; the limit is 1,000,000"):
        judge("a.pdf", 1_234_567, 1_000_000)


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "Thumbs.db", "DESKTOP.INI", "~$a.docx", "._a.pdf", ".~lock.a.odt#"],
)
def test_what_systems_and_offices_leave_behind_is_not_uploaded(name: str) -> None:
    assert _code(name, 50) is ErrorCode.SYSTEM_FILE
    # It says so even when it is empty: that is not why.
    assert _code(name, 0) is ErrorCode.SYSTEM_FILE


@pytest.mark.parametrize("name", [".env.txt", "thumbs.db.txt", "desktop.initial", "a~$.docx"])
def test_names_that_only_look_alike_are_the_user_s(name: str) -> None:
    assert _code(name, 50) is None


@pytest.mark.parametrize("name", [".git", "node_modules", "__MACOSX", "$RECYCLE.BIN", ".venv"])
def test_folders_of_tools_are_skipped_in_any_case(name: str) -> None:
    assert why_skipped(name, f"/drop/{name}") == name


@pytest.mark.parametrize("name", ["git", "my node_modules", ".github", "documents"])
def test_folders_of_the_user_are_not_skipped(name: str) -> None:
    assert why_skipped(name, f"/drop/{name}") is None


@pytest.mark.parametrize(
    "path", ["/drop/.ssh", "/drop/.GnuPG/old", "/home/lin/.mozilla", "/a/.config/chromium"]
)
def test_what_lies_among_secrets_is_passed_over(path: str) -> None:
    assert "contains keys or passwords" in str(why_skipped("innocent", path))
