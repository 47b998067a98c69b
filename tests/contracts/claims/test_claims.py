"""One holder, and notes for the others, wherever claims are held."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.claims import ClaimLostError, ContentClaims
from tests.own_time import OwnTime
from tests.redis_server import FLEET_KEY

from .places import (
    ELSEWHERE,
    KEY,
    LONG_S,
    SHORT_S,
    LeasePlace,
    Place,
    Sharing,
    claim,
    held,
    is_same,
)


def test_one_holds_and_the_others_are_told_at_once(place: Place) -> None:
    one, two = place.claims("one"), place.claims("two")
    hold = held(one)
    assert hold.is_ours
    assert hold.left == ""
    own = OwnTime()
    assert two.hold(KEY) is None
    assert own.seconds() < 1
    other = held(two, ELSEWHERE)
    other.release()
    hold.release()
    held(two).release()


def test_a_note_is_for_the_others(place: Place) -> None:
    one, two = place.claims("one"), place.claims("two")
    hold = held(one)
    assert hold.earlier is None
    hold.note(claim("one"))
    hold.note(claim("one", "file-1"))
    hold.release()
    again = held(one)
    assert again.earlier is None
    # For a record that was put back since.
    assert again.own == claim("one", "file-1")
    again.release()
    theirs = held(two)
    assert is_same(theirs.earlier, claim("one", "file-1"))
    assert theirs.earlier is not None and theirs.earlier.owner != "two"
    assert theirs.own is None
    theirs.note(None)
    theirs.release()
    last = held(one)
    assert last.earlier is None
    last.release()


def test_a_note_of_another_is_put_back_as_it_was(place: Place) -> None:
    """Who has begun and stored nothing leaves what the one before him has noted."""
    one, two = place.claims("one"), place.claims("two")
    hold = held(one)
    hold.note(claim("one", "file-1"))
    hold.release()
    theirs = held(two)
    before = theirs.earlier
    theirs.note(claim("two"))
    theirs.note(before)
    theirs.release()
    again = held(two)
    assert is_same(again.earlier, claim("one", "file-1"))
    again.release()


def test_of_many_threads_one_holds(place: Place) -> None:
    claims = [place.claims(f"owner {number}") for number in range(8)]
    barrier, got = threading.Barrier(8), []

    def ask(own: ContentClaims) -> None:
        barrier.wait()
        got.append(own.hold(KEY))

    threads = [threading.Thread(target=ask, args=(own,)) for own in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [hold] = [hold for hold in got if hold is not None]
    hold.release()


def test_a_holder_that_dies_lets_go_and_leaves_its_note(place: Place) -> None:
    place.dead(claim("dead"))
    hold = held(place.claims("alive"))
    assert is_same(hold.earlier, claim("dead"))
    hold.release()


def test_who_is_late_may_not_note_any_more_and_ends_nobody_elses(leased: LeasePlace) -> None:
    hold = held(leased.claims("asleep", SHORT_S))
    hold.note(claim("asleep"))
    leased.sleep(hold)
    assert leased.claims("awake").hold(KEY) is None
    time.sleep(SHORT_S * 1.1)
    assert not hold.is_ours
    other = held(leased.claims("awake"))
    assert is_same(other.earlier, claim("asleep"))
    other.note(claim("awake", "file-2"))
    with pytest.raises(ClaimLostError):
        hold.note(claim("asleep", "file-1"))
    hold.release()
    assert leased.claims("third").hold(KEY) is None
    other.release()
    # Also when nobody holds it any more.
    with pytest.raises(ClaimLostError):
        hold.note(None)
    last = held(leased.claims("third"))
    assert is_same(last.earlier, claim("awake", "file-2"))
    last.release()


def test_it_is_renewed_for_as_long_as_it_is_held(leased: LeasePlace) -> None:
    hold = held(leased.claims("one", SHORT_S))
    time.sleep(SHORT_S * 1.5)
    assert hold.is_ours
    assert leased.claims("two").hold(KEY) is None
    hold.release()
    held(leased.claims("two")).release()


def test_nobody_reads_there_what_was_claimed(leased: LeasePlace) -> None:
    hold = held(leased.claims("one"))
    shown = leased.shown()
    assert shown
    for secret in (KEY.sha256, KEY.base_url, KEY.key_fingerprint, FLEET_KEY):
        assert secret not in shown
    hold.release()


def test_without_an_answer_a_machine_goes_by_its_own_locks(
    shared: LeasePlace, tmp_path: Path
) -> None:
    sharing = Sharing(shared, tmp_path)
    claims = sharing.claims("one")
    shared.cut()
    hold = held(claims)
    assert hold.is_ours
    assert hold.left
    assert claims.hold(KEY) is None
    hold.note(claim("one"))
    hold.release()
    neighbour = held(sharing.own("one", "two"))
    assert neighbour.earlier == claim("one")
    neighbour.release()
    codes = {error.code if error else None for error in sharing.told}
    assert len(codes) == 1
    assert codes <= {ErrorCode.FLEET_UNREACHABLE, ErrorCode.CLAIM_UNANSWERED}


def test_a_note_that_is_refused_is_not_kept_on_the_machine_either(
    shared: LeasePlace, tmp_path: Path
) -> None:
    sharing = Sharing(shared, tmp_path)
    hold = held(sharing.claims("one", LONG_S))
    shared.lose()
    other = held(shared.claims("other"))
    with pytest.raises(ClaimLostError):
        hold.note(claim("one", "file-1"))
    hold.release()
    other.release()
    neighbour = held(sharing.own("one", "two"))
    assert neighbour.earlier is None
    neighbour.release()
