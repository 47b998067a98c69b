"""Opening, reading and hashing the user's files."""

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import OpenFile
from exai_desktop.engine.files.open_file import PIECE, RegularFile, hash_file, open_regular
from tests.unit.nobody import folder_for_all, run_as_nobody

LONG_AGO_NS = 1_600_000_000 * 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose time stamp lies so far back that every change shows in it."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789")
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    return path


@pytest.fixture
def file(path: Path) -> Iterator[RegularFile]:
    file = open_regular(str(path))
    yield file
    file.close()


def _code(path: Path | str) -> ErrorCode:
    with pytest.raises(FileError) as caught:
        open_regular(str(path)).close()
    return caught.value.code


def _hash(file: RegularFile, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    return hash_file(file, on_bytes, lambda: False)


def test_an_open_file_tells_what_it_is_and_gives_any_part(path: Path, file: OpenFile) -> None:
    found = path.stat()
    assert (file.id.size, file.id.mtime_ns) == (10, LONG_AGO_NS)
    assert (file.id.device, file.id.inode) == (found.st_dev, found.st_ino)
    assert file.read_at(3, 4) == b"3456"
    assert file.read_at(0, 100) == b"0123456789"
    assert file.read_at(10, 1) == b""
    assert not file.has_changed()


def test_a_link_leads_to_its_file(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(path)
    file = open_regular(str(link))
    assert file.read_at(0, 10) == b"0123456789"
    assert not file.has_changed()
    file.close()


@pytest.mark.parametrize(
    "name", ["gone.txt", "folder/gone.txt", "a.txt/below.txt", "nu\0ll.txt", "\ud800.txt"]
)
def test_a_path_that_does_not_exist(tmp_path: Path, path: Path, name: str) -> None:
    assert _code(f"{path.parent}/{name}") is ErrorCode.FILE_NOT_FOUND


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    for name, target in (("dangling", "gone"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
        assert _code(tmp_path / name) is ErrorCode.DANGLING_LINK


@pytest.mark.timeout(10)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to pipe").symlink_to("pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        with chdir(tmp_path):  # a socket's path may hold some 100 characters only
            listener.bind("socket")
        for name in ("pipe", "link to pipe", "folder", "socket"):
            assert _code(tmp_path / name) is ErrorCode.NOT_A_FILE
    assert _code("/dev/null") is ErrorCode.NOT_A_FILE


OPEN = """
def code(path):
    try:
        open_file.open_regular(path).close()
    except AppError as error:
        return error.code
print(json.dumps([code(path) for path in paths]))
"""


def test_a_file_without_permission_and_one_in_a_closed_folder() -> None:
    with folder_for_all() as folder:
        for name in ("open.txt", "closed.txt", "closed/hidden.txt"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("text")
        (folder / "closed.txt").chmod(0o000)
        (folder / "closed").chmod(0o000)
        paths = [folder / name for name in ("open.txt", "closed.txt", "closed/hidden.txt")]
        assert run_as_nobody(OPEN, *paths) == [None, "FILE_UNREADABLE", "FILE_UNREADABLE"]


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_refused_file_is_not_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = _open_descriptors()
    for _ in range(5):
        assert _code(tmp_path / "pipe") is ErrorCode.NOT_A_FILE
    assert _open_descriptors() == before


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"0123456789")
    os.utime(other, ns=(LONG_AGO_NS, LONG_AGO_NS))
    other.replace(path)


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[str, Callable[[Path], object]] = {
    "other content": lambda path: path.write_bytes(b"9876543210"),
    "longer": lambda path: path.write_bytes(b"0123456789+"),
    "shorter": lambda path: os.truncate(path, 3),
    "touched": lambda path: os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS + 1)),
    "another file in its place": _replace,
    "a folder in its place": _replace_by_folder,
    "deleted": lambda path: path.unlink(),
    "moved away": lambda path: path.rename(path.with_name("b.txt")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_of_the_file_or_of_its_path_is_seen(
    path: Path, file: RegularFile, change: Callable[[Path], object]
) -> None:
    assert not file.has_changed()
    change(path)
    assert file.has_changed()
    with pytest.raises(FileError) as caught:
        _hash(file)
    assert caught.value.code is ErrorCode.FILE_CHANGED


def test_reading_a_file_does_not_count_as_a_change(path: Path, file: RegularFile) -> None:
    path.read_bytes()
    _hash(file)
    assert not file.has_changed()


def test_a_file_is_closed_once_and_not_read_afterwards(path: Path) -> None:
    file = open_regular(str(path))
    file.close()
    file.close()
    with pytest.raises(FileError) as caught:
        file.read_at(0, 1)
    assert caught.value.code is ErrorCode.READ_FAILED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5]), st.binary(min_size=1))
def test_the_hash_is_that_of_the_standard_library(
    tmp_path: Path, size: int, pattern: bytes
) -> None:
    content = (pattern * (size // len(pattern) + 1))[:size]
    path = tmp_path / "any.bin"
    path.write_bytes(content)
    file, steps = open_regular(str(path)), list[int]()
    assert _hash(file, steps.append) == hashlib.sha256(content).hexdigest()
    file.close()
    assert steps == sorted(set(steps))
    assert size == (steps[-1] if steps else 0)


@pytest.mark.parametrize("size", [2 * PIECE + 1, PIECE // 2], ids=["longer", "shorter"])
def test_a_file_that_changes_while_it_is_hashed_has_no_hash(path: Path, size: int) -> None:
    path.write_bytes(bytes(2 * PIECE))
    file = open_regular(str(path))
    with pytest.raises(FileError) as caught:
        _hash(file, lambda _: os.truncate(path, size))
    file.close()
    assert caught.value.code is ErrorCode.FILE_CHANGED


def test_hashing_can_be_stopped_between_two_pieces(path: Path) -> None:
    path.write_bytes(bytes(4 * PIECE))
    file, steps = open_regular(str(path)), list[int]()
    with pytest.raises(FileError) as caught:
        hash_file(file, steps.append, lambda: len(steps) == 2)
    file.close()
    assert caught.value.code is ErrorCode.CANCELLED
    assert steps == [PIECE, 2 * PIECE]
