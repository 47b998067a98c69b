"""Walking real trees: everything found is accounted for exactly once."""

import os
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import pytest

from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.engine.files.scanner import CHUNK, Scanner
from tests.unit.nobody import folder_for_all, run_as_nobody

LIMIT = 1_000_000


def _chunks(*paths: Path | str) -> list[list[NewJob]]:
    return list(Scanner(LIMIT, lambda: False).walk([str(path) for path in paths]))


def _found(*paths: Path | str) -> dict[str, str]:
    """path → error code, "" for a file that is accepted; no path may come twice."""
    jobs = [job for chunk in _chunks(*paths) for job in chunk]
    assert [p for p, count in Counter(job.path for job in jobs).items() if count > 1] == []
    return {job.path: job.error.code if job.error else "" for job in jobs}


def _file(path: Path, content: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_a_dropped_file_is_one_job_with_its_size(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.txt", "12345")
    assert _chunks(path) == [[NewJob(str(path), 5)]]


def test_a_folder_gives_all_files_below_it(tmp_path: Path) -> None:
    names = ["a.txt", "one/b.txt", "one/two/three/c.txt", "other/d.txt"]
    files = [_file(tmp_path / name) for name in names]
    assert _found(tmp_path) == {str(file): "" for file in files}


def test_files_come_in_the_order_of_their_names_a_folder_s_own_first(tmp_path: Path) -> None:
    for name in ["b/2.txt", "b/1.txt", "c.txt", "a/x/1.txt", "a/9.txt", "d.txt"]:
        _file(tmp_path / name)
    order = [os.path.relpath(path, tmp_path) for path in _found(tmp_path)]
    assert order == ["c.txt", "d.txt", "a/9.txt", "a/x/1.txt", "b/1.txt", "b/2.txt"]


def test_dropped_paths_keep_the_order_of_the_drop(tmp_path: Path) -> None:
    files = [_file(tmp_path / name) for name in ("c.txt", "a.txt", "b.txt")]
    assert list(_found(*files)) == [str(file) for file in files]


def test_a_deep_tree_costs_no_stack(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(900):
        folder = folder / "d"
    _file(folder / "deep.txt")
    assert list(_found(tmp_path).values()) == [""]


def test_a_link_back_up_does_not_go_round_for_ever(tmp_path: Path) -> None:
    file = _file(tmp_path / "a" / "b" / "c.txt")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "self").symlink_to(".")
    assert _found(tmp_path) == {str(file): ""}


def test_a_folder_that_can_be_reached_twice_is_walked_once(tmp_path: Path) -> None:
    _file(tmp_path / "a" / "c.txt")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert len(_found(tmp_path)) == 1
    assert len(_found(tmp_path / "a", tmp_path / "a")) == 1
    assert len(_found(tmp_path, tmp_path / "a")) == 1


def test_links_that_lead_nowhere_are_refused_by_name(tmp_path: Path) -> None:
    dangling, loop = tmp_path / "dangling.txt", tmp_path / "loop.txt"
    dangling.symlink_to("gone.txt")
    loop.symlink_to("loop.txt")
    expected = dict.fromkeys([str(dangling), str(loop)], "DANGLING_LINK")
    assert _found(tmp_path) == expected
    assert _found(dangling, loop) == expected


def test_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    _file(tmp_path / "real" / "a.txt")
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "file.txt").symlink_to(tmp_path / "real" / "a.txt")
    (drop / "folder").symlink_to(tmp_path / "real")
    inside = {str(drop / "file.txt"): "", str(drop / "folder" / "a.txt"): ""}
    assert _found(drop) == inside
    assert _found(drop / "file.txt", drop / "folder") == inside


def test_what_is_no_regular_file_is_refused_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        with chdir(tmp_path):  # a socket's path may hold some 100 characters only
            listener.bind("socket.txt")
        expected = {str(tmp_path / name): "NOT_A_FILE" for name in ("pipe.txt", "socket.txt")}
        assert _found(tmp_path) == expected
        assert _found(*expected, "/dev/null") == expected | {"/dev/null": "NOT_A_FILE"}


def test_an_empty_folder_is_a_row_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a" / "empty").mkdir(parents=True)
    assert _found(tmp_path) == {str(tmp_path / "a" / "empty"): "EMPTY_FOLDER"}


def test_a_folder_of_tools_is_skipped_and_shown_unless_it_was_dropped(tmp_path: Path) -> None:
    inside = _file(tmp_path / ".git" / "config")
    _file(tmp_path / "src" / "node_modules" / "x.js")
    mine = _file(tmp_path / "a.txt")
    skipped = {str(tmp_path / name): "FOLDER_SKIPPED" for name in (".git", "src/node_modules")}
    assert _found(tmp_path) == skipped | {str(mine): ""}
    assert _found(tmp_path / ".git") == {str(inside): ""}


def test_files_refused_by_name_or_size_say_why(tmp_path: Path) -> None:
    _file(tmp_path / "empty.txt", "")
    _file(tmp_path / ".DS_Store")
    _file(tmp_path / "~$report.docx")
    with _file(tmp_path / "large.bin").open("wb") as large:
        large.truncate(50 * 1024**3)  # nothing of it is on the disk
    with _file(tmp_path / "just.bin").open("wb") as just:
        just.truncate(LIMIT)
    assert {Path(p).name: code for p, code in _found(tmp_path).items()} == {
        "empty.txt": "EMPTY_FILE",
        ".DS_Store": "SYSTEM_FILE",
        "~$report.docx": "SYSTEM_FILE",
        "large.bin": "FILE_TOO_LARGE",
        "just.bin": "",
    }
    [[job]] = _chunks(tmp_path / "large.bin")
    assert job.size == 50 * 1024**3


def test_names_that_are_not_utf_8_lead_back_to_their_files(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", b"dir\xff/\xfe.txt", b"new\nline.txt"):
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name)
    found = _found(tmp_path)
    assert list(found.values()) == ["", "", ""]
    assert all(Path(path).read_bytes() in os.fsencode(path) for path in found)


@pytest.mark.parametrize("name", ["gone.txt", "a.txt/below.txt", "nu\0ll.txt", "\ud800.txt"])
def test_a_path_that_does_not_exist_is_refused(tmp_path: Path, name: str) -> None:
    _file(tmp_path / "a.txt")
    found = _found(f"{tmp_path}/{name}")
    assert list(found.values()) == ["FILE_NOT_FOUND"]
    assert not any("\0" in path for path in found)


def test_an_empty_path_is_not_the_folder_the_program_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`upload "$FILE"` with nothing in FILE must not send everything below."""
    _file(tmp_path / "private.txt")
    monkeypatch.chdir(tmp_path)
    assert list(_found("").values()) == ["FILE_NOT_FOUND"]


SCAN = """
walk = scanner.Scanner(1000, lambda: False).walk(paths)
print(json.dumps({j.path: j.error and j.error.code for chunk in walk for j in chunk}))
"""


def test_what_may_not_be_read_is_shown_with_the_rest() -> None:
    with folder_for_all() as folder:
        readable = _file(folder / "a.txt")
        _file(folder / "closed" / "hidden.txt")
        _file(folder / "names only" / "seen.txt")
        _file(folder / "names only" / "sub" / "hidden.txt")
        (folder / "names only").chmod(0o644)
        (folder / "closed").chmod(0o000)
        names_only = folder / "names only"
        assert run_as_nobody(SCAN, folder) == {
            str(readable): None,
            str(folder / "closed"): "FOLDER_UNREADABLE",
            str(names_only / "seen.txt"): "FILE_UNREADABLE",
            str(names_only / "sub"): "FOLDER_UNREADABLE",
        }
        assert run_as_nobody(SCAN, folder / "closed" / "hidden.txt") == {
            str(folder / "closed" / "hidden.txt"): "FILE_UNREADABLE"
        }


def _many(folder: Path, count: int) -> Sequence[str]:
    return [str(_file(folder / f"{n:05}.txt")) for n in range(count)]


@pytest.mark.parametrize("count", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
def test_many_files_come_in_full_chunks_and_a_rest(tmp_path: Path, count: int) -> None:
    files = _many(tmp_path, count)
    for chunks in (_chunks(tmp_path), _chunks(*files)):
        assert [job.path for chunk in chunks for job in chunk] == files
        assert [len(chunk) for chunk in chunks[:-1]] == [CHUNK] * (len(chunks) - 1)
        assert 0 < len(chunks[-1]) <= CHUNK


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_stopped_walk_ends_soon(tmp_path: Path, as_folder: bool) -> None:
    files = _many(tmp_path, 3 * CHUNK)
    chunks = list[list[NewJob]]()
    walk = Scanner(LIMIT, lambda: bool(chunks)).walk([str(tmp_path)] if as_folder else files)
    for chunk in walk:
        chunks.append(chunk)
    assert sum(map(len, chunks)) <= CHUNK + 1


def test_nothing_dropped_gives_nothing() -> None:
    assert _chunks() == []
