"""Older databases and whole older profiles put back at random moments, one answer in ten lost:
nothing is lost, and nothing is stored twice."""

import os
import random
import time

import pytest

from .faults import BrokenPromiseError
from .process import ErrorLog, wanted
from .put_backs import Figures, Kind, PutBackWorld, history
from .virtual_loop import VirtualLoop
from .world import play_in

# Read here: the fixtures clear the program's variables.
MANY = int(os.environ.get("EXAI_DESKTOP_TEST_PUT_BACKS", "0"))
SEED = int(os.environ.get("EXAI_DESKTOP_TEST_SEED", "0")) or random.randrange(1, 2**32)
# Up to a second of processor time each.
FEW = 24


def play_one(seed: int, kind: Kind, figures: Figures) -> None:
    chance = random.Random(seed)

    def make(loop: VirtualLoop, log: ErrorLog) -> PutBackWorld:
        world = PutBackWorld(loop, log, wanted())
        world.prepare(kind, chance, figures)
        return world

    steps = history(chance)
    try:
        play_in(make, steps)
    except BrokenPromiseError as error:
        told = "\n".join(map(str, steps))
        raise AssertionError(f"{error}\nseed {seed}, {kind}\n{told}") from error


def play_many(first: int, count: int) -> Figures:
    figures, kinds = Figures(), list(Kind)
    for number in range(count):
        play_one(first + number, kinds[number % len(kinds)], figures)
    return figures


@pytest.mark.early
@pytest.mark.timeout(1800)
def test_nothing_is_lost_and_nothing_stored_twice() -> None:
    figures = play_many(20261127, FEW)
    assert min(figures.put_back.values()) >= FEW // len(Kind)
    # But for the profile with its vault: who puts a copy of this moment back is not told.
    noticed = sum(figures.put_back.values()) - figures.put_back[Kind.WITH_VAULT]
    assert figures.told >= noticed // 2


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.skipif(not MANY, reason="by hand: EXAI_DESKTOP_TEST_PUT_BACKS=200 pytest -m long")
def test_the_same_in_ever_so_many_histories(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{MANY} histories, EXAI_DESKTOP_TEST_SEED={SEED}", flush=True)
        began = time.process_time()
        figures = play_many(SEED, MANY)
        print(f"{figures}, {time.process_time() - began:.0f} s of processor time", flush=True)
