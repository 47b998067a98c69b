"""What a user gives to sign in: the project's address, and a key that may leave this computer."""

from __future__ import annotations

import base64
import json
import re
from typing import Final
from urllib.parse import urlsplit

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError

_PUBLISHABLE: Final = re.compile(r"sb_publishable_[A-Za-z0-9_-]{8,200}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
# Keys of the project that open everything, and of the user's account at Supabase.
_SECRET: Final = ("sb_secret_", "sbp_")
_LONGEST: Final = 1_000
_PATHS: Final = ("/rest/v1", "/auth/v1")
_DASHBOARD: Final = re.compile(r"/dashboard/project/([a-z0-9]{10,40})(/|$)")
_PUBLIC_ROLE: Final = "anon"


def project_address(text: str) -> str:
    """The address in one form: the same project is the same target. Raises PROJECT_ADDRESS."""
    parts = urlsplit(text.strip())
    host, path = (parts.hostname or "").lower(), parts.path.rstrip("/")
    if host in ("supabase.com", "app.supabase.com") and (found := _DASHBOARD.search(parts.path)):
        why = f"this is its page; its address is https://{found[1]}.supabase.co"
        raise AccountError(ErrorCode.PROJECT_ADDRESS, why)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise AccountError(ErrorCode.PROJECT_ADDRESS, "it must begin with https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise AccountError(ErrorCode.PROJECT_ADDRESS, "it must be plain: https://host")
    for known in _PATHS:
        path = path.removesuffix(known)
    shown = f"[{host}]" if ":" in host else host
    is_usual = port in (None, 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{shown}{'' if is_usual else f':{port}'}{path}"


def publishable_key(text: str) -> str:
    """The key, if it is one for everybody's eyes. Raises SECRET_KEY_GIVEN, PROJECT_KEY_INVALID."""
    key = text.strip()
    if key.startswith(_SECRET):
        register(key)
        raise AccountError(ErrorCode.SECRET_KEY_GIVEN, f"it begins with {key.partition('_')[0]}_")
    if _PUBLISHABLE.fullmatch(key):
        return key
    if len(key) <= _LONGEST and _TOKEN.fullmatch(key):
        role = _role(key)
        if role == _PUBLIC_ROLE:
            return key
        register(key)
        if role:
            raise AccountError(ErrorCode.SECRET_KEY_GIVEN, f"its role is {role}")
    raise AccountError(
        ErrorCode.PROJECT_KEY_INVALID, "it begins with sb_publishable_, or is the older anon key"
    )


def _role(token: str) -> str:
    """Whom a key of the older kind makes its bearer; "" when it is no such key."""
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return ""
    role = claims.get("role") if isinstance(claims, dict) else None
    return role if isinstance(role, str) and re.fullmatch(r"[a-z_]{1,40}", role) else ""
