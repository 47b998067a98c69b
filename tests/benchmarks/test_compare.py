"""Two checkouts measured in turn."""

import shutil
from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.child import OURS
from benchmarks.compare import Pairs
from benchmarks.figures import Bar, Figure, tiny
from benchmarks.server import Server


def pairs(ours: list[float], theirs: list[float], kind: Bar, grain: float = 0.0) -> Pairs:
    made = [
        [Figure("f", value, kind=kind, grain=grain) for value in side] for side in (ours, theirs)
    ]
    return Pairs(*made)


@pytest.mark.parametrize(
    ("kind", "ours", "worse"),
    [
        (Bar.AT_MOST, 120.0, True),
        (Bar.AT_MOST, 104.0, False),
        (Bar.AT_MOST, 80.0, False),
        (Bar.BELOW, 120.0, True),
        (Bar.AT_LEAST, 120.0, False),
        (Bar.AT_LEAST, 96.0, False),
        (Bar.AT_LEAST, 80.0, True),
    ],
)
def test_worse_is_more_or_less_as_the_figure_says(kind: Bar, ours: float, worse: bool) -> None:
    assert pairs([ours] * 3, [100.0] * 3, kind).is_worse is worse


def test_a_machine_that_becomes_slower_is_slower_for_both() -> None:
    assert not pairs([10.0, 20.0, 40.0], [10.0, 20.0, 40.0], Bar.AT_MOST).is_worse
    assert pairs([12.0, 24.0, 48.0], [10.0, 20.0, 40.0], Bar.AT_MOST).is_worse


def test_what_says_nothing_is_not_worse() -> None:
    assert not pairs([0.4], [0.1], Bar.AT_MOST, grain=0.5).is_worse
    assert not pairs([0.4], [0.0], Bar.AT_MOST, grain=0.5).is_worse
    assert pairs([1.0], [0.0], Bar.AT_MOST, grain=0.5).is_worse


def test_the_code_of_the_other_checkout_is_measured(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("exai_desktop", "resources"):
        (tmp_path / name).symlink_to(OURS.folder / name)
    shutil.copytree(OURS.folder / "benchmarks", tmp_path / "benchmarks")
    child = tmp_path / "benchmarks" / "parts_child.py"
    text = child.read_text(encoding="utf-8")
    slower = text.replace("answer(took=", "answer(took=1e6 * ")
    assert slower != text
    child.write_text(slower, encoding="utf-8")
    other = compare.checkout(tmp_path)
    assert not compare.run(["decisions"], tiny(), other, turns=1, server=server)
    said = capsys.readouterr().out
    assert said.splitlines()[-1].startswith("ok ")
    assert "-100.0%" in said


def test_a_folder_that_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no exai_desktop"):
        compare.checkout(tmp_path)
    with pytest.raises(ValueError, match="has no exai_desktop"):
        compare.checkout(tmp_path / "not there")
    (tmp_path / "exai_desktop").symlink_to(OURS.folder / "exai_desktop")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    (tmp_path / "benchmarks" / "child.py").write_text("PROTOCOL = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"are others: 1, here \d"):
        compare.checkout(tmp_path)
