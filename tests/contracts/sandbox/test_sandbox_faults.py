"""Every fault kind does to a client what its name says, and stores only what it should."""

import threading
import time
from typing import Any

import httpx
import pytest

from tests.contracts.sandbox_rig import (
    FILE_PART,
    KIMI,
    PURPOSE_PART,
    TEXT,
    Rig,
    eventually,
    multipart,
    post_head,
    read_answer,
    rig,
    shared_rig,
)
from tests.own_time import OwnTime

__all__ = ["rig", "shared_rig"]

BODY = multipart((PURPOSE_PART, b"file-extract"), (FILE_PART, TEXT))
LONG = multipart((PURPOSE_PART, b"file-extract"), (FILE_PART, b"x" * 3_000_000))


def fault(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "method": "POST", **more}


def ends_with_reset(rig: Rig, body: bytes, sent: int | None = None) -> bool:
    """Send a raw upload; whether the connection ends in a TCP reset without any answer."""
    with rig.open(KIMI) as connection:
        try:
            connection.sendall(post_head(rig, KIMI, len(body)) + body[:sent])
            assert connection.recv(100) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True
    return False


@pytest.mark.parametrize("kind", ["reset_before", "reset_in_body", "reset_after_body"])
def test_resets_that_store_nothing(rig: Rig, kind: str) -> None:
    rig.faults(fault(kind))
    assert ends_with_reset(rig, LONG)
    # a write that meets the reset first uses the error up, and httpx then sees a plain end
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        rig.upload(KIMI)
    assert rig.stored() == []
    assert {r["fault"] for r in rig.requests()} == {kind}
    assert not any(r["finished"] for r in rig.requests())


def test_reset_in_body_strikes_where_it_is_told(rig: Rig) -> None:
    rig.faults(fault("reset_in_body", after_bytes=1_000_000))
    assert ends_with_reset(rig, LONG, 1_500_000)
    assert 1_000_000 <= rig.requests()[0]["bytes_received"] < 2_000_000


def test_reset_before_reads_no_body(rig: Rig) -> None:
    rig.faults(fault("reset_before"))
    assert ends_with_reset(rig, BODY, 0)
    assert rig.requests()[0]["bytes_received"] == 0


def test_lose_answer_stores_and_resets(rig: Rig) -> None:
    rig.faults(fault("lose_answer"))
    assert ends_with_reset(rig, BODY)
    assert [file["bytes"] for file in rig.stored()] == [len(TEXT)]


def test_late_store_stores_after_the_connection_is_gone(rig: Rig) -> None:
    rig.faults(fault("late_store", delay_s=2))
    assert ends_with_reset(rig, BODY)
    assert rig.stored() == []
    assert eventually(lambda: len(rig.stored()) == 1)
    assert not rig.requests()[0]["finished"]


def test_delay(rig: Rig) -> None:
    rig.faults(fault("delay", delay_s=0.3))
    started = time.monotonic()
    assert rig.upload(KIMI).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_drip(rig: Rig) -> None:
    rig.faults(fault("drip", interval_s=0.001))
    with rig.open(KIMI) as connection:
        connection.sendall(post_head(rig, KIMI, len(BODY)) + BODY)
        status, form = read_answer(connection)
    assert status == 200
    assert form["bytes"] == len(TEXT)
    rig.faults(fault("drip", interval_s=0.05))
    with pytest.raises(httpx.ReadTimeout):
        rig.upload(KIMI, timeout=0.03)


def test_drip_stops_when_the_client_leaves(rig: Rig) -> None:
    rig.faults(fault("drip", interval_s=0.02))
    with rig.open(KIMI) as connection:
        connection.sendall(post_head(rig, KIMI, len(BODY)) + BODY)
        connection.recv(1_000)
    time.sleep(0.1)
    assert not rig.requests()[0]["finished"]


def test_slow_read(rig: Rig) -> None:
    rig.faults(fault("slow_read", bytes_per_s=8_000_000))
    own, started = OwnTime(), time.monotonic()
    assert rig.upload(KIMI, body=b"x" * 3_000_000).status_code == 200
    assert time.monotonic() - started >= 0.3
    assert own.seconds() < 3
    assert rig.stored()[0]["bytes"] == 3_000_000


@pytest.mark.parametrize("store", [False, True])
def test_stall_never_answers(rig: Rig, store: bool) -> None:
    rig.faults(fault("stall", store=store))
    with pytest.raises(httpx.ReadTimeout):
        rig.upload(KIMI, timeout=0.5)
    assert eventually(lambda: bool(rig.requests()[0]["body_complete"]))
    assert eventually(lambda: len(rig.stored()) == store)


def test_stall_may_leave_the_body_unread(rig: Rig) -> None:
    rig.faults(fault("stall", drain=False))
    with pytest.raises(httpx.TimeoutException):
        rig.upload(KIMI, body=b"x" * 30_000_000, timeout=0.3)
    assert not rig.requests()[0]["body_complete"]


def test_early_answer_that_drains_reaches_the_client(rig: Rig) -> None:
    rig.faults(fault("early_answer", status=401))
    with rig.open(KIMI) as connection:
        connection.sendall(post_head(rig, KIMI, len(LONG)) + LONG[:1_000])
        status, answer = read_answer(connection)
        assert status == 401
        assert answer["error"]["type"] == "invalid_authentication_error"
        connection.sendall(LONG[1_000:])
        assert connection.recv(100) == b""
    assert rig.upload(KIMI, body=b"x" * 3_000_000).status_code == 401
    assert rig.stored() == []


def test_early_answer_that_closes_may_lose_its_status(rig: Rig) -> None:
    rig.faults(fault("early_answer", status=435, drain=False, flavour="zai"))
    try:
        status = rig.upload("zai", body=b"x" * 50_000_000).status_code
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        status = 435
    assert status == 435
    assert rig.requests()[0]["bytes_received"] < 50_000_000
    assert rig.stored() == []


def test_a_fault_holds_its_place_in_the_concurrency_limit(rig: Rig) -> None:
    rig.settings(concurrency=1)
    rig.faults(fault("delay", delay_s=2, times=1))
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(rig.upload(KIMI).status_code))
    thread.start()
    assert eventually(lambda: any(r["body_complete"] for r in rig.requests()))
    assert rig.upload(KIMI).status_code == 429
    thread.join()
    assert statuses == [200]
