"""Broken and random content against the judging by content. Nothing may be uncaught or slow.

By hand: `.venv/bin/python -m tests.hostile.fuzz_content --seconds 600`. With atheris installed
(Linux) the search follows the coverage of the parsers; without it, hypothesis alone mutates.
"""

import argparse
import contextlib
import importlib
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from exai_desktop.core.errors import FileError
from exai_desktop.core.names import sent_name
from exai_desktop.core.sniff import Damage, Source, judge_content, sniff
from exai_desktop.core.sniff.ole_kinds import ole_content
from exai_desktop.core.sniff.zip_kinds import zip_content
from exai_desktop.engine.inspect import legacy_encoding

from .corpus import CASES

MAX_S = 2.0
_MAX_SEED = 64 * 1024
_ENDINGS = ("pdf", "docx", "txt", "png", "doc", "mp4", "exe", "xyz", "")
# Values at which length and offset fields go wrong.
_EDGES = (
    b"\0" * 4,
    b"\xff" * 4,
    b"\xfe\xff\xff\xff",
    b"\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x01\0\0\0",
)


def seeds() -> list[bytes]:
    """The small files of the corpus: a parser is reached only by what is nearly right."""
    return sorted({made for case in CASES if len(made := case.make()) <= _MAX_SEED})


def judge_one(content: bytes, name: str) -> None:
    """What `engine.inspect` does, without its fence: only the two named errors may come out."""
    started = time.perf_counter()
    with contextlib.suppress(FileError, Damage):
        judge_content(sniff(Source.of(content), name, legacy_encoding), name)
    # The parsers of containers are asked whatever the first bytes say.
    zip_content(Source.of(content))
    ole_content(Source.of(content))
    sent_name(name)
    took = time.perf_counter() - started
    assert took < MAX_S, f"{took:.1f} s"


def mutated(start: bytes, draws: random.Random) -> bytes:
    content = bytearray(start)
    for _ in range(draws.randint(1, 6)):
        place = draws.randrange(len(content) + 1)
        match draws.randrange(6):
            case 0:
                content[place : place + 1] = bytes([draws.randrange(256)])
            case 1:
                edge = draws.choice(_EDGES)
                content[place : place + len(edge)] = edge
            case 2:
                del content[place:]
            case 3:
                del content[place : place + draws.randint(1, 64)]
            case 4:
                content[place:place] = content[place // 2 : place // 2 + draws.randint(1, 600)]
            case _:
                content[place:place] = draws.randbytes(draws.randint(1, 40))
    return bytes(content)


def run_hypothesis(seconds: float, number: int = 0) -> int:
    """Rounds of a few hundred examples, each with its own seed, until the time is up."""
    starts = seeds()
    end, done = time.monotonic() + seconds, 0

    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(starts) | st.binary(max_size=2000),
        # A number, not a random source: drawn data must not depend on how much time is left.
        st.integers(0, (1 << 64) - 1),
        st.text(max_size=12),
        st.sampled_from(_ENDINGS),
    )
    def check(start: bytes, number: int, stem: str, ending: str) -> None:
        nonlocal done
        if time.monotonic() < end:
            done += 1
            judge_one(mutated(start, random.Random(number)), f"{stem}.{ending}")

    while time.monotonic() < end:
        number += 1
        seeded(number)(check)()
    return done


def run_atheris(seconds: float) -> None:
    atheris: Any = importlib.import_module("atheris")
    starts = seeds()
    with atheris.instrument_imports(include=["exai_desktop.core.sniff"]):
        for name in [n for n in sys.modules if n.startswith("exai_desktop.core.sniff")]:
            del sys.modules[name]
        fresh: Any = importlib.import_module("exai_desktop.core.sniff")
        ole: Any = importlib.import_module("exai_desktop.core.sniff.ole_kinds")
        zips: Any = importlib.import_module("exai_desktop.core.sniff.zip_kinds")

    def check(data: bytes) -> None:
        start = starts[int.from_bytes(data[:2], "little") % len(starts)]
        for content in (data[2:], mutated(start, random.Random(data))):
            source = fresh.Source.of(content)
            try:
                fresh.judge_content(fresh.sniff(source, "a.docx", legacy_encoding), "a.docx")
            except Exception as error:
                if type(error).__name__ not in ("FileError", "Damage"):
                    raise
            zips.zip_content(source)
            ole.ole_content(source)

    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=70000"], check)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0, help="first seed of hypothesis")
    parser.add_argument(
        "--with", dest="engine", choices=("hypothesis", "atheris"), default="hypothesis"
    )
    asked = parser.parse_args()
    run: dict[str, Callable[[], object]] = {
        "hypothesis": lambda: run_hypothesis(asked.seconds, asked.seed),
        "atheris": lambda: run_atheris(asked.seconds),
    }
    print(f"{run[asked.engine]()} executions, nothing uncaught")


if __name__ == "__main__":
    main()
