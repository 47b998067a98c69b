"""A sign-in without a password: mails, the exchange of a code, and what a project may answer.

By PKCE: the project gives the session to whoever has the verifier, which never leaves this object
but for the exchange. A link that somebody else has read is of no use to him.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry, SignInWay
from exai_desktop.net.account_client import Answer
from exai_desktop.net.project_client import ProjectClient, value_of
from exai_desktop.sync.loopback import BrowserAnswer, LoopbackListener
from exai_desktop.sync.session import Tokens, code_of, refusal, tokens_of, unavailable

E = ErrorCode
W = SignInWay

# A provider's session at the project ends sooner than a link in a mail does.
_WAITS_S: Final = {W.LINK: 900.0, W.OAUTH: 300.0, W.CODE: 3_600.0}
_PROVIDER: Final = re.compile(r"[a-z0-9_:-]{1,40}")
_MAILED_CODE: Final = re.compile(r"[0-9]{6,10}")
_SECONDS: Final = re.compile(r"\b([0-9]{1,5}) seconds?\b")
_LONGEST_ADDRESS: Final = 4_000

_CODES: Final[Mapping[str, ErrorCode]] = {
    # GoTrue says this of a user it does not know, when none shall be made.
    "otp_disabled": E.USER_UNKNOWN,
    "user_not_found": E.USER_UNKNOWN,
    "signup_disabled": E.USER_UNKNOWN,
    "email_provider_disabled": E.SIGN_IN_WAY_DISABLED,
    "provider_disabled": E.SIGN_IN_WAY_DISABLED,
    "oauth_provider_not_supported": E.SIGN_IN_WAY_DISABLED,
    "over_email_send_rate_limit": E.MAIL_LIMIT,
    "email_address_invalid": E.USER_UNKNOWN,
    "otp_expired": E.LINK_EXPIRED,
    "flow_state_expired": E.LINK_EXPIRED,
    "flow_state_not_found": E.LINK_EXPIRED,
    "bad_code_verifier": E.LINK_OF_ANOTHER_SIGN_IN,
    "user_banned": E.SIGN_IN_DENIED,
}

# What the owner of the project has to allow; the port is another one each time.
REDIRECTS: Final = "http://127.0.0.1:*/exai-desktop/*"


class SignInAttempt:
    """One try of one user. The client is the caller's again when it has ended."""

    def __init__(self, request: SignInRequest, client: ProjectClient) -> None:
        self.request = request
        self.client = client
        self.id = secrets.token_hex(8)
        self._verifier = ""
        self._listener: LoopbackListener | None = None
        self._answer: BrowserAnswer | None = None

    async def begin(self) -> SignInTry:
        """Raises when the project does not do it: then nothing is waited for."""
        way = self.request.way
        browser_url = ""
        if way is W.CODE:
            await self._ask_for_mail("", {})
        else:
            self._listener = LoopbackListener()
            redirect = await self._listener.open()
            await self._look_at_redirect(redirect)
            challenge = self._new_challenge()
            if way is W.LINK:
                await self._ask_for_mail(f"?redirect_to={quote(redirect, safe='')}", challenge)
            else:
                browser_url = await self._providers_page(redirect, challenge)
        return SignInTry(self.id, way, _WAITS_S[way], browser_url)

    def _new_challenge(self) -> dict[str, str]:
        self._verifier = secrets.token_urlsafe(64)
        register(self._verifier)
        digest = hashlib.sha256(self._verifier.encode("ascii")).digest()
        challenge = base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
        return {"code_challenge": challenge, "code_challenge_method": "s256"}

    async def _ask_for_mail(self, query: str, challenge: Mapping[str, str]) -> None:
        email = self.request.email.strip()
        if "@" not in email:
            raise AccountError(E.USER_UNKNOWN, "this is no e-mail address")
        body = {"email": email, "create_user": False, **challenge}
        answer = await self.client.ask("POST", f"/auth/v1/otp{query}", body)
        if not answer.is_success:
            raise _refused(answer, E.PROJECT_REFUSED)

    async def _look_at_redirect(self, redirect: str) -> None:
        """A link that is none is sent back to where good ones are. A project that does not allow
        our address goes to its own page instead, without a word; the user would wait in vain."""
        fields = {"token": "pkce_none", "type": "magiclink", "redirect_to": redirect}
        answer = await self.client.ask("GET", f"/auth/v1/verify?{urlencode(fields)}")
        if answer.status not in (302, 303):
            if (later := unavailable(answer)) is not None:
                raise later
            return
        there = answer.headers.get("location", "")
        if not there.startswith(redirect):
            host = urlsplit(there).netloc
            raise EngineError(
                E.REDIRECT_NOT_ALLOWED,
                f"{REDIRECTS} is needed" + (f"; it goes to {host}" if host else ""),
            )

    async def _providers_page(self, redirect: str, challenge: Mapping[str, str]) -> str:
        """Where the user signs in there."""
        provider = self.request.provider.strip().lower()
        if not _PROVIDER.fullmatch(provider):
            raise AccountError(E.SIGN_IN_WAY_DISABLED, "this is no name of a provider")
        await self._look_at_settings(provider)
        fields = {"provider": provider, "redirect_to": redirect, **challenge}
        answer = await self.client.ask("GET", f"/auth/v1/authorize?{urlencode(fields)}")
        if answer.status not in (302, 303):
            # The code for a provider that is off is the one for all that is not valid.
            raise _refused(answer, E.SIGN_IN_WAY_DISABLED)
        page = answer.headers.get("location", "")
        if not _is_page(page):
            raise EngineError(E.PROJECT_REFUSED, "its provider has no secure address")
        return page

    async def _look_at_settings(self, provider: str) -> None:
        answer = await self.client.ask("GET", "/auth/v1/settings")
        if not answer.is_success:
            raise _refused(answer, E.PROJECT_REFUSED)
        found: Any = value_of(answer)
        external = found.get("external") if isinstance(found, dict) else None
        if isinstance(external, dict) and external.get(provider) is False:
            raise EngineError(E.SIGN_IN_WAY_DISABLED, provider)
        # Here nothing can be said against making a user; only the project can.
        if not isinstance(found, dict) or found.get("disable_signup") is not True:
            raise EngineError(E.SIGN_UPS_OPEN)

    async def answered(self) -> None:
        """Wait for the browser. Raises SIGN_IN_NOT_COMPLETED; then the try has ended."""
        if self._listener is None or self._answer is not None:
            return
        waits_s = _WAITS_S[self.request.way]
        try:
            self._answer = await self._listener.answer(waits_s)
        except TimeoutError:
            why = f"nothing came back within {waits_s / 60:.0f} minutes"
            raise EngineError(E.SIGN_IN_NOT_COMPLETED, why) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise EngineError(E.SIGN_IN_NOT_COMPLETED, "it was given up") from None

    async def tokens(self, code: str) -> Tokens:
        """The session. Only after CODE_WRONG it may be asked for again."""
        if self.request.way is W.CODE:
            return await self._by_mailed_code(re.sub(r"[\s-]", "", code))
        answer, self._answer = self._answer, BrowserAnswer()
        if answer is None or not answer.code:
            raise _denied(answer or BrowserAnswer(), self.request.way)
        register(answer.code)
        body = {"auth_code": answer.code, "code_verifier": self._verifier}
        self._verifier = ""
        found = await self.client.ask("POST", "/auth/v1/token?grant_type=pkce", body)
        if not found.is_success:
            raise _refused(found, E.LINK_EXPIRED)
        return tokens_of(found)

    async def _by_mailed_code(self, code: str) -> Tokens:
        if not _MAILED_CODE.fullmatch(code):
            raise AccountError(E.CODE_WRONG, "it has 6 digits")
        body = {"type": "email", "email": self.request.email.strip(), "token": code}
        answer = await self.client.ask("POST", "/auth/v1/verify", body)
        if not answer.is_success:
            error = _refused(answer, E.CODE_WRONG)
            raise EngineError(E.CODE_WRONG) if error.code is E.LINK_EXPIRED else error
        return tokens_of(answer)

    def close(self) -> None:
        """Wait for nobody any more. The client stays open."""
        self._verifier = ""
        if self._listener is not None:
            self._listener.close()


