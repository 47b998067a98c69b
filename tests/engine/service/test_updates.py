"""Newer versions: asked for once a day if the user wants it, by hand at any time, or not at all."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import Release
from exai_desktop.core.settings import CurrentSettings, Settings
from exai_desktop.engine.service.updates import DAY_S, UpdateParts, Updates
from exai_desktop.net.release_client import fetch_releases
from tests.engine.fake_clock import FakeClock

NEWER = Release("2.0", "https://downloads.example/", "Faster.", 0.0, is_newer=True)


class Book:
    """`ReleaseBook` without signatures."""

    def __init__(self) -> None:
        self.known: Release | None = None
        self.place = "https://built-in.example/releases.json"

    def address(self) -> str:
        return self.place

    def last(self) -> Release | None:
        return self.known

    def take(self, raw: bytes, now: float) -> Release:
        self.known = NEWER._replace(version=raw.decode(), checked_at=now)
        return self.known


class Rig:
    """The service, with a day that passes at once."""

    def __init__(self, **settings: object) -> None:
        self.book, self.clock, self.asked = Book(), FakeClock(), list[str]()
        self.failure: EngineError | None = None
        self.parts = UpdateParts("1.0", "deb", str, self.book, self._fetch)
        self.settings = CurrentSettings(Settings.model_validate(settings))

    async def _fetch(self, address: str) -> bytes:
        self.asked.append(address)
        if self.failure is not None:
            raise self.failure
        return b"2.0"

    def made(self, **changes: object) -> Updates:
        parts = replace(self.parts, **changes)  # type: ignore[arg-type]
        return Updates(parts, self.settings, self.clock)


async def test_a_check_asks_and_is_remembered() -> None:
    rig = Rig()
    updates = rig.made()
    assert (await updates.status()).newest == ""
    assert not rig.asked
    found = await updates.check()
    assert (found.version, found.newest, found.page) == ("1.0", "2.0", NEWER.page)
    assert await updates.status() == found
    assert rig.asked == [rig.book.place]


async def test_another_address_of_the_settings_is_asked() -> None:
    rig = Rig(update_address="https://company.example/list")
    await rig.made().check()
    assert rig.asked == ["https://company.example/list"]


@pytest.mark.parametrize("why", ["no book", "no address", "policy"])
async def test_nobody_is_asked_where_that_is_switched_off(why: str) -> None:
    rig = Rig(update_check=True)
    if why == "no address":
        rig.book.place = ""
    changes = {"no book": {"book": None}, "policy": {"forbidden": lambda: "switched off"}}
    updates = rig.made(**changes.get(why, {}))  # type: ignore[arg-type]
    with pytest.raises(EngineError) as refused:
        await updates.check()
    assert refused.value.code is ErrorCode.UPDATE_CHECK_OFF
    assert (await updates.status()).why_not == refused.value.detail != ""
    await _for_days(rig, updates, 2)
    assert not rig.asked


async def _for_days(rig: Rig, updates: Updates, days: int) -> None:
    running = asyncio.create_task(updates.run())
    end = rig.clock.now() + days * DAY_S
    while rig.clock.now() < end and not running.done():
        # What it remembers it reads in a thread: only then it waits for the time.
        while not rig.clock.sleeping and not running.done():
            await asyncio.sleep(0.001)
        await rig.clock.advance(3_600.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_the_users_wish_nobody_is_asked_by_itself() -> None:
    rig = Rig()
    await _for_days(rig, rig.made(), 1)
    assert not rig.asked


async def test_it_is_asked_once_a_day() -> None:
    rig = Rig(update_check=True)
    await _for_days(rig, rig.made(), 2)
    assert 2 <= len(rig.asked) <= 3


async def test_a_check_that_fails_is_tried_again_the_next_day() -> None:
    rig = Rig(update_check=True)
    rig.failure = EngineError(ErrorCode.UPDATE_CHECK_FAILED, "away")
    await _for_days(rig, rig.made(), 1)
    assert 1 <= len(rig.asked) <= 2


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/ok": 200, "/moved": 302}.get(self.path, 404)
        self.send_response(status)
        self.send_header("Location", "/ok")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"list")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()
    thread.join()
    made.server_close()


async def test_the_answer_is_fetched_as_it_is(server: str) -> None:
    assert await fetch_releases(f"{server}/ok", Settings()) == b"list"


@pytest.mark.parametrize("place", ["moved", "gone", "away"])
async def test_what_is_no_list_is_told(server: str, place: str) -> None:
    address = "http://127.0.0.1:9/x" if place == "away" else f"{server}/{place}"
    with pytest.raises(EngineError) as failed:
        await fetch_releases(address, Settings())
    assert failed.value.code is ErrorCode.UPDATE_CHECK_FAILED
