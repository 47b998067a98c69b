"""The body is read strictly, streamed, and kept whole or not at all."""

import hashlib
import os
import time

import pytest

from tests.contracts.sandbox_rig import (
    ALL,
    FILE_PART,
    KIMI,
    PURPOSE_PART,
    Rig,
    eventually,
    multipart,
    post_head,
    read_answer,
    rig,
    running,
    shared_rig,
)

__all__ = ["rig", "shared_rig"]

GOOD_PURPOSE = {"kimi-intl": b"file-extract", "kimi-cn": b"file-extract"}
BROKEN = {
    "no file": multipart((PURPOSE_PART, b"agent")),
    "no filename": multipart((PURPOSE_PART, b"agent"), ('form-data; name="file"', b"x")),
    "empty filename": multipart(
        (PURPOSE_PART, b"agent"), ('form-data; name="file"; filename=""', b"x")
    ),
    "no purpose": multipart((FILE_PART, b"x")),
    "two files": multipart((PURPOSE_PART, b"agent"), (FILE_PART, b"x"), (FILE_PART, b"y")),
    "two purposes": multipart(
        (PURPOSE_PART, b"agent"), (PURPOSE_PART, b"agent"), (FILE_PART, b"x")
    ),
    "file elsewhere": multipart(
        (PURPOSE_PART, b"agent"), ('form-data; name="data"; filename="a.txt"', b"x")
    ),
    "not form-data": multipart((PURPOSE_PART, b"agent"), ("attachment", b"x")),
    "no name": multipart((PURPOSE_PART, b"agent"), ("form-data", b"x")),
    "name not UTF-8": multipart((PURPOSE_PART, b"agent"), (FILE_PART, b"x")).replace(
        b"a.txt", b"\xff\xfe.txt"
    ),
    "purpose not UTF-8": multipart((PURPOSE_PART, b"\xff"), (FILE_PART, b"x")),
    "endless purpose": multipart((PURPOSE_PART, b"x" * 70_000), (FILE_PART, b"x")),
    "no end": multipart((PURPOSE_PART, b"agent"), (FILE_PART, b"x"))[:-8],
    "other boundary": multipart((PURPOSE_PART, b"agent"), (FILE_PART, b"x"), boundary="other"),
    "bad part header": b"--xYzZy\r\nContent Disposition\x00: x\r\n\r\nx\r\n--xYzZy--\r\n",
    "not multipart at all": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("flavour", ALL)
@pytest.mark.parametrize("what", BROKEN)
def test_broken_bodies_are_refused_in_the_providers_form(rig: Rig, flavour: str, what: str) -> None:
    body = BROKEN[what].replace(
        b"\r\nagent\r\n", b"\r\n%s\r\n" % GOOD_PURPOSE.get(flavour, b"agent")
    )
    answer = rig.call(
        flavour,
        "POST",
        "/files",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=xYzZy"},
    )
    assert answer.status_code == 400
    assert ("type" if flavour.startswith("kimi") else "code") in answer.json()["error"]
    assert rig.stored() == []


@pytest.mark.parametrize(
    "kind",
    ["application/json", "multipart/form-data", f"multipart/form-data; boundary={'x' * 300}"],
)
def test_other_content_types_are_refused(rig: Rig, kind: str) -> None:
    body = multipart((PURPOSE_PART, b"file-extract"), (FILE_PART, b"x"))
    answer = rig.call(KIMI, "POST", "/files", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 400


@pytest.mark.parametrize("file_first", [True, False])
def test_parts_may_come_in_any_order_and_in_any_pieces(rig: Rig, file_first: bool) -> None:
    parts = [(PURPOSE_PART, b"file-extract"), (FILE_PART, b"--xYzZ\r\n--xYz\r\n\r\n--")]
    body = multipart(*(parts[::-1] if file_first else parts))
    with rig.open(KIMI) as connection:
        connection.sendall(post_head(rig, KIMI, len(body)))
        for place in range(len(body)):
            connection.sendall(body[place : place + 1])
        status, form = read_answer(connection)
    assert status == 200
    stored = rig.client.get(
        f"{rig.sandbox.control.url}/files/{form['id']}/bytes",
        headers={"X-Sandbox-Control": rig.sandbox.control.token},
    )
    assert stored.content == b"--xYzZ\r\n--xYz\r\n\r\n--"


def test_a_path_in_the_name_is_cut_off(rig: Rig) -> None:
    body = multipart(
        (PURPOSE_PART, b"file-extract"), ('form-data; name="file"; filename="../../x/a.txt"', b"x")
    )
    answer = rig.call(
        KIMI,
        "POST",
        "/files",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=xYzZy"},
    )
    assert answer.json()["filename"] == "a.txt"


@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies_arrive_unchanged(rig: Rig, chunked: bool) -> None:
    body = os.urandom(9_000_001)
    whole = multipart((PURPOSE_PART, b"batch"), (FILE_PART.replace(".txt", ".jsonl"), body))
    headers = {"Content-Type": "multipart/form-data; boundary=xYzZy"}
    answer = rig.call(
        KIMI,
        "POST",
        "/files",
        content=(whole[at : at + 99_991] for at in range(0, len(whole), 99_991))
        if chunked
        else whole,
        headers=headers,
    )
    assert answer.json()["bytes"] == len(body)
    assert rig.stored()[0]["sha256"] == hashlib.sha256(body).hexdigest()


def test_an_over_long_file_is_read_to_its_end_but_not_kept(rig: Rig) -> None:
    rig.settings(max_file_bytes=1_000_000)
    answer = rig.upload(KIMI, body=b"x" * 20_000_000)
    assert answer.status_code == 400
    assert "20000000" in answer.json()["error"]["message"]
    assert rig.stored() == []


@pytest.mark.parametrize("sent", [0, 10, 300_000, 1_000_100])
def test_a_client_that_leaves_in_the_body_leaves_nothing_behind(sent: int) -> None:
    body = multipart((PURPOSE_PART, b"file-extract"), (FILE_PART, b"x" * 1_000_000))
    with running() as rig:
        with rig.open(KIMI) as connection:
            connection.sendall(post_head(rig, KIMI, len(body)) + body[: min(sent, len(body) - 1)])
            assert eventually(lambda: bool(rig.requests()))
            time.sleep(0.05)
        assert eventually(lambda: _in_flight(rig) == 0)
        assert rig.stored() == []
        entry = rig.requests()[0]
        assert (entry["status"], entry["body_complete"], entry["finished"]) == (None, False, False)


def _in_flight(rig: Rig) -> int:
    rig.settings(concurrency=1)
    status = rig.call(KIMI, "GET", "/models").status_code
    rig.settings(concurrency=0)
    return int(status == 429)


def test_a_content_length_larger_than_the_body_stores_nothing(rig: Rig) -> None:
    body = multipart((PURPOSE_PART, b"file-extract"), (FILE_PART, b"x" * 1_000))
    with rig.open(KIMI) as connection:
        connection.sendall(post_head(rig, KIMI, len(body) + 5) + body)
        time.sleep(0.1)
    assert eventually(lambda: bool(rig.requests()))
    assert rig.stored() == []


def test_a_content_length_smaller_than_the_body_stores_nothing(rig: Rig) -> None:
    body = multipart((PURPOSE_PART, b"file-extract"), (FILE_PART, b"x" * 1_000))
    with rig.open(KIMI) as connection:
        connection.sendall(post_head(rig, KIMI, len(body) - 20) + body)
        status, _ = read_answer(connection)
    assert status == 400
    assert rig.stored() == []


def test_expect_100_continue_is_answered(rig: Rig) -> None:
    body = multipart((PURPOSE_PART, b"file-extract"), (FILE_PART, b"x"))
    head = post_head(rig, KIMI, len(body)).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with rig.open(KIMI) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        status, _ = read_answer(connection)
    assert status == 200
