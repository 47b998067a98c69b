"""Kimi's generation chosen by `kimi-api-version: 2026-09-01-beta`."""

import pytest

from tests.contracts.sandbox.test_sandbox_kimi import error_of
from tests.contracts.sandbox_rig import BETA, KIMI, TEXT, Rig, rig, shared_rig

__all__ = ["rig", "shared_rig"]


def test_upload_get_delete(rig: Rig) -> None:
    answer = rig.upload(KIMI, "a.txt", headers=BETA)
    form = answer.json()
    assert answer.status_code == 201
    assert form["size_bytes"] == len(TEXT)
    assert form["extract_status"] == "ready"
    assert form["created_at"].endswith("Z")
    assert form["mime_type"] == "text/plain"
    path = f"/files/{form['id']}"
    assert rig.call(KIMI, "GET", path, headers=BETA).json() == form
    content = rig.call(KIMI, "GET", path + "/content", headers=BETA).json()
    assert content["content"] == TEXT.decode()
    gone = rig.call(KIMI, "DELETE", path, headers=BETA)
    assert (gone.status_code, gone.content) == (204, b"")


def test_purpose_defaults_and_the_name_can_be_overridden(rig: Rig) -> None:
    answer = rig.upload(KIMI, "a.txt", purpose=None, data={"filename": "other.md"}, headers=BETA)
    assert answer.json()["purpose"] == "file-extract"
    assert answer.json()["filename"] == "other.md"
    long = rig.upload(KIMI, data={"filename": "x" * 4_097}, headers=BETA)
    assert long.status_code == 400


def test_list_pages_newest_first(rig: Rig) -> None:
    ids = [rig.upload(KIMI).json()["id"] for _ in range(5)]
    everything = rig.call(KIMI, "GET", "/files", headers=BETA).json()
    assert [item["id"] for item in everything["items"]] == ids[::-1]
    seen: list[str] = []
    query: dict[str, str] = {"page_size": "2"}
    while True:
        page = rig.call(KIMI, "GET", "/files", params=query, headers=BETA).json()
        seen += [item["id"] for item in page["items"]]
        if "next_page_token" not in page:
            break
        query["page_token"] = page["next_page_token"]
    assert seen == ids[::-1]


@pytest.mark.parametrize("query", ["page_size=0", "page_size=1001", "page_size=x"])
def test_bad_pages_are_refused(rig: Rig, query: str) -> None:
    answer = rig.call(KIMI, "GET", f"/files?{query}", headers=BETA)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "page_size"


def test_an_unknown_page_token_is_refused(rig: Rig) -> None:
    answer = rig.call(KIMI, "GET", "/files?page_size=2&page_token=x", headers=BETA)
    assert answer.status_code == 400


def test_errors_carry_the_request_id(rig: Rig) -> None:
    answer = rig.call(KIMI, "GET", "/files/none", headers=BETA)
    assert error_of(answer)["request_id"] == answer.headers["Msh-Request-Id"]
    wrong_key = rig.call(KIMI, "GET", "/files", headers=BETA, key="sk-nobody")
    assert error_of(wrong_key)["type"] == "authentication_error"


def test_parsing_shows_in_extract_status(rig: Rig) -> None:
    rig.settings(parse_s=30)
    assert rig.upload(KIMI, headers=BETA).json()["extract_status"] == "processing"


def test_an_unknown_version_is_400(rig: Rig) -> None:
    answer = rig.upload(KIMI, headers={"kimi-api-version": "2027-01-01"})
    assert answer.status_code == 400
    assert error_of(answer)["type"] == "invalid_request_error"
    assert rig.stored() == []
