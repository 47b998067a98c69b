"""The control endpoints: closed to strangers, strict, and telling the truth."""

import hashlib
from typing import Any

import pytest

from tests.contracts.sandbox_rig import KIMI, TEXT, Rig, rig, shared_rig

__all__ = ["rig", "shared_rig"]


@pytest.mark.parametrize("headers", [{}, {"X-Sandbox-Control": "guess"}])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/files"), ("POST", "/reset"), ("DELETE", "/faults")]
)
def test_the_token_is_needed(rig: Rig, headers: dict[str, str], method: str, path: str) -> None:
    answer = rig.client.request(method, rig.sandbox.control.url + path, headers=headers)
    assert answer.status_code == 403


def ask(rig: Rig, method: str, path: str, **more: Any) -> Any:
    url, token = rig.sandbox.control
    return rig.client.request(method, url + path, headers={"X-Sandbox-Control": token}, **more)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", [{"kind": "explode"}]),
        ("/faults", [{"kind": "stall", "colour": "red"}]),
        ("/faults", [{"kind": "stall", "probability": 2}]),
        ("/faults", {"faults": [], "seed": "x"}),
        ("/faults", "stall"),
        ("/settings", {"rpm": -1}),
        ("/settings", {"speed": 1}),
        ("/settings", {"flavour": "openai", "rpm": 1}),
        ("/settings", [1]),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(rig: Rig, path: str, body: Any) -> None:
    before = ask(rig, "GET", path).json()
    answer = ask(rig, "POST", path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert ask(rig, "GET", path).json() == before


def test_bodies_must_be_json_and_short(rig: Rig) -> None:
    assert ask(rig, "POST", "/faults", content=b"{").status_code == 400
    assert ask(rig, "POST", "/faults", content=b" " * 5_000_000).status_code == 400
    assert ask(rig, "GET", "/files?flavour=odd").status_code == 400


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("PUT", "/faults"), ("GET", "/files/none/bytes")]
)
def test_unknown_control_paths_are_404(rig: Rig, method: str, path: str) -> None:
    assert ask(rig, method, path).status_code == 404


def test_files_tell_what_was_stored_and_deleted(rig: Rig) -> None:
    kept = rig.upload(KIMI, "a.txt").json()
    gone = rig.upload("zai", "b.txt", b"other").json()
    rig.call("zai", "DELETE", f"/files/{gone['id']}")
    rows = {row["id"]: row for row in rig.stored()}
    assert set(rows) == {kept["id"], gone["id"]}
    row = rows[kept["id"]]
    assert row["sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert (row["name"], row["bytes"], row["purpose"]) == ("a.txt", len(TEXT), "file-extract")
    assert (row["flavour"], row["deleted"]) == (KIMI, False)
    assert rows[gone["id"]]["deleted"] is True
    assert [row["id"] for row in rig.stored("zai")] == [gone["id"]]
    assert ask(rig, "GET", f"/files/{kept['id']}/bytes").content == TEXT
    assert ask(rig, "GET", f"/files/{gone['id']}/bytes").content == b"other"


def test_settings_for_one_flavour_or_all(rig: Rig) -> None:
    rig.settings(rpm=5)
    rig.settings(rpm=7, parse_s=1.5, flavour="zai")
    limits = rig.control("GET", "/settings")
    assert limits["bigmodel"]["rpm"] == 5
    assert (limits["zai"]["rpm"], limits["zai"]["parse_s"]) == (7, 1.5)


def test_faults_strike_by_number_times_and_path(rig: Rig) -> None:
    rig.faults(
        {"kind": "http_status", "status": 500, "nth": 2, "flavour": KIMI, "method": "post"},
        {"kind": "http_status", "status": 503, "times": 1, "path_contains": "/models"},
    )
    assert [rig.upload(KIMI).status_code for _ in range(3)] == [200, 500, 200]
    assert [rig.call(KIMI, "GET", "/models").status_code for _ in range(2)] == [503, 200]
    rows = rig.control("GET", "/faults")["faults"]
    assert [(row["seen"], row["struck"]) for row in rows] == [(3, 1), (2, 1)]
    assert rig.control("DELETE", "/faults") == {"faults": []}


def test_random_faults_repeat_with_their_seed(rig: Rig) -> None:
    script = [{"kind": "http_status", "status": 500, "probability": 0.5}]
    rounds = []
    for _ in range(2):
        rig.control("POST", "/faults", {"faults": script, "seed": 7})
        rounds.append([rig.call(KIMI, "GET", "/models").status_code for _ in range(20)])
    assert rounds[0] == rounds[1]
    assert set(rounds[0]) == {200, 500}


def test_the_log_tells_what_came(rig: Rig) -> None:
    rig.upload(KIMI, key="wrong")
    rig.call("zai", "GET", "/files")
    first, second = rig.requests()
    assert (first["method"], first["path"]) == ("POST", "/kimi-intl/v1/files")
    assert (first["flavour"], first["status"], first["finished"]) == (KIMI, 401, True)
    assert first["bytes_received"] > len(TEXT)
    assert first["authorized"] is True
    assert first["number"] < second["number"]
    assert "wrong" not in str(rig.requests())


def test_reset_forgets_everything(rig: Rig) -> None:
    rig.upload(KIMI)
    rig.settings(rpm=1, parse_s=9)
    rig.faults({"kind": "stall"})
    assert rig.control("POST", "/reset") == {"reset": True}
    assert rig.stored() == []
    assert rig.requests() == []
    assert rig.control("GET", "/faults") == {"faults": []}
    assert rig.control("GET", "/settings")["zai"]["rpm"] == 0
    assert rig.upload(KIMI).json()["status"] == "ok"
    assert rig.upload(KIMI).json()["filename"] == "a (1).txt"
