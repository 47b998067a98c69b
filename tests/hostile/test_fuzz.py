"""Ten seconds of each fuzzer with every run; minutes and hours of them by hand."""

import os
import random

from . import fuzz_content, fuzz_names

SECONDS = 10.0


def _seed() -> int:
    """Another one each time, so that time adds up; printed by pytest when it fails."""
    seed = random.Random(os.urandom(8)).randrange(1 << 30)
    print(f"--seed {seed}")
    return seed


def test_broken_content_is_judged() -> None:
    assert fuzz_content.run_hypothesis(SECONDS, _seed()) > 500


def test_random_names_are_judged() -> None:
    assert fuzz_names.run_hypothesis(SECONDS, _seed()) > 500
