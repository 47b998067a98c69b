"""Bars, exit code and document of the benchmarks."""

from pathlib import Path

import pytest

from benchmarks import __main__, document
from benchmarks.figures import Bar, Figure, exit_code

FAST = Figure("a speed", 0.95, "", 0.9, Bar.AT_LEAST, "beside it")
SLOW = Figure("a time", 6.0, "ms", 5, Bar.BELOW)
KNOWN = Figure("a size", 107, "MiB")


def test_a_missed_bar_is_exit_code_1() -> None:
    assert exit_code([FAST, KNOWN]) == 0
    assert exit_code([FAST, SLOW, KNOWN]) == 1


def test_the_document_has_each_figure_and_shows_a_missed_bar(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    document.write([FAST, SLOW, KNOWN], "a machine", ["one", "two"], "nobody came", path)
    text = path.read_text(encoding="utf-8")
    assert "| a speed | 0.95 | ≥ 0.90 | pass | beside it |" in text
    assert "| a time | 6.00 ms | < 5 ms | FAIL |  |" in text
    assert "| a size | 107 MiB |  |  |  |" in text
    assert "one chapter (one, two)" in text
    assert "Machine: a machine." in text


def test_a_chapter_alone_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    missed = __main__.main(["--tiny", "--only", "decisions"])
    said = capsys.readouterr().out
    assert bool(missed) == ("FAIL" in said)
    assert "Breaker, routing, limit and health, each upload" in said
    assert "nobody looked whether others kept the machine busy" in said


@pytest.mark.parametrize("option", ["--quick", "--tiny", "--only=idle", "--compare=."])
def test_only_the_whole_suite_is_written_down(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["--write", option])
    assert "--write is for the whole, full suite" in capsys.readouterr().err
