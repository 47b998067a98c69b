"""Every chapter of `make bench` in its smallest form: it comes to its end and gives its figures.

What the figures say depends on the machine, so no time is judged here; that their units make sense
and that docs/benchmarks.md has a row for each is.
"""

import math
import re

import pytest

from benchmarks import document
from benchmarks.chapters import CHAPTERS, measured
from benchmarks.figures import tiny
from benchmarks.server import Server

# Unit, least and most that can be: a ratio of 1,000 or a start of 0 s is a fault of the benchmark.
SANE = {
    "": (1e-3, 1_000.0),
    "ms": (1e-4, 120_000.0),
    "s": (1e-4, 120.0),
    "MiB": (0.0, 4_096.0),
    "files": (0.0, 0.0),
    "% of a core": (0.0, 1_600.0),
}

FIGURES = {
    "large": (
        "2 MB, network layer alone, ratio to curl",
        "2 MB, engine, upload stage, ratio to curl",
        "2 MB, engine, whole path with fingerprint, ratio to curl",
        "2 MB, engine, processor time",
    ),
    "small": (
        "30 files of 10 KB, 8 at once, processor time per file",
        "30 files of 10 KB, 8 at once, rate, ratio to curl",
        "30 files of 10 KB, 8 at once, reads of the record per file",
        "30 files of 10 KB, 8 at once, writes to the record per file",
        "30 files of 10 KB, 8 at once, trips to other threads per file",
    ),
    "hash": ("Fingerprint of 2 MB, ratio to sha256sum",),
    "decisions": ("Breaker, routing, limit and health, each upload",),
    "window": (
        "Window stall, 8 uploads of 1 MB",
        "Window stall, 20 files of 10 KB",
        "Window stall, a folder tree of 200 files",
        "The window's own thread meanwhile",
        "Memory of the window's process after all this",
    ),
    "many": (
        "Plan of 300 files",
        "Plan of 300 files, first figures",
        "Plan page of 300 files, first counts",
        "Plan page of 300 files, window stall",
        "Plan page of 300 files, memory",
        "300 files into the queue",
        "300 files into the queue, window stall",
        "Window stall with 300 rows",
        "Memory of 300 rows",
    ),
    "start": (
        "Start to usable window",
        "Window on screen, to a bare PySide6 window",
        "Usable window, to a bare PySide6 window",
        "Usable window, 600 files queued, to an empty profile",
        "Usable window, 2,000 files finished, to an empty profile",
        "exai-desktop --version, to bare Python",
        "exai-desktop --help",
        "exai-desktop list, empty profile",
        "exai-desktop list, 30 files",
        "exai-desktop upload --sandbox, one file",
        "exai-desktop list beside an owner, 50 rows",
    ),
    "idle": (
        "Idle memory of the window's process",
        "Idle processor time",
        "Idle memory with an account added",
    ),
    "memory": ("Memory growth, 4 files of 2 MB at once",),
    "tiers": (
        "2 MB by http, processor time",
        "2 MB by http, memory growth",
        "2 MB by openai, processor time",
        "2 MB by openai, memory growth",
        "2 MB by native, processor time",
        "2 MB by native, memory growth",
    ),
    "footprint": (
        "One upload of 49 bytes on the command line, modules",
        "One upload of 49 bytes on the command line, functions",
    ),
    "lines": (
        "A large file, 20 Mbit/s and 100 ms, time to that of curl",
        "A file and 4 of 10 KB, 1 Mbit/s and 300 ms, time to that of curl",
        "16 files, 100 Mbit/s and 100 ms, time to that of curl",
        "16 files, 100 Mbit/s and 100 ms, each connection stalls, time to that of curl",
        "A large file, 20 Mbit/s and 100 ms, cut once, time to that of curl",
        "20 files of 10 KB, 5 % cut, time to that without cuts",
        "20 files of 10 KB, 5 % cut, bytes sent to those of curl",
        "10 files of 10 KB, 5 % of the answers lost, time beyond the settle time",
        "10 files of 10 KB, 5 % of the answers lost, stored twice",
    ),
    "mirror": (
        "Memory of a signed-in program without an account, growth",
        "30 files of 10 KB beside 50 that are recorded, time to that signed out",
        "30 files of 10 KB beside 50 that are recorded, processor time to that signed out",
    ),
}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_comes_to_its_end_with_all_its_figures(chapter: str, server: Server) -> None:
    found = list(measured(chapter, tiny(), server=server))
    assert tuple(figure.name for figure in found) == FIGURES[chapter]
    for figure in found:
        least, most = SANE[figure.unit]
        assert math.isfinite(figure.value), figure
        assert least <= figure.value <= most, figure
        assert figure.shown_value, figure


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_document_has_a_row_for_each_figure(chapter: str) -> None:
    """`make bench BENCH_ARGS=--write` was forgotten when one is missing."""
    text = document.DOCUMENT.read_text(encoding="utf-8")
    rows = {_without_numbers(line.split("|")[1]) for line in text.splitlines() if "|" in line}
    assert {_without_numbers(name) for name in FIGURES[chapter]} <= rows
    assert chapter in text.partition("one chapter (")[2].partition(")")[0].split(", ")


def _without_numbers(name: str) -> str:
    return re.sub(r"[\d,]*\d", "N", name).strip()