def _is_page(address: str) -> bool:
    """What may be given to the browser: a secure page, or one of this computer."""
    if len(address) > _LONGEST_ADDRESS or not address.isascii() or not address.isprintable():
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    is_here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.hostname) and (
        parts.scheme == "https" or (is_here and parts.scheme == "http")
    )


def _denied(answer: BrowserAnswer, way: SignInWay) -> AppError:
    known = _CODES.get(answer.error_code)
    if known is not None:
        return EngineError(known)
    # Of a link, nobody is asked for his consent: access is denied because it is too old.
    otherwise = E.LINK_EXPIRED if way is W.LINK else E.SIGN_IN_DENIED
    return EngineError(otherwise, answer.error_code or answer.error)


def _refused(answer: Answer, otherwise: ErrorCode) -> AppError:
    code = code_of(answer)
    known = _CODES.get(code)
    if known is E.MAIL_LIMIT:
        seconds = _seconds(answer)
        return EngineError(known, f"wait {seconds} s" if seconds else "", retry_after=seconds)
    if known is not None:
        return EngineError(known)
    return refusal(answer, otherwise)


def _seconds(answer: Answer) -> float | None:
    """How long to wait, for people: the project says it in a header or within its sentence."""
    found: Any = value_of(answer)
    said = found.get("msg") if isinstance(found, dict) else None
    inside = _SECONDS.search(said) if isinstance(said, str) else None
    text = answer.headers.get("retry-after", "") or (inside[1] if inside else "")
    return int(text) if text.isdecimal() and len(text) <= 5 else None
