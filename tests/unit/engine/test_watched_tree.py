"""What in a watched folder is found, and what is passed over: on a real disk."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.watched_folders import FoundFile, SkippedFile, SkipReason
from exai_desktop.engine.files.ignore_rules import IgnoreRules, check_patterns, rules_in
from exai_desktop.engine.files.watched_tree import FoundFolder, TreeRules, WatchedTree


def tree_of(root: Path, lines: Sequence[str] = (), **more: object) -> WatchedTree:
    rules = TreeRules(IgnoreRules(lines), 1_000_000, lambda name, size: None, **more)  # type: ignore[arg-type]
    return WatchedTree(str(root), rules)


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"the words of {path}")


def files(tree: WatchedTree) -> list[str]:
    return sorted(each.path for each in tree.all() if isinstance(each, FoundFile))


def kept_by_git(root: Path, lines: Sequence[str]) -> list[str]:
    """What git itself would add."""
    git = shutil.which("git")
    assert git is not None, "git is needed"
    (root / ".git" / "info").mkdir(parents=True)
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(root)}

    def call(*words: str) -> bytes:
        command = [git, *words]
        return subprocess.run(
            command, cwd=root, env=environment, check=True, capture_output=True
        ).stdout

    call("init", "-q")
    (root / ".git" / "info" / "exclude").write_text("\n".join(lines), encoding="utf-8")
    listed = call("ls-files", "-z", "--others", "--exclude-standard")
    return sorted(os.fsdecode(name) for name in listed.split(b"\0") if name)


TABLE: list[tuple[list[str], list[str], list[str]]] = [
    (["*.log"], ["a.log", "below/b.log"], ["a.txt", "log.txt"]),
    (["/a.txt"], ["a.txt"], ["below/a.txt"]),
    (["below/"], ["below/a.txt", "x/below/b.txt"], ["below.txt"]),
    (["/below/*", "!/below/keep.txt"], ["below/a.txt"], ["below/keep.txt"]),
    (["below/", "!below/keep.txt"], ["below/keep.txt"], ["a.txt"]),
    (["*", "!*/", "!*.pdf"], ["a.txt", "below/b.txt"], ["c.pdf", "below/d.pdf"]),
    (["a/**/z.txt"], ["a/z.txt", "a/b/c/z.txt"], ["z.txt", "b/z.txt"]),
    (["**/drafts"], ["drafts/a.txt", "x/drafts/b.txt"], ["drafts.txt"]),
    (["a?.txt"], ["ab.txt"], ["a.txt", "abc.txt"]),
    (["[ab].txt"], ["a.txt", "b.txt"], ["c.txt"]),
    (["# a.txt", "", r"\#b.txt"], ["#b.txt"], ["a.txt"]),
    (["*.txt", "!a.txt"], ["b.txt"], ["a.txt", "x/a.txt"]),
    (["x/a.txt"], ["x/a.txt"], ["y/x/a.txt"]),
    (["a/**", "!a/keep.txt"], ["a/b.txt", "a/c/keep.txt"], ["a/keep.txt", "b/a/d.txt"]),
    (["*", "!x/"], ["a.txt", "x/a.txt"], []),
    (["**", "!**/", "!z.txt"], ["a", "x/y/a.txt"], ["z.txt", "x/y/z.txt"]),
    (["*/"], ["x/a.txt", "x/y/a.txt"], ["a.txt"]),
    (["x/y/", "!x/y/a.txt"], ["x/y/a.txt"], ["x/a.txt"]),
    (["公司/"], ["公司/a.txt"], ["公.txt"]),
]


@pytest.mark.parametrize(("lines", "out", "kept"), TABLE, ids=[" ".join(row[0]) for row in TABLE])
def test_patterns_are_those_of_git(
    tmp_path: Path, lines: list[str], out: list[str], kept: list[str]
) -> None:
    make(tmp_path, *out, *kept)
    assert files(tree_of(tmp_path, lines)) == sorted(kept)
    assert kept_by_git(tmp_path, lines) == sorted(kept)
    # A single file is judged as the look at everything judges it.
    found = list(tree_of(tmp_path, lines).at([*out, *kept]))
    assert sorted(each.path for each in found if isinstance(each, FoundFile)) == sorted(kept)


@pytest.mark.parametrize("pattern", ["!", "[a", "/", "a\nb", "\\"])
def test_a_pattern_that_means_nothing_is_an_error(pattern: str) -> None:
    with pytest.raises(AppError) as refused:
        check_patterns(["*.txt", pattern])
    assert refused.value.code is ErrorCode.IGNORE_PATTERN_INVALID


def test_the_own_patterns_come_behind_those_of_the_ignore_file(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "b.txt")
    (tmp_path / ".exaiignore").write_bytes(b"\xef\xbb\xbf*.txt\r\n# a comment\r\n")
    rules = TreeRules(rules_in(str(tmp_path), ["!a.txt"]), 1_000, lambda name, size: None)
    assert files(WatchedTree(str(tmp_path), rules)) == ["a.txt"]


def test_an_ignore_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    ignore = tmp_path / ".exaiignore"
    for make_bad in (
        lambda: ignore.write_bytes(b"\xff\xfe"),
        lambda: ignore.write_bytes(b"a" * (1024 * 1024 + 1)),
        lambda: ignore.symlink_to(tmp_path / "elsewhere"),
        ignore.mkdir,
    ):
        make_bad()
        with pytest.raises(AppError) as refused:
            rules_in(str(tmp_path), [])
        assert refused.value.code is ErrorCode.IGNORE_FILE_UNUSABLE
        if ignore.is_dir() and not ignore.is_symlink():
            ignore.rmdir()
        else:
            ignore.unlink()


def test_nothing_is_reached_through_a_link(tmp_path: Path) -> None:
    inside = tmp_path / "watched"
    make(tmp_path, "outside/secret.txt", "watched/a.txt")
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "loop").symlink_to(inside)
    (inside / "nowhere").symlink_to(tmp_path / "none")
    tree = tree_of(inside)
    assert files(tree) == ["a.txt"]
    for path in ("out/secret.txt", "loop/a.txt", "../outside/secret.txt", "out"):
        assert not [each for each in tree_of(inside).at([path]) if isinstance(each, FoundFile)]
    skipped = {
        each.path: each.reason for each in tree_of(inside).all() if isinstance(each, SkippedFile)
    }
    assert skipped == {
        "out": SkipReason.LINK_OUT,
        "nowhere": SkipReason.LINK_OUT,
        "loop": SkipReason.LINK,
    }


def test_only_the_folder_itself_if_wanted(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "below/b.txt")
    tree = tree_of(tmp_path, with_subfolders=False)
    assert files(tree) == ["a.txt"]
    assert not list(tree_of(tmp_path, with_subfolders=False).at(["below/b.txt", "below"]))


def test_folders_of_the_program_and_of_secrets_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "own/settings.json", ".ssh/id.txt", "node_modules/x.txt")
    found = list(tree_of(tmp_path, own=(str(tmp_path / "own"),)).all())
    assert [each.path for each in found if isinstance(each, FoundFile)] == ["a.txt"]
    assert {each.path for each in found if isinstance(each, SkippedFile)} == {
        *("own", ".ssh", "node_modules")
    }


def test_what_is_no_regular_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert [each for each in tree_of(tmp_path).all() if not isinstance(each, FoundFolder)] == [
        SkippedFile("pipe.txt", SkipReason.NOT_A_FILE)
    ]


def test_a_name_that_is_not_utf8_is_found(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.txt"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a name in bytes
        file.write("words")
    assert files(tree_of(tmp_path)) == ["\udcff.txt"]
