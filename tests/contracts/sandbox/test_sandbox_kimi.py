"""Kimi's contract, both generations, as reference 02 section 1 has it."""

import io
import time
import zipfile
from typing import Any

import httpx
import pytest

from tests.contracts.sandbox_rig import ALL, KIMI, TEXT, Rig, eventually, rig, shared_rig

__all__ = ["rig", "shared_rig"]

PDF = b"%PDF-1.4\n1 0 obj << /Type /Font >> endobj\n%%EOF"
SCAN = b"%PDF-1.4\n1 0 obj << /Subtype /Image >> endobj\n%%EOF"


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error = answer.json()["error"]
    assert isinstance(error, dict)
    return error


def test_upload_answers_with_the_file_object(rig: Rig) -> None:
    before = int(time.time())
    answer = rig.upload(KIMI, "notes.txt")
    form = answer.json()
    assert answer.status_code == 200
    assert form.pop("id").startswith("file_")
    assert before <= form.pop("created_at") <= time.time()
    assert form == {
        "object": "file",
        "bytes": len(TEXT),
        "filename": "notes.txt",
        "purpose": "file-extract",
        "status": "ok",
        "status_details": "",
    }


def test_every_answer_carries_the_msh_headers(rig: Rig) -> None:
    for answer in (rig.upload(KIMI), rig.call(KIMI, "GET", "/files/none")):
        for name in ("Msh-Request-Id", "msh-org-id", "msh-project-id", "msh-uid", "msh-gid"):
            assert answer.headers[name]


def test_list_get_content_delete(rig: Rig) -> None:
    form = rig.upload(KIMI, "notes.txt").json()
    path = f"/files/{form['id']}"
    assert rig.call(KIMI, "GET", "/files").json() == {"object": "list", "data": [form]}
    assert rig.call(KIMI, "GET", path).json() == form
    content = rig.call(KIMI, "GET", path + "/content")
    assert content.headers["content-type"].startswith("text/plain")
    assert content.content == TEXT
    deleted = rig.call(KIMI, "DELETE", path)
    assert deleted.json() == {"id": form["id"], "object": "file", "deleted": True}
    for method, where in (("GET", path), ("GET", path + "/content"), ("DELETE", path)):
        answer = rig.call(KIMI, method, where)
        assert answer.status_code == 404
        assert error_of(answer)["type"] == "resource_not_found_error"


def test_regions_do_not_share_files(rig: Rig) -> None:
    rig.upload(KIMI)
    assert rig.call("kimi-cn", "GET", "/files").json()["data"] == []


def test_models_and_balance(rig: Rig) -> None:
    assert rig.call(KIMI, "GET", "/models").json()["data"][0]["object"] == "model"
    balance = rig.call(KIMI, "GET", "/users/me/balance").json()
    assert balance["status"] is True
    assert balance["code"] == 0
    assert balance["data"]["available_balance"] == 49.5


@pytest.mark.parametrize("other", [name for name in ALL if name != KIMI])
def test_the_key_of_another_region_or_family_is_refused(rig: Rig, other: str) -> None:
    answer = rig.upload(KIMI, key=rig.sandbox.key(other))
    assert answer.status_code == 401
    assert set(error_of(answer)) == {"message", "type"}
    assert error_of(answer)["type"] == "invalid_authentication_error"
    assert rig.stored() == []


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer sk-nobody", "Basic c2s="])
def test_no_key_or_an_unknown_one_is_refused(rig: Rig, header: str) -> None:
    answer = rig.call(KIMI, "GET", "/models", headers={"Authorization": header})
    assert answer.status_code == 401
    assert error_of(answer)["type"] == "incorrect_api_key_error"


@pytest.mark.parametrize("purpose", ["assistants", "user_data", "batch_output", "", None])
def test_a_wrong_purpose_names_the_accepted_ones(rig: Rig, purpose: str | None) -> None:
    answer = rig.upload(KIMI, purpose=purpose)
    assert answer.status_code == 400
    for accepted in ("file-extract", "image", "video", "batch"):
        assert accepted in error_of(answer)["message"]


@pytest.mark.parametrize(
    ("purpose", "name", "body"),
    [
        ("file-extract", "a.pdf", PDF),
        ("file-extract", "a.py", b"x = 1"),
        ("file-extract", "A.DOCX", b"PK"),
        ("image", "a.png", b"\x89PNG"),
        ("video", "a.mp4", b"\0\0"),
        ("batch", "a.jsonl", b"{}\n"),
    ],
)
def test_accepted_formats(rig: Rig, purpose: str, name: str, body: bytes) -> None:
    assert rig.upload(KIMI, name, body, purpose=purpose).status_code == 200


