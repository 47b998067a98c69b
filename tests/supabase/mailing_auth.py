"""Sign-ins without a password as the real service does them, before the rest of a back end.

`@supabase/lite` has no PKCE for links in mails, no limit on mails, and another name for the type
of a code. What is here follows what was recorded from GoTrue 2.196; it refuses what that refuses.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from .data_api import PASSWORD, PUBLISHABLE
from .front import Canned, Front

SITE: Final = "http://localhost:3000"
# What must be asked with the key of the project; the others a browser opens.
_WITH_KEY: Final = ("POST /auth/v1/otp", "POST /auth/v1/verify", "POST /auth/v1/token")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass
class Mail:
    """`code` is in the message only if the project's template has it."""

    to: str
    link: str
    code: str


@dataclass
class _Flow:
    email: str
    redirect: str
    challenge: str
    code: str = ""


@dataclass
class MailingAuth:
    """An `answer` for `Front`; what it does not know, `otherwise` answers."""

    front: Front
    session: Callable[[str], Canned]
    otherwise: Callable[[str, str, Any], Canned | str | None] = lambda *_: None
    users: set[str] = field(default_factory=set)
    providers: dict[str, str] = field(default_factory=dict)
    # As in the dashboard; `*` stops at a dot and at a slash.
    redirects: list[str] = field(default_factory=lambda: ["http://127.0.0.1:*/exai-desktop/*"])
    disable_signup: bool = True
    template_has_code: bool = True
    wait_s: int = 0
    mails: list[Mail] = field(default_factory=list)
    _flows: dict[str, _Flow] = field(default_factory=dict)
    _links: dict[str, _Flow] = field(default_factory=dict)
    _codes: dict[tuple[str, str], str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, body: Any) -> Canned | str | None:
        place, _, query = path.partition("?")
        fields = dict(parse_qsl(query))
        name = f"{method} {place}"
        if name.startswith(_WITH_KEY) and self.front.headers[-1].get("apikey") != PUBLISHABLE:
            return 401, {"message": "No API key found in request"}
        ways: dict[str, Callable[[], Canned]] = {
            "POST /auth/v1/otp": lambda: self._otp(fields, body),
            "GET /auth/v1/verify": lambda: self._link(fields),
            "POST /auth/v1/verify": lambda: self._code(body),
            "GET /auth/v1/authorize": lambda: self._authorize(fields),
            "GET /provider": lambda: self._provider(fields),
            "GET /auth/v1/settings": self._settings,
        }
        if fields.get("grant_type") == "pkce":
            ways["POST /auth/v1/token"] = lambda: self._exchange(body)
        way = ways.get(name)
        return way() if way is not None else self.otherwise(method, path, body)

    def _settings(self) -> Canned:
        external = {"email": True, "github": False} | dict.fromkeys(self.providers, True)
        return 200, {"disable_signup": self.disable_signup, "external": external}

    # -- mails

    def _otp(self, fields: dict[str, str], body: dict[str, Any]) -> Canned:
        if self.wait_s:
            why = f"For security purposes, you can only request this after {self.wait_s} seconds."
            return 429, {"code": 429, "error_code": "over_email_send_rate_limit", "msg": why}
        email = body["email"].lower()
        if email not in self.users:
            # It would make one.
            assert body.get("create_user") is False, "a sign-in must not make a user"
            return 422, {"error_code": "otp_disabled", "msg": "Signups not allowed for otp"}
        flow = _Flow(email, self._allowed(fields.get("redirect_to", "")), "")
        prefix = ""
        if "code_challenge" in body:
            if not _is_challenge(body):
                return 400, {"error_code": "validation_failed"}
            flow.challenge, prefix = body["code_challenge"], "pkce_"
        token, code = prefix + secrets.token_hex(28), f"{secrets.randbelow(10**6):06}"
        # A new mail makes the one before worthless.
        self._links = {t: f for t, f in self._links.items() if f.email != email}
        self._links[token] = flow
        self._codes = {k: t for k, t in self._codes.items() if k[0] != email}
        self._codes[email, code] = token
        query = urlencode({"token": token, "type": "magiclink", "redirect_to": flow.redirect})
        link = f"{self.front.url}/auth/v1/verify?{query}"
        self.mails.append(Mail(email, link, code if self.template_has_code else ""))
        return 200, {}

    def _link(self, fields: dict[str, str]) -> Canned:
        redirect = self._allowed(fields.get("redirect_to", ""))
        flow = self._links.pop(fields.get("token", ""), None)
        if flow is None:
            return _sent_to(redirect, _NO_LINK)
        self._codes = {k: t for k, t in self._codes.items() if k[0] != flow.email}
        return self._back(flow)

    def _code(self, body: dict[str, Any]) -> Canned:
        assert body["type"] == "email"
        found = self._codes.pop((body["email"].lower(), body["token"]), None)
        if found is None:
            return 403, {"error_code": "otp_expired", "msg": "Token has expired or is invalid"}
        self._links.pop(found, None)
        return self.session(body["email"].lower())

    # -- the exchange

    def _back(self, flow: _Flow) -> Canned:
        flow.code = str(uuid.uuid4())
        self._flows[flow.code] = flow
        return _sent_to(flow.redirect, {"code": flow.code})

    def _exchange(self, body: dict[str, Any]) -> Canned:
        flow = self._flows.get(body["auth_code"])
        if flow is None:
            return 404, {"error_code": "flow_state_not_found", "msg": "invalid flow state"}
        assert _VERIFIER.fullmatch(body["code_verifier"])
        digest = hashlib.sha256(body["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != flow.challenge:
            return 400, {"error_code": "bad_code_verifier"}
        del self._flows[flow.code]
        return self.session(flow.email)

    # -- providers

    def _authorize(self, fields: dict[str, str]) -> Canned:
        if fields["provider"] not in self.providers:
            why = "Unsupported provider: provider is not enabled"
            return 400, {"code": 400, "error_code": "validation_failed", "msg": why}
        if not _is_challenge(fields):
            return 400, {"error_code": "validation_failed"}
        email = self.providers[fields["provider"]]
        redirect = self._allowed(fields["redirect_to"])
        flow = _Flow(email, redirect, fields["code_challenge"])
        self._links[state := secrets.token_hex(16)] = flow
        return 302, None, {"Location": f"{self.front.url}/provider?state={state}"}

    def _provider(self, fields: dict[str, str]) -> Canned:
        flow = self._links.pop(fields["state"])
        if flow.email not in self.users:
            return _sent_to(flow.redirect, {"error": "access_denied"})
        return self._back(flow)

    def _allowed(self, address: str) -> str:
        for rule in self.redirects:
            pattern = re.escape(rule).replace(r"\*", "[^./]*")
            if re.fullmatch(pattern, address):
                return address
        return SITE


_NO_LINK: Final = {
    "error": "access_denied",
    "error_code": "otp_expired",
    "error_description": "Email link is invalid or has expired",
}


def _sent_to(address: str, fields: dict[str, str]) -> Canned:
    return 303, None, {"Location": f"{address}?{urlencode(fields)}"}


def _is_challenge(fields: dict[str, Any]) -> bool:
    method = str(fields.get("code_challenge_method", "")).lower()
    return method == "s256" and bool(_CHALLENGE.fullmatch(fields["code_challenge"]))


def by_password(upstream: str) -> Callable[[str], Canned]:
    """A session of the back end behind: its users have the password of the tests."""

    def session(email: str) -> Canned:
        answer = httpx.post(
            f"{upstream}/auth/v1/token?grant_type=password",
            json={"email": email, "password": PASSWORD},
            headers={"apikey": PUBLISHABLE},
            trust_env=False,
            verify=False,
        )
        return answer.status_code, answer.json()

    return session


def browser(address: str) -> httpx.Response:
    """Opens it, and goes where it is sent."""
    parts = urlsplit(address)
    assert parts.hostname == "127.0.0.1", address
    with httpx.Client(follow_redirects=True, trust_env=False, verify=False, timeout=60) as client:
        return client.get(address)
