"""Rate limits, concurrency and an empty account, each in the provider's own words."""

import threading
import time

import pytest

from tests.contracts.sandbox_rig import KIMI, Rig, eventually, rig, shared_rig

__all__ = ["rig", "shared_rig"]


def test_kimi_requests_per_minute(rig: Rig) -> None:
    rig.settings(rpm=2)
    assert [rig.upload(KIMI).status_code for _ in range(3)] == [200, 200, 429]
    refused = rig.upload(KIMI)
    assert refused.json()["error"]["type"] == "rate_limit_reached_error"
    wait = int(refused.headers["Retry-After"])
    assert 55 <= wait <= 60
    assert f"please try again after {wait} seconds" in refused.json()["error"]["message"]
    assert rig.upload("kimi-cn").status_code == 200


def test_glm_requests_per_minute(rig: Rig) -> None:
    rig.settings(rpm=1, flavour="zai")
    assert rig.upload("zai").status_code == 200
    refused = rig.upload("zai")
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "1302"
    assert "Retry-After" not in refused.headers
    assert rig.upload("bigmodel").status_code == 200


@pytest.mark.parametrize(("flavour", "retry_after"), [(KIMI, "1"), ("bigmodel", None)])
def test_concurrency(rig: Rig, flavour: str, retry_after: str | None) -> None:
    began = time.monotonic()
    assert rig.upload(flavour).status_code == 200
    # Many times as long as an upload takes just now.
    rig.settings(concurrency=1, answer_delay_s=max(1.0, 20 * (time.monotonic() - began)))
    first: list[int] = []
    thread = threading.Thread(target=lambda: first.append(rig.upload(flavour).status_code))
    thread.start()
    assert eventually(lambda: sum(bool(r["body_complete"]) for r in rig.requests()) == 2)
    second = rig.upload(flavour)
    assert not first, "the second waited for the first"
    thread.join()
    assert (first, second.status_code) == ([200], 429)
    assert second.headers.get("Retry-After") == retry_after
    rig.settings(answer_delay_s=0)
    assert rig.upload(flavour).status_code == 200


def test_kimi_without_balance(rig: Rig) -> None:
    rig.settings(no_balance=True)
    refused = rig.upload(KIMI)
    assert refused.status_code == 429
    assert refused.json()["error"]["type"] == "exceeded_current_quota_error"
    assert "Retry-After" not in refused.headers
    balance = rig.call(KIMI, "GET", "/users/me/balance").json()["data"]
    assert balance["available_balance"] < 0


@pytest.mark.parametrize("host", ["zai", "bigmodel"])
def test_glm_without_balance(rig: Rig, host: str) -> None:
    rig.settings(no_balance=True)
    refused = rig.upload(host)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "1113")
    assert "Retry-After" not in refused.headers


def test_kimi_without_permission(rig: Rig) -> None:
    rig.settings(no_permission=True)
    refused = rig.upload(KIMI)
    assert refused.status_code == 403
    assert refused.json()["error"]["type"] == "permission_denied_error"