@pytest.mark.parametrize(
    ("purpose", "name", "body", "text"),
    [
        ("file-extract", "a.png", b"\x89PNG", "text extract error"),
        ("file-extract", "scan.pdf", SCAN, "text extract error"),
        ("file-extract", "not.pdf", b"plain", "text extract error"),
        ("file-extract", "a.exe", b"MZ", "not supported"),
        ("file-extract", "Makefile", b"all:", "not supported"),
        ("image", "a.txt", b"x", "not supported"),
        ("video", "a.png", b"x", "not supported"),
        ("batch", "a.txt", b"x", "not supported"),
        ("file-extract", "a.txt", b"", "file size is zero"),
    ],
)
def test_refused_files(rig: Rig, purpose: str, name: str, body: bytes, text: str) -> None:
    answer = rig.upload(KIMI, name, body, purpose=purpose)
    assert answer.status_code == 400
    assert error_of(answer)["type"] == "invalid_request_error"
    assert text in error_of(answer)["message"]
    assert rig.stored() == []


def test_a_twin_name_is_renamed_by_the_server(rig: Rig) -> None:
    names = [rig.upload(KIMI, "report.txt").json()["filename"] for _ in range(3)]
    assert names == ["report.txt", "report (1).txt", "report (2).txt"]
    first = rig.stored()[0]["id"]
    rig.call(KIMI, "DELETE", f"/files/{first}")
    assert rig.upload(KIMI, "report.txt").json()["filename"] == "report.txt"


def test_caps_on_size_count_and_total(rig: Rig) -> None:
    rig.settings(max_file_bytes=100, max_files=2, max_total_bytes=150)
    assert rig.upload(KIMI, "a.txt", b"x" * 100).status_code == 200
    assert rig.upload(KIMI, "b.txt", b"x" * 101).status_code == 400
    assert "total" in error_of(rig.upload(KIMI, "b.txt", b"x" * 51))["message"]
    assert rig.upload(KIMI, "b.txt", b"x" * 50).status_code == 200
    assert "number of files" in error_of(rig.upload(KIMI, "c.txt", b"x"))["message"]
    rig.call(KIMI, "DELETE", f"/files/{rig.stored()[0]['id']}")
    assert rig.upload(KIMI, "c.txt", b"x" * 100).status_code == 200


def test_parsing_takes_its_time_and_content_waits_for_it(rig: Rig) -> None:
    rig.settings(parse_s=0.4, ready_word="ready")
    path = f"/files/{rig.upload(KIMI).json()['id']}"
    assert rig.call(KIMI, "GET", path).json()["status"] == "created"
    assert rig.call(KIMI, "GET", path + "/content").status_code == 404
    assert eventually(lambda: rig.call(KIMI, "GET", path).json()["status"] == "ready")
    assert rig.call(KIMI, "GET", path + "/content").status_code == 200


def test_the_answer_may_come_late_after_the_last_byte(rig: Rig) -> None:
    rig.settings(answer_delay_s=0.3)
    started = time.monotonic()
    assert rig.upload(KIMI).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_content_by_purpose(rig: Rig) -> None:
    batch = rig.upload(KIMI, "a.jsonl", b'{"a": 1}\n', purpose="batch").json()
    picture = rig.upload(KIMI, "a.png", b"\x89PNG", purpose="image").json()
    assert rig.call(KIMI, "GET", f"/files/{batch['id']}/content").content == b'{"a": 1}\n'
    assert rig.call(KIMI, "GET", f"/files/{picture['id']}/content").status_code == 400


def test_content_of_office_files_and_chinese_text(rig: Rig) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", "<w:p><w:t>季度 &amp; plan</w:t></w:p>")
    ids = [
        rig.upload(KIMI, "a.docx", packed.getvalue()).json()["id"],
        rig.upload(KIMI, "b.txt", "港口".encode("gb18030")).json()["id"],
        rig.upload(KIMI, "c.pdf", PDF).json()["id"],
        rig.upload(KIMI, "d.txt", b"\xff\xff\xff").json()["id"],
    ]
    texts = [rig.call(KIMI, "GET", f"/files/{i}/content").text for i in ids]
    assert texts[:2] == ["季度 & plan", "港口"]
    assert "c.pdf" in texts[2]
    assert str(len(PDF)) in texts[2]
    assert texts[3] == "ÿÿÿ"


def test_names_arrive_as_they_were_sent(rig: Rig) -> None:
    for name in ("季度 🎉 报告.txt", "a b (1).txt", "it's 100%.txt", "CON.txt"):
        assert rig.upload(KIMI, name).json()["filename"] == name


def test_an_unknown_path_or_method_is_404(rig: Rig) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/files"), ("POST", "/files/x")):
        assert rig.call(KIMI, method, path).status_code == 404
