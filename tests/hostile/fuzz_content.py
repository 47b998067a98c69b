"""Broken and random content against the judging by content. Nothing may be uncaught or slow.

By hand: `.venv/bin/python -m tests.hostile.fuzz sniffer --seconds 600`.
"""

import contextlib
import random
import sys
import time

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.sniff import Damage, Source, judge_content, sniff
from exai_desktop.core.sniff.ole_kinds import ole_content
from exai_desktop.core.sniff.zip_kinds import zip_content
from exai_desktop.engine.files.file_checks import legacy_encoding

from .corpus import CASES
from .mutation import mutated

MAX_S = 2.0
MAX_GROWN = 50 << 20
_MAX_SEED = 64 * 1024
_ENDINGS = ("pdf", "docx", "txt", "png", "doc", "mp4", "exe", "gif", "webm", "mpg", "xyz", "")
ENGINE = "hypothesis"


def _peak() -> int:
    """The most memory that this process has had so far; 0 where the system does not say it."""
    if sys.platform == "win32":
        return 0
    import resource  # not on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def starts() -> list[bytes]:
    """The small files of the corpus: a parser is reached only by what is nearly right."""
    return sorted({made for case in CASES if len(made := case.make()) <= _MAX_SEED})


def judge_one(content: bytes, name: str) -> None:
    """As `engine.files.file_checks`, without its guard: only the two named errors come out."""
    started, peak = time.thread_time(), _peak()
    with contextlib.suppress(FileError, Damage):
        judge_content(sniff(Source.of(content), name, legacy_encoding), name)
    # The parsers of containers are asked whatever the first bytes say.
    zip_content(Source.of(content))
    ole_content(Source.of(content))
    sent_name(name)
    took = time.thread_time() - started
    assert took < MAX_S, f"{took:.1f} s"
    assert _peak() - peak < MAX_GROWN, f"{(_peak() - peak) >> 20} MiB more"


def check(data: bytes) -> None:
    """For atheris: the first byte chooses the name's ending."""
    judge_one(data[1:], f"a.{_ENDINGS[data[0] % len(_ENDINGS)] if data else ''}")


def run(seconds: float, number: int) -> int:
    """Rounds of a few hundred examples, each with its own seed, until the time is up."""
    known = starts()
    end, done = time.process_time() + seconds, 0

    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(known) | st.binary(max_size=2000),
        # A number, not a random source: drawn data must not depend on how much time is left.
        st.integers(0, (1 << 64) - 1),
        st.text(max_size=12),
        st.sampled_from(_ENDINGS),
    )
    def one(start: bytes, number: int, stem: str, ending: str) -> None:
        nonlocal done
        if time.process_time() < end:
            done += 1
            judge_one(mutated(start, random.Random(number)), f"{stem}.{ending}")

    while time.process_time() < end:
        number += 1
        seeded(number)(one)()
    return done
