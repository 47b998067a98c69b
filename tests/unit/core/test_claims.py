"""What another machine may have noted of a content, what nobody can have, and of which file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.claims import Claim, is_possible

NOW = 1_800_000_000.0


def claim(at: float = NOW, size: int = 3) -> Claim:
    return Claim(owner="one", sent_name="a.txt", size=size, at=at)


@pytest.mark.parametrize("at", [0.0, NOW - 1e6, NOW, NOW + 119.0])
def test_a_note_of_now_or_before_is_possible(at: float) -> None:
    assert is_possible(claim(at), NOW, 120.0)


@pytest.mark.parametrize("at", [-1.0, NOW + 121.0, float("inf"), float("nan")])
def test_a_note_from_the_future_or_without_a_time_is_not(at: float) -> None:
    assert not is_possible(claim(at), NOW, 120.0)


def test_no_file_is_so_large() -> None:
    assert is_possible(claim(size=1 << 40), NOW, 120.0)
    assert not is_possible(claim(size=1 << 51), NOW, 120.0)


BEGUN = Claim(owner="one", sent_name="a.txt", size=3, at=5.0)
FILE = RemoteFile("file-1", "a (1).txt", 3, 6.0, "file-extract")


def test_a_note_with_an_id_speaks_of_that_file_alone() -> None:
    stored = BEGUN.model_copy(update={"remote_id": "file-1"})
    assert stored.may_be(replace(FILE, name="z.txt", bytes=9))
    assert not stored.may_be(replace(FILE, id="file-2"))


def test_without_an_id_name_and_size_must_fit() -> None:
    assert BEGUN.may_be(FILE)
    assert not BEGUN.may_be(replace(FILE, bytes=4))
    assert not BEGUN.may_be(replace(FILE, name="b.txt"))
