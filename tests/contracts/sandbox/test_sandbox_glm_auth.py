"""GLM's keys, signed tokens, languages and permission."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from tests.contracts.sandbox.test_sandbox_glm import HOSTS, code_of
from tests.contracts.sandbox_rig import ALL, Rig, rig, shared_rig

__all__ = ["rig", "shared_rig"]


@pytest.mark.parametrize("host", HOSTS)
def test_other_keys_are_refused(rig: Rig, host: str) -> None:
    for other in ALL:
        answer = rig.call(host, "GET", "/files", key=rig.sandbox.key(other))
        assert answer.status_code == (200 if other == host else 401)


@pytest.mark.parametrize(
    ("header", "code"),
    [("", "1001"), ("Bearer word", "1002"), ("Bearer a.b", "1000"), ("Bearer a.b.c", "1002")],
)
def test_codes_of_bad_keys(rig: Rig, header: str, code: str) -> None:
    answer = rig.call("zai", "GET", "/files", headers={"Authorization": header})
    assert (answer.status_code, code_of(answer)) == (401, code)


def signed(key: str, expires_in_s: float, **changes: Any) -> str:
    key_id, _, secret = key.partition(".")
    now = time.time()
    head = {"alg": "HS256", "sign_type": "SIGN"}
    claims = {"api_key": key_id, "exp": int((now + expires_in_s) * 1000), "timestamp": int(now)}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (head | changes.get("head", {}), claims | changes.get("claims", {}))
    ]
    mark = hmac.new(secret.encode(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(mark).rstrip(b"=")]).decode()


def test_a_signed_token_is_as_good_as_the_key(rig: Rig) -> None:
    key = rig.sandbox.key("zai")
    cases = [
        (signed(key, 60), 200),
        (signed(key, -1), 401),
        (signed(key + "x", 60), 401),
        (signed(key, 60, head={"alg": "none"}), 401),
        (signed(key, 60, claims={"api_key": "someone"}), 401),
        (signed(key, 60, claims={"exp": "never"}), 401),
    ]
    for token, status in cases:
        assert rig.call("zai", "GET", "/files", key=token).status_code == status
    assert code_of(rig.call("zai", "GET", "/files", key=cases[1][0])) == "1003"


@pytest.mark.parametrize(
    ("host", "language", "chinese"),
    [
        ("zai", None, False),
        ("bigmodel", None, True),
        ("zai", "zh-CN,zh;q=0.9", True),
        ("bigmodel", "en-US,en", False),
        ("bigmodel", "fr", True),
    ],
)
def test_the_language_of_messages(rig: Rig, host: str, language: str | None, chinese: bool) -> None:
    headers = {"Accept-Language": language} if language else {"Accept-Language": ""}
    message = rig.call(host, "GET", "/files", key="a.b", headers=headers).json()["error"]["message"]
    assert (not message.isascii()) is chinese


@pytest.mark.parametrize("host", HOSTS)
def test_no_permission_is_434(rig: Rig, host: str) -> None:
    rig.settings(no_permission=True)
    assert rig.upload(host).status_code == 434
