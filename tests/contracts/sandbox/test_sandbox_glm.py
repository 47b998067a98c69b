"""The contracts of Z.ai and BigModel, as reference 02 section 2 has them."""

import json
import re
import time
from typing import Any

import httpx
import pytest

from tests.contracts.sandbox_rig import TEXT, Rig, eventually, rig, shared_rig

__all__ = ["rig", "shared_rig"]

HOSTS = ["zai", "bigmodel"]
LINE = {"custom_id": "request-1", "method": "POST", "url": "/v4", "body": {"model": "glm-4.5"}}
ENGLISH = {"Accept-Language": "en-US,en"}


def jsonl(*lines: Any) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def code_of(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert set(error) == {"code", "message"}
    assert isinstance(error["code"], str)
    return error["code"]


@pytest.mark.parametrize("host", HOSTS)
def test_upload_answers_without_a_status(rig: Rig, host: str) -> None:
    answer = rig.upload(host, "notes.txt")
    form = answer.json()
    assert answer.status_code == 200
    assert answer.headers["x-log-id"]
    assert re.fullmatch(r"\d{10}_[0-9a-f]{32}", form.pop("id"))
    assert abs(form.pop("created_at") - time.time()) < 300
    assert form == {
        "object": "file",
        "bytes": len(TEXT),
        "filename": "notes.txt",
        "purpose": "agent",
    }


@pytest.mark.parametrize("host", HOSTS)
def test_list_content_delete(rig: Rig, host: str) -> None:
    form = rig.upload(host).json()
    path = f"/files/{form['id']}"
    listed = rig.call(host, "GET", "/files?purpose=agent").json()
    assert listed == {"object": "list", "data": [form], "has_more": False}
    assert rig.call(host, "GET", path + "/content").status_code == 400
    deleted = rig.call(host, "DELETE", path).json()
    assert deleted == {"id": form["id"], "object": "file", "deleted": True}
    assert rig.call(host, "DELETE", path).status_code == 404
    assert rig.call(host, "GET", path + "/content").status_code == 404


@pytest.mark.parametrize("host", HOSTS)
def test_twin_names_stay_as_they_are(rig: Rig, host: str) -> None:
    assert {rig.upload(host).json()["filename"] for _ in range(2)} == {"a.txt"}


def test_there_is_no_get_by_id(rig: Rig) -> None:
    unknown = rig.call("bigmodel", "GET", f"/files/{rig.upload('bigmodel').json()['id']}")
    assert unknown.status_code == 200
    assert unknown.json()["code"] == 500
    assert unknown.json()["success"] is False
    assert "x-log-id" not in unknown.headers
    answer = rig.call("zai", "GET", f"/files/{rig.upload('zai').json()['id']}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"
    assert rig.call("zai", "POST", "/elsewhere", content=b"x" * 100_000).status_code == 404


@pytest.mark.parametrize("host", HOSTS)
def test_list_pages_newest_first(rig: Rig, host: str) -> None:
    ids = [rig.upload(host).json()["id"] for _ in range(23)]
    first = rig.call(host, "GET", "/files?purpose=agent").json()
    assert [item["id"] for item in first["data"]] == ids[:2:-1]
    assert first["has_more"] is True
    last = first["data"][-1]["id"]
    query = {"purpose": "agent", "after": last, "order": "created_at", "limit": "2"}
    second = rig.call(host, "GET", "/files", params=query).json()
    assert [item["id"] for item in second["data"]] == [ids[2], ids[1]]
    assert second["has_more"] is True
    rig.call(host, "DELETE", f"/files/{last}")
    assert rig.call(host, "GET", "/files", params={**query, "limit": "3"}).json() == {
        "object": "list",
        "data": [*second["data"], rig.call(host, "GET", "/files?purpose=agent&limit=100")
        .json()["data"][-1]],
        "has_more": False,
    }  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_list_without_a_purpose_is_empty(rig: Rig, host: str) -> None:
    rig.upload(host)
    assert rig.call(host, "GET", "/files").json()["data"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "order=name", "purpose=odd", "after=none"]
)
def test_bad_list_parameters_are_refused(rig: Rig, query: str) -> None:
    answer = rig.call("zai", "GET", f"/files?purpose=agent&{query}".replace("agent&purpose=", ""))
    assert (answer.status_code, code_of(answer)) == (400, "1214")


def test_zai_lists_what_was_seen_live(rig: Rig) -> None:
    for purpose in ("batch", "fine-tune", "voice-clone-input"):
        answer = rig.call("zai", "GET", f"/files?purpose={purpose}")
        assert answer.json()["data"] == []


@pytest.mark.parametrize(
    ("host", "purpose", "name"),
    [
        *[("zai", "agent", f"a.{e}") for e in ("pdf", "doc", "xlsx", "ppt", "txt", "jpg", "PNG")],
        ("bigmodel", "code-interpreter", "a.csv"),
        ("bigmodel", "agent", "a.docx"),
        ("bigmodel", "voice-clone-input", "a.wav"),
        ("bigmodel", "file-extract", "a.pptx"),
    ],
)
def test_accepted_formats(rig: Rig, host: str, purpose: str, name: str) -> None:
    assert rig.upload(host, name, b"x", purpose=purpose).status_code == 200


@pytest.mark.parametrize(
    ("host", "purpose", "name", "code"),
    [
        ("zai", "agent", "a.docx", "1210"),
        ("zai", "agent", "a.pptx", "1210"),
        ("zai", "agent", "a.csv", "1210"),
        ("zai", "batch", "a.jsonl", "1214"),
        ("zai", "file-extract", "a.pdf", "1214"),
        ("zai", None, "a.pdf", "1213"),
        ("bigmodel", "agent", "a.pptx", "1210"),
        ("bigmodel", "user_data", "a.pdf", "1214"),
        ("bigmodel", "batch", "a.txt", "1210"),
    ],
)
def test_refused_files(rig: Rig, host: str, purpose: str | None, name: str, code: str) -> None:
    answer = rig.upload(host, name, b"x", purpose=purpose)
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert rig.stored() == []


@pytest.mark.parametrize("host", HOSTS)
def test_sizes(rig: Rig, host: str) -> None:
    rig.settings(max_file_bytes=1_000)
    over = rig.upload(host, body=b"x" * 1_001)
    assert (over.status_code, code_of(over)) == (435, "435")
    assert rig.upload(host, body=b"").status_code == 400
    assert rig.upload(host, body=b"x" * 1_000).status_code == 200


def test_bigmodel_has_smaller_limits_by_purpose(rig: Rig) -> None:
    picture = rig.upload("bigmodel", "a.png", b"x" * (5 * 1024 * 1024 + 1))
    assert (picture.status_code, code_of(picture)) == (400, "1210")
    assert rig.upload("zai", "a.png", b"x" * (5 * 1024 * 1024 + 1)).status_code == 200


def test_counts_are_per_purpose(rig: Rig) -> None:
    rig.settings(max_files=1)
    assert rig.upload("bigmodel").status_code == 200
    assert code_of(rig.upload("bigmodel")) == "1210"
    assert rig.upload("bigmodel", purpose="code-interpreter").status_code == 200
    rig.settings(max_files=10, max_total_bytes=2 * len(TEXT))
    assert "total" in rig.upload("bigmodel", headers=ENGLISH).json()["error"]["message"]


def test_files_run_out(rig: Rig) -> None:
    rig.settings(retention_s=0.3)
    form = rig.upload("zai").json()
    assert rig.call("zai", "GET", "/files?purpose=agent").json()["data"] == [form]
    assert eventually(lambda: not rig.call("zai", "GET", "/files?purpose=agent").json()["data"])
    assert rig.call("zai", "DELETE", f"/files/{form['id']}").status_code == 404


def test_batch_files_are_dated_in_milliseconds_and_come_back(rig: Rig) -> None:
    body = jsonl(LINE, LINE) + b"\n"
    form = rig.upload("bigmodel", "a.jsonl", body, purpose="batch").json()
    assert abs(form["created_at"] / 1000 - time.time()) < 300
    content = rig.call("bigmodel", "GET", f"/files/{form['id']}/content")
    assert content.headers["content-type"] == "application/octet-stream"
    assert content.content == body


@pytest.mark.parametrize(
    "body",
    [
        jsonl({**LINE, "custom_id": "short"}),
        jsonl(LINE, {**LINE, "body": {"model": "gpt-4o"}}),
        jsonl({**LINE, "body": "text"}),
        jsonl([1]),
        b"not json\n",
        b"\n\n",
        jsonl(LINE) * 50_001,
    ],
)
def test_batch_lines_are_checked_during_the_upload(rig: Rig, body: bytes) -> None:
    answer = rig.upload("bigmodel", "a.jsonl", body, purpose="batch")
    assert (answer.status_code, code_of(answer)) == (400, "1210")
    assert rig.stored() == []
