"""Claims in a Supabase project: no upload waits for it, and nobody is asked for nobody."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import ClaimKey, Hold
from exai_desktop.sync import questions
from exai_desktop.sync.claims import claim_name
from tests.own_time import OwnTime
from tests.supabase.front import Front

from .places import KEY, SHORT_S, InProject, Sharing, claim, held

FIRST_WAIT_S = 60.0


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + FIRST_WAIT_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def contents(count: int) -> Iterator[ClaimKey]:
    return (replace(KEY, sha256=f"{number:064x}") for number in range(count))


class Hole:
    """From `begin` on the project takes questions and answers none, until `end`."""

    def __init__(self, there: Front) -> None:
        self._there = there
        self._is_over = threading.Event()

    def begin(self) -> None:
        def answer(*_: object) -> str | None:
            self._is_over.wait(120)
            return None

        self._there.answer = answer

    def end(self) -> None:
        self._there.answer = lambda *_: None
        self._is_over.set()


@pytest.fixture
def hole(in_project: InProject) -> Iterator[Hole]:
    found = Hole(in_project.there)
    yield found
    found.end()


def test_a_project_that_does_not_answer_costs_two_files_a_second(
    in_project: InProject, hole: Hole
) -> None:
    claims = in_project.claims("one")
    held(claims).release()
    claims._patience_s = 1.0
    before = in_project.there.count("exai_claim")
    hole.begin()
    taken = []
    for key in contents(200):
        own = OwnTime()
        with pytest.raises(EngineError) as caught:
            claims.hold(key)
        taken.append(own.seconds())
        assert caught.value.code is ErrorCode.CLAIM_UNANSWERED
    assert in_project.there.count("exai_claim") == before + 2
    assert max(taken) < 2
    assert sum(taken[2:]) < 2
    assert claims.words.endswith("200 not in time")


def test_behind_the_pause_it_is_asked_again(
    in_project: InProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "QUIET_S", 1.0)
    claims = in_project.claims("one")
    in_project.cut()
    for key in contents(3):
        with pytest.raises(EngineError):
            claims.hold(key)
    assert in_project.there.count("exai_claim") == 2
    in_project.there.answer = lambda *_: None
    time.sleep(1.1)
    hold = claims.hold(KEY)
    assert hold is not None
    hold.release()


def test_a_claim_that_is_granted_too_late_is_given_back(in_project: InProject, hole: Hole) -> None:
    claims, other = in_project.claims("one"), in_project.claims("two")
    claims._patience_s = 0.2
    hole.begin()
    with pytest.raises(EngineError):
        claims.hold(KEY)
    hole.end()
    until(lambda: in_project.there.count("exai_claim_step") > 0, "it is not given back")
    held(other).release()


def test_all_questions_of_a_file_share_one_wait(in_project: InProject, hole: Hole) -> None:
    claims = in_project.claims("one")
    hold = claims.hold(KEY)
    assert hold is not None
    hold._line._patience.left_s = 0.5
    hole.begin()
    own = OwnTime()
    for number in range(5):
        with pytest.raises(EngineError):
            hold.note(claim("one", f"file-{number}"))
    hold.release()
    assert own.seconds() < 2
    # In their order, and all of them: the last note is what the next one finds.
    hole.end()
    again = held(in_project.claims("two"))
    assert again.earlier is not None
    assert again.earlier.remote_id == "file-4"
    again.release()


@pytest.fixture
def left(in_project: InProject) -> Hold:
    """A hold, with a note of ours, that could not be renewed in time; the line is still cut."""
    hold = held(in_project.claims("one", SHORT_S))
    hold.note(claim("one"))
    in_project.cut()
    until(lambda: hold.left != "", "it does not say so")
    return hold


def test_an_upload_goes_on_when_the_project_stops_answering_and_says_so(
    in_project: InProject, left: Hold
) -> None:
    assert left.is_ours
    in_project.there.answer = lambda *_: None
    # Nobody else has had it: then it is held again.
    until(lambda: left.left == "", "it is not taken again")
    assert left.is_ours
    assert in_project.claims("two").hold(KEY) is None
    left.release()


@pytest.mark.parametrize("still_holds", [True, False])
def test_what_another_device_has_begun_meanwhile_stops_it(
    in_project: InProject, left: Hold, still_holds: bool
) -> None:
    in_project.lose()
    other = held(in_project.beside("other"))
    other.note(claim("other"))
    if not still_holds:
        other.release()
    in_project.there.answer = lambda *_: None
    until(lambda: not left.is_ours, "it goes on")
    assert left.left == ""
    left.release()
    if still_holds:
        other.release()


def test_signed_out_nobody_is_asked(in_project: InProject, tmp_path: Path) -> None:
    link = in_project.link("one", is_signed_in=False)
    sharing = Sharing(in_project, tmp_path)
    claims = in_project.claims_by(link, "one")
    asked = len(in_project.there.asked)
    with pytest.raises(EngineError) as caught:
        claims.hold(KEY)
    assert caught.value.code is ErrorCode.NOT_SIGNED_IN
    hold = held(sharing.beside(claims, "one"))
    assert (hold.is_ours, hold.left) == (True, "")
    hold.note(claim("one", "file-1"))
    hold.release()
    assert len(in_project.there.asked) == asked
    assert sharing.told == [None]
    assert claims.words == ""


def test_a_session_that_has_ended_is_asked_once(in_project: InProject) -> None:
    link = in_project.link("one")
    claims = in_project.claims_by(link, "one")
    held(claims).release()
    refused = (401, {"code": "42501"})

    def answer(_method: str, path: str, _body: Any) -> tuple[int, object] | None:
        if "grant_type=refresh" in path:
            return 400, {"error_code": "refresh_token_not_found"}
        return refused if "exai_claim" in path else None

    in_project.there.answer = answer
    for _ in range(3):
        with pytest.raises(EngineError) as caught:
            claims.hold(KEY)
        assert caught.value.code is ErrorCode.NOT_SIGNED_IN
    assert in_project.there.count("grant_type=refresh") == 1
    # Signed in again, it is asked again.
    in_project.there.answer = lambda *_: None
    in_project.sign_in(link)
    held(claims).release()


def test_a_key_that_nobody_has_marked_is_claimed_nowhere(in_project: InProject) -> None:
    """Two keys without a mark would be one."""
    with pytest.raises(EngineError) as caught:
        in_project.claims("one").hold(replace(KEY, key_fingerprint=""))
    assert caught.value.code is ErrorCode.NOT_SIGNED_IN


def test_the_session_is_read_once_whoever_asks_first(in_project: InProject) -> None:
    link = in_project.link("one")
    claims = in_project.claims_by(link, "one")
    in_project.run(link.close())
    renewed = in_project.there.count("grant_type=refresh")

    async def all_at_once() -> None:
        asked = [asyncio.to_thread(claims.hold, key) for key in contents(4)]
        holds, *_ = await asyncio.gather(asyncio.gather(*asked), link.restore(), link.restore())
        for hold in holds:
            assert hold is not None
            await asyncio.to_thread(hold.release)

    asyncio.run_coroutine_threadsafe(all_at_once(), in_project.loop).result(120)
    assert in_project.there.count("grant_type=refresh") == renewed + 1


def test_after_a_sign_out_an_older_session_does_not_come_back(in_project: InProject) -> None:
    link = in_project.link("one")
    in_project.run(link.close())

    async def both() -> object:
        restored = asyncio.ensure_future(link.restore())
        await asyncio.sleep(0)
        await link.sign_out()
        await restored
        return await link.restore()

    assert in_project.run(both()) is None


def test_who_waits_for_another_device_asks_seldom(in_project: InProject) -> None:
    hold = held(in_project.claims("one"))
    waiting = in_project.claims("two")
    before = in_project.there.count("exai_claim")
    for _ in range(200):
        assert waiting.hold(KEY) is None
    assert in_project.there.count("exai_claim") < before + 20
    hold.release()


@pytest.mark.parametrize(
    "note",
    [{}, {"owner": 7}, {"owner": "x", "sent_name": "a", "size": 1 << 60, "at": 1.0}, [], 7],
)
def test_a_note_that_cannot_be_is_none(in_project: InProject, note: object) -> None:
    held(in_project.claims("one")).release()
    in_project.database.admin.execute(
        "update exai.content_claims set note = %s where key = %s",
        (json.dumps(note), claim_name(KEY)),
    )
    hold = held(in_project.claims("two"))
    assert (hold.earlier, hold.own) == (None, None)
    hold.release()


def test_an_answer_that_is_none_is_no_claim(in_project: InProject) -> None:
    claims = in_project.claims("one")
    answers: list[object] = [{"held": True}, {}, None, [], {"held": True, "fence": "x"}]
    for said in answers:
        in_project.there.answer = lambda *_, said=said: (200, said)
        claims._questions._quiet_until = 0.0
        with pytest.raises(EngineError) as caught:
            claims.hold(KEY)
        assert caught.value.code is ErrorCode.CLAIM_UNANSWERED


def test_a_device_is_named_as_the_project_knows_it(in_project: InProject) -> None:
    hold = held(in_project.claims("secret profile"))
    hold.note(claim("secret profile"))
    [(note,)] = in_project.database.rows(
        "select note from exai.content_claims where key = %s and held_until > now()",
        claim_name(KEY),
    )
    assert "secret profile" not in json.dumps(note)
    hold.release()
