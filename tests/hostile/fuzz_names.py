"""Random names against the rules of names. Nothing may be uncaught, sent or shown in disguise.

By hand: `.venv/bin/python -m tests.hostile.fuzz names --seconds 600`.
"""

import contextlib
import time

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.names import display_name, sent_name
from exai_desktop.core.sniff import Content, judge_content, verdict_of
from exai_desktop.core.sniff.kinds import KNOWN_ENDINGS

from .corpus_names import NAMES

ENGINE = "hypothesis"

_ODD = st.sampled_from(
    [
        ".",
        " ",
        ":",
        "::$DATA",
        "/",
        "\\",
        "\0",
        "\n",
        "\u202e",
        "\u200b",
        "\u2066",
        "\uff0e",
        "\udcff",
    ]
)
_PARTS = st.lists(
    _ODD
    | st.sampled_from(sorted(KNOWN_ENDINGS))
    | st.sampled_from([case.name for case in NAMES])
    | st.text(st.characters(codec=None), max_size=6),
    max_size=8,
)


def judge_one(name: str) -> None:
    with contextlib.suppress(FileError):
        judge_content(verdict_of(Content("pdf"), name), name)
    sent = sent_name(name)
    assert sent
    assert len(sent.encode()) <= 120
    assert sent_name(sent) == sent
    assert not set(sent) & set('/\\:*?"<>|\n\0\u202e\u2066')
    assert "\u202e" not in display_name(name)


def starts() -> list[bytes]:
    return [case.name.encode("utf-8", "surrogateescape") for case in NAMES]


def check(data: bytes) -> None:
    """For atheris: a name as the file system hands it over."""
    judge_one(data.decode("utf-8", "surrogateescape"))


def run(seconds: float, number: int) -> int:
    end, done = time.process_time() + seconds, 0

    @settings(
        max_examples=500,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(_PARTS)
    def one(parts: list[str]) -> None:
        nonlocal done
        if time.process_time() < end:
            done += 1
            judge_one("".join(parts))

    while time.process_time() < end:
        number += 1
        seeded(number)(one)()
    return done
