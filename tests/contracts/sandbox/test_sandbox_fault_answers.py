"""Faults that spoil the answer: its status, its form or its words."""

import json
from typing import Any

import pytest

from tests.contracts.sandbox.test_sandbox_faults import fault
from tests.contracts.sandbox_rig import ALL, KIMI, TEXT, Rig, eventually, rig, shared_rig

__all__ = ["rig", "shared_rig"]


@pytest.mark.parametrize("flavour", ALL)
def test_html_502(rig: Rig, flavour: str) -> None:
    rig.faults(fault("html_502"))
    answer = rig.upload(flavour)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (502, "text/html")
    assert "Msh-Request-Id" not in answer.headers
    assert rig.stored() == []


def test_html_504_after_storing(rig: Rig) -> None:
    rig.faults(fault("html_502", status=504, store=True))
    assert rig.upload(KIMI).status_code == 504
    assert len(rig.stored()) == 1


def test_garbage(rig: Rig) -> None:
    rig.faults(fault("garbage"))
    answer = rig.upload(KIMI)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(rig.stored()) == 1


@pytest.mark.parametrize("flavour", ALL)
def test_no_id(rig: Rig, flavour: str) -> None:
    rig.faults(fault("no_id"))
    answer = rig.upload(flavour)
    assert answer.status_code == 200
    assert "id" not in answer.json()
    assert answer.json()["bytes"] == len(TEXT)


def test_wrong_size(rig: Rig) -> None:
    rig.faults(fault("wrong_size", size_delta=-3))
    assert rig.upload(KIMI).json()["bytes"] == len(TEXT) - 3
    beta = rig.upload(KIMI, headers={"kimi-api-version": "2026-09-01-beta"})
    assert beta.json()["size_bytes"] == len(TEXT) - 3
    assert [file["bytes"] for file in rig.stored()] == [len(TEXT)] * 2
    assert rig.upload(KIMI, purpose="odd").status_code == 400


def test_altered_answers_without_storing_are_plain_failures(rig: Rig) -> None:
    rig.faults(fault("no_id", store=False), fault("drip", store=False))
    assert rig.upload(KIMI).status_code == 500
    assert rig.stored() == []


@pytest.mark.parametrize(
    ("flavour", "said"), [(KIMI, "exceeded_current_quota_error"), ("bigmodel", "1113")]
)
def test_quota_429(rig: Rig, flavour: str, said: str) -> None:
    rig.faults(fault("quota_429"))
    answer = rig.upload(flavour)
    assert answer.status_code == 429
    assert said in answer.json()["error"].values()
    assert "Retry-After" not in answer.headers


def test_rate_429(rig: Rig) -> None:
    rig.faults(fault("rate_429", retry_after=7, flavour=KIMI), fault("rate_429"))
    kimi, zai = rig.upload(KIMI), rig.upload("zai")
    assert kimi.json()["error"]["type"] == "rate_limit_reached_error"
    assert kimi.headers["Retry-After"] == "7"
    assert "after 7 seconds" in kimi.json()["error"]["message"]
    assert zai.json()["error"]["code"] == "1302"
    assert "Retry-After" not in zai.headers
    rig.faults(fault("rate_429", retry_after=4))
    assert rig.upload("bigmodel").headers["Retry-After"] == "4"


@pytest.mark.parametrize(
    ("flavour", "more", "body"),
    [
        (KIMI, {"status": 500}, {"error": {"type": "server_error", "message": "m"}}),
        (KIMI, {"status": 503}, {"error": {"type": "server_unavailable", "message": "m"}}),
        (
            KIMI,
            {"status": 400, "error_type": "content_filter"},
            {"error": {"type": "content_filter", "message": "m"}},
        ),
        ("zai", {"status": 434}, {"error": {"code": "434", "message": "m"}}),
        ("zai", {"status": 500, "code": "1230"}, {"error": {"code": "1230", "message": "m"}}),
        ("zai", {"status": 500, "form": "plain"}, {"error": "m"}),
        ("zai", {"status": 429, "code": "1305", "form": "flat"}, {"code": "1305", "message": "m"}),
    ],
)
def test_http_status(rig: Rig, flavour: str, more: dict[str, Any], body: dict[str, Any]) -> None:
    rig.faults(fault("http_status", message="m", **more))
    answer = rig.upload(flavour)
    assert answer.status_code == more["status"]
    assert answer.json() == body
    assert rig.stored() == []


def test_http_status_as_html_with_retry_after(rig: Rig) -> None:
    rig.faults(fault("http_status", status=503, form="html", retry_after=3))
    answer = rig.upload(KIMI)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert answer.text.startswith("<html>")


def test_redirect_leads_to_a_place_that_would_notice_a_key(rig: Rig) -> None:
    rig.faults(fault("redirect", times=1), fault("redirect", location="http://127.0.0.1:9/"))
    first, second = rig.upload(KIMI), rig.upload(KIMI)
    assert first.status_code == 307
    assert second.headers["location"] == "http://127.0.0.1:9/"
    assert rig.client.get(first.headers["location"]).status_code == 404
    followed = rig.control("GET", "/requests")["requests"][-2]
    assert followed["path"].startswith("/elsewhere/")
    assert followed["authorized"] is False


def test_parse_error(rig: Rig) -> None:
    rig.settings(parse_s=0.2)
    rig.faults(fault("parse_error"))
    path = f"/files/{rig.upload(KIMI).json()['id']}"
    assert rig.call(KIMI, "GET", path).json()["status"] == "created"
    assert eventually(lambda: rig.call(KIMI, "GET", path).json()["status"] == "error")
    beta = rig.call(KIMI, "GET", path, headers={"kimi-api-version": "2026-09-01-beta"})
    assert beta.json()["extract_status"] == "error"
    assert rig.call(KIMI, "GET", path + "/content").status_code == 400
    assert rig.call(KIMI, "DELETE", path).status_code == 200


def test_the_version_header_incident(rig: Rig) -> None:
    rig.faults(fault("missing_version_header_400", times=1))
    answer = rig.upload(KIMI)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "kimi-api-version" in answer.json()["error"]["message"]
    assert rig.upload(KIMI).status_code == 200
