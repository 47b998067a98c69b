"""GLM's two ways to prove a key: the raw key, or a short-lived token signed with its secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any


def refused_code(key: str | None, own_key: str) -> str | None:
    """The error code for what came in the Authorization header; None when it is good."""
    if key is None:
        return "1001"
    if hmac.compare_digest(key.encode(), own_key.encode()):
        return None
    if key.count(".") == 2:
        return _token_refused(key, own_key)
    return "1000" if key.count(".") == 1 else "1002"


def _token_refused(token: str, own_key: str) -> str | None:
    key_id, _, secret = own_key.partition(".")
    signed, _, signature = token.rpartition(".")
    expected = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    try:
        head, claims = (_decoded(part) for part in signed.split("."))
        given = _raw(signature)
    except ValueError:
        return "1002"
    if head.get("alg") != "HS256" or head.get("sign_type") != "SIGN":
        return "1002"
    if claims.get("api_key") != key_id or not hmac.compare_digest(given, expected):
        return "1000"
    expires = claims.get("exp")
    if not isinstance(expires, int) or expires < time.time() * 1000:
        return "1003"
    return None


def _raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _decoded(part: str) -> dict[str, Any]:
    value = json.loads(_raw(part))
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the caller treats all bad tokens alike
    return value
