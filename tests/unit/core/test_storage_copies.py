"""Copies in Storage: how they are named, what they are told by, what a reservation is called."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import (
    PIECE,
    CopyWork,
    RoomEnd,
    StorageCopy,
    StorageState,
    StorageStatus,
    key_of,
)

ME = MirrorTarget(1, "https://project.example", "6f1c1d0e-0000-4000-8000-000000000001", "d1")
HERE, THERE = ME, replace(ME, id=7, device_id="d2")
STRANGER = replace(ME, user_id="6f1c1d0e-0000-4000-8000-000000000002")
WORK = CopyWork("a" * 64, 10, 1)


def test_a_copy_is_named_by_its_content_in_a_folder_of_the_user() -> None:
    assert WORK.key(ME) == key_of(ME, "a" * 64) == f"{ME.user_id}/{'a' * 64}"
    assert re.fullmatch(r"[0-9a-f-]{36}/[0-9a-f]{64}", WORK.key(ME))


def test_devices_of_a_user_reserve_under_one_number_and_strangers_under_others() -> None:
    number = WORK.reservation(HERE)
    assert number == WORK.reservation(THERE) == WORK.reservation(HERE, 0)
    others = {
        WORK.reservation(STRANGER),
        WORK.reservation(HERE, 1),
        replace(WORK, sha256="b" * 64).reservation(HERE),
    }
    assert len(others | {number}) == 4
    assert replace(WORK, hold=1).reservation(HERE) == WORK.reservation(HERE, 1)


@pytest.mark.parametrize(
    ("state", "sent", "size", "words"),
    [
        (StorageState.COPYING, 50, 100, "copying 50 %"),
        (StorageState.COPYING, 0, 0, "copying 0 %"),
        (StorageState.WAITING, 0, 100, "waiting"),
        (StorageState.COPIED, 100, 100, "copied"),
        (StorageState.REFUSED, 0, 100, "refused"),
    ],
)
def test_words_for_people(state: StorageState, sent: int, size: int, words: str) -> None:
    assert StorageCopy("a" * 64, "a.pdf", size, state, sent).words == words


def test_what_holds_without_being_told() -> None:
    assert PIECE == 6 * 1024 * 1024
    assert StorageStatus().is_on is False
    assert WORK.settle is RoomEnd.NOTHING
