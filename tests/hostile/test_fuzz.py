"""Some seconds of each fuzzer with every run; minutes and hours of them by hand (`fuzz`)."""

import os
import random
import subprocess
import sys

import pytest

from . import fuzz, mutation

# Of processor time. The content of files and their names are where the most can go wrong.
SECONDS = {"sniffer": 10.0, "names": 10.0, "retry-after": 3.0, "envelopes": 4.0, "settings": 4.0}


def _seed() -> int:
    """Another one each time, so that time adds up; printed by pytest when it fails."""
    seed = random.Random(os.urandom(8)).randrange(1 << 30)
    print(f"--seed {seed}")
    return seed


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_broken_input_is_judged(name: str) -> None:
    assert fuzz.target(name).run(SECONDS[name], _seed()) > 500


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_every_known_form_passes_unchanged(name: str) -> None:
    """They are what mutations begin with, and what atheris calls its check with."""
    module = fuzz.target(name)
    for start in module.starts():
        module.check(start)


def test_a_finding_names_its_input_and_its_seed() -> None:
    def check(data: bytes) -> None:
        assert b"\0" not in data

    with pytest.raises(AssertionError) as caught:
        mutation.run(check, [b"abc"], [b"\0"], 10.0, 7)
    assert "of seed 7: b'" in caught.value.__notes__[0]


def test_the_command_says_what_it_ran_on() -> None:
    command = [sys.executable, "-m", "tests.hostile.fuzz", "retry-after", "--seconds", "0.5"]
    done = subprocess.run(
        [*command, "--own"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "own mutations, seed 0" in done.stdout
    assert "0 findings" in done.stdout
