"""Signing in by a link, a code or a provider: and in words why it did not work."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio

from exai_desktop.core.accounts.secret_store import MIRROR_SESSION
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry, SignInWay
from exai_desktop.sync import sign_in
from exai_desktop.sync.loopback import LoopbackListener

from .data_api import PUBLISHABLE
from .front import Front, front
from .link_rig import EMAIL, ME, Canned, Rig, tokens
from .mailing_auth import MailingAuth, browser

E, W = ErrorCode, SignInWay


@pytest.fixture
def there() -> Iterator[Front]:
    with front() as found:
        yield found


@pytest.fixture
def auth(there: Front) -> MailingAuth:
    made = MailingAuth(there, lambda _: tokens(), Canned(), {EMAIL}, {"google": EMAIL})
    there.answer = made
    return made


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    await rig.close()


def request(there: Front, way: SignInWay = W.LINK, **more: str) -> SignInRequest:
    return SignInRequest(there.url, PUBLISHABLE, way, **({"email": EMAIL} | more))


async def begin(rig: Rig, there: Front, way: SignInWay = W.LINK, **more: str) -> SignInTry:
    return await rig.link.begin_sign_in(request(there, way, **more))


async def error_of(awaitable: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await awaitable
    return caught.value


async def opened(address: str) -> httpx.Response:
    return await asyncio.to_thread(browser, address)


async def get(address: str, **headers: str) -> httpx.Response:
    """One request, as it is written here."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return await client.get(address, headers=headers)


def redirect_of(auth: MailingAuth) -> str:
    return dict(parse_qsl(urlsplit(auth.mails[-1].link).query))["redirect_to"]


def body_of(there: Front, part: str) -> dict[str, Any]:
    found = [body for asked, body in zip(there.asked, there.bodies, strict=True) if part in asked]
    value: dict[str, Any] = found[-1]
    return value


async def finished(rig: Rig, found: SignInTry, code: str = "") -> str:
    await rig.link.sign_in_answered(found.id)
    return (await rig.link.finish_sign_in(found.id, code)).email


# -- a link


async def test_a_link_signs_in(rig: Rig, there: Front, auth: MailingAuth) -> None:
    found = await begin(rig, there)
    assert (found.browser_url, found.way) == ("", W.LINK)
    page, email = await asyncio.gather(opened(auth.mails[0].link), finished(rig, found))
    assert email == EMAIL
    assert "You can close this window" in page.text
    assert (await rig.link.look(60)).schema == 1
    assert "refresh-not-real-1" in (rig.store.get(MIRROR_SESSION) or "")
    # By PKCE, and no user would have been made.
    asked, given = body_of(there, "/otp"), body_of(there, "grant_type=pkce")
    digest = hashlib.sha256(given["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert (asked["code_challenge_method"], asked["create_user"]) == ("s256", False)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/exai-desktop/[\w-]{32}", redirect_of(auth))


async def test_it_works_once(rig: Rig, there: Front, auth: MailingAuth) -> None:
    found = await begin(rig, there)
    await asyncio.gather(opened(auth.mails[0].link), finished(rig, found))
    with pytest.raises(httpx.ConnectError):
        await get(f"{redirect_of(auth)}?code=again")
    assert (await error_of(rig.link.sign_in_answered(found.id))).code is E.SIGN_IN_NOT_COMPLETED


async def test_the_verifier_is_nowhere(
    rig: Rig, there: Front, auth: MailingAuth, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        found = await begin(rig, there)
        await asyncio.gather(opened(auth.mails[0].link), finished(rig, found))
    given = body_of(there, "grant_type=pkce")
    kept = rig.store.get(MIRROR_SESSION) or ""
    for secret in (given["code_verifier"], given["auth_code"]):
        ours = [r.getMessage() for r in caplog.records if not r.name.startswith("httpx")]
        assert not [line for line in ours if secret in line]
        assert secret not in kept
        assert redact(f"it was {secret}") == "it was ***"
    asked = [a for a in there.asked if not a.startswith("GET /auth/v1/verify")]
    assert given["code_verifier"] not in " ".join(asked)


@pytest.mark.parametrize("how", ["used", "never was"])
async def test_a_link_that_is_no_more(rig: Rig, there: Front, auth: MailingAuth, how: str) -> None:
    found = await begin(rig, there)
    link = auth.mails[0].link
    if how == "used":
        # A program that checks mails has opened it, and follows no redirect.
        await get(link)
    else:
        link = link.replace("pkce_", "pkce_0")
    page, error = await asyncio.gather(opened(link), error_of(finished(rig, found)))
    assert error.code is E.LINK_EXPIRED
    assert "did not work" in page.text
    assert rig.store.get(MIRROR_SESSION) is None


async def test_a_code_of_another_try_opens_nothing(
    rig: Rig, there: Front, auth: MailingAuth
) -> None:
    await begin(rig, there)
    await get(auth.mails[0].link)
    stranger = next(iter(auth._flows))
    found = await begin(rig, there)
    back = f"{redirect_of(auth)}?code={stranger}"
    _, error = await asyncio.gather(opened(back), error_of(finished(rig, found)))
    assert error.code is E.LINK_OF_ANOTHER_SIGN_IN
    assert rig.store.get(MIRROR_SESSION) is None


async def test_nobody_opens_the_link(
    rig: Rig, there: Front, auth: MailingAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it was opened on another computer."""
    monkeypatch.setitem(sign_in._WAITS_S, W.LINK, 0.05)
    found = await begin(rig, there)
    error = await error_of(finished(rig, found))
    assert error.code is E.SIGN_IN_NOT_COMPLETED
    assert "on this computer" in error.hint
    with pytest.raises(httpx.ConnectError):
        await get(f"{redirect_of(auth)}?code=late")


async def test_a_new_try_and_giving_up_end_the_one_before(
    rig: Rig, there: Front, auth: MailingAuth
) -> None:
    first = await begin(rig, there)
    waiting = asyncio.ensure_future(error_of(finished(rig, first)))
    await asyncio.sleep(0)
    second = await begin(rig, there)
    assert (await waiting).code is E.SIGN_IN_NOT_COMPLETED
    waiting = asyncio.ensure_future(error_of(finished(rig, second)))
    await asyncio.sleep(0)
    await rig.link.give_up_sign_in(first.id)
    assert not waiting.done()
    await rig.link.give_up_sign_in(second.id)
    assert (await waiting).code is E.SIGN_IN_NOT_COMPLETED


async def test_who_is_signed_in_stays_so_until_the_other_is(
    rig: Rig, there: Front, auth: MailingAuth
) -> None:
    await rig.sign_in(there)
    found = await begin(rig, there)
    assert (await rig.link.look(60)).schema == 1
    await rig.link.give_up_sign_in(found.id)
    assert (await rig.link.look(60)).schema == 1


# -- what a project may answer


async def test_a_project_that_sends_the_browser_elsewhere_is_found_before_a_mail(
    rig: Rig, there: Front, auth: MailingAuth
) -> None:
    auth.redirects = ["https://elsewhere.example/**"]
    for way in (W.LINK, W.OAUTH):
        error = await error_of(begin(rig, there, way, provider="google"))
        assert error.code is E.REDIRECT_NOT_ALLOWED
        address = "http://127.0.0.1:*/exai-desktop/*"
        assert error.detail == f"{address} is needed; it goes to localhost:3000"
    assert auth.mails == []


async def test_mails_are_limited(rig: Rig, there: Front, auth: MailingAuth) -> None:
    auth.wait_s = 58
    for way in (W.LINK, W.CODE):
        error = await error_of(begin(rig, there, way))
        assert (error.code, error.detail, error.retry_after) == (E.MAIL_LIMIT, "wait 58 s", 58)
    said = {"error_code": "over_email_send_rate_limit", "msg": "email rate limit exceeded"}
    there.answer = lambda *_: (429, said)
    assert (await error_of(begin(rig, there, W.CODE))).detail == ""


@pytest.mark.parametrize("way", [W.LINK, W.CODE])
async def test_no_user_is_made(rig: Rig, there: Front, auth: MailingAuth, way: SignInWay) -> None:
    assert (await error_of(begin(rig, there, way, email="new@example.com"))).code is E.USER_UNKNOWN
    assert (await error_of(begin(rig, there, way, email="nothing"))).code is E.USER_UNKNOWN
    assert body_of(there, "/otp")["create_user"] is False


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((422, {"error_code": "email_provider_disabled"}), E.SIGN_IN_WAY_DISABLED),
        ((401, {"message": "Invalid API key"}), E.PROJECT_KEY_INVALID),
        ((400, {"error_code": "captcha_failed"}), E.PROJECT_REFUSED),
        ((404, "<html>"), E.PROJECT_REFUSED),
        ((503, {}), E.PROJECT_UNREACHABLE),
        ((540, {}), E.PROJECT_ASLEEP),
        ("cut", E.PROJECT_UNREACHABLE),
    ],
)
async def test_what_the_project_may_answer_to_a_mail(
    rig: Rig, there: Front, answer: Any, code: ErrorCode
) -> None:
    there.answer = partial(lambda said, *_: said, answer)
    assert (await error_of(begin(rig, there, W.CODE))).code is code
    assert (await error_of(begin(rig, there, W.LINK))).code is code


async def test_a_wrong_key_and_address_are_found_before(rig: Rig, there: Front) -> None:
    secret = SignInRequest(there.url, "sb_secret_" + "not-real-" * 3, W.LINK, EMAIL)
    assert (await error_of(rig.link.begin_sign_in(secret))).code is E.SECRET_KEY_GIVEN
    wrong = SignInRequest("name", PUBLISHABLE, W.LINK, EMAIL)
    assert (await error_of(rig.link.begin_sign_in(wrong))).code is E.PROJECT_ADDRESS
    assert there.asked == []


# -- a code


async def test_a_code_signs_in_after_a_wrong_one(rig: Rig, there: Front, auth: MailingAuth) -> None:
    found = await begin(rig, there, W.CODE)
    code = auth.mails[0].code
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for each in (wrong, "", "abcdef", "12345"):
        assert (await error_of(finished(rig, found, each))).code is E.CODE_WRONG
    assert there.count("POST /auth/v1/verify") == 1
    assert await finished(rig, found, f" {code[:3]} {code[3:]}\n") == EMAIL
    assert "code_challenge" not in body_of(there, "/otp")
    # The same code a second time.
    again = await begin(rig, there, W.CODE)
    assert (await error_of(finished(rig, again, code))).code is E.CODE_WRONG


# -- a provider


async def test_a_provider_signs_in(rig: Rig, there: Front, auth: MailingAuth) -> None:
    found = await begin(rig, there, W.OAUTH, provider="Google", email="")
    assert found.browser_url.startswith(there.url)
    page, email = await asyncio.gather(opened(found.browser_url), finished(rig, found))
    assert (email, "close this window" in page.text) == (EMAIL, True)


async def test_what_a_provider_and_its_project_may_say(
    rig: Rig, there: Front, auth: MailingAuth
) -> None:
    for name in ("github", "unheard", "not a name"):
        error = await error_of(begin(rig, there, W.OAUTH, provider=name))
        assert error.code is E.SIGN_IN_WAY_DISABLED
    auth.providers["google"] = "stranger@example.com"
    found = await begin(rig, there, W.OAUTH, provider="google")
    _, error = await asyncio.gather(opened(found.browser_url), error_of(finished(rig, found)))
    assert (error.code, error.detail) == (E.SIGN_IN_DENIED, "access_denied")
    auth.disable_signup = False
    error = await error_of(begin(rig, there, W.OAUTH, provider="google"))
    assert error.code is E.SIGN_UPS_OPEN
    assert there.count("/authorize") == 2


@pytest.mark.parametrize(
    "page",
    ["javascript:alert(1)", "http://provider.example/", "file:///etc/passwd", "", "https://a\tb/"],
)
async def test_only_a_secure_page_is_opened(
    rig: Rig, there: Front, auth: MailingAuth, page: str
) -> None:
    def answer(method: str, path: str, body: Any) -> Any:
        if "/authorize" in path:
            return 302, None, {"Location": page}
        return auth(method, path, body)

    there.answer = answer
    error = await error_of(begin(rig, there, W.OAUTH, provider="google"))
    assert error.code in (E.PROJECT_REFUSED, E.PROJECT_UNREACHABLE)


# -- what listens


async def raw(address: str, text: str) -> bytes:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(text.encode())
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("line", "host", "status"),
    [
        ("GET {path}?code=good HTTP/1.1", "evil.example:{port}", 421),
        ("GET {path}?code=good HTTP/1.1", "127.0.0.1", 421),
        ("GET {path}?code=good HTTP/1.1", "localhost:{port}", 421),
        ("GET {path}?code=good HTTP/1.1", "", 421),
        ("GET /exai-desktop/another?code=good HTTP/1.1", "127.0.0.1:{port}", 404),
        ("GET {path}/?code=good HTTP/1.1", "127.0.0.1:{port}", 404),
        ("GET /favicon.ico HTTP/1.1", "127.0.0.1:{port}", 404),
        ("GET http://127.0.0.1:{port}{path}?code=good HTTP/1.1", "127.0.0.1:{port}", 404),
        ("POST {path}?code=good HTTP/1.1", "127.0.0.1:{port}", 405),
        ("GET {path} HTTP/1.1", "127.0.0.1:{port}", 400),
        ("GET {path}?code=a&code=b HTTP/1.1", "127.0.0.1:{port}", 400),
        ("GET {path}?code=a&error=b HTTP/1.1", "127.0.0.1:{port}", 200),
        ("GET {path}?code=%3Cscript%3E HTTP/1.1", "127.0.0.1:{port}", 400),
        ("GET {path}?a=1" + "&a=1" * 20 + " HTTP/1.1", "127.0.0.1:{port}", 400),
        ("GET", "127.0.0.1:{port}", 400),
    ],
)
async def test_only_the_answer_that_was_waited_for_counts(
    line: str, host: str, status: int
) -> None:
    listener = LoopbackListener()
    address = await listener.open()
    parts = urlsplit(address)
    names = {"path": parts.path, "port": parts.port}
    head = line.format(**names) + (f"\r\nHost: {host.format(**names)}" if host else "")
    answer = await raw(address, f"{head}\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"<script>" not in answer
    if status != 200:
        # Whoever came instead has ended nothing.
        _, found = await asyncio.gather(get(f"{address}?code=good"), listener.answer(30))
        assert found.code == "good"
    listener.close()


async def test_it_listens_on_this_computer_alone_and_says_nothing() -> None:
    listener = LoopbackListener()
    address = await listener.open()
    assert listener._server is not None
    assert [s.getsockname()[0] for s in listener._server.sockets] == ["127.0.0.1"]
    assert await raw(address, "X" * 40_000 + "\r\n\r\n") == b""
    answer = await get(f"{address}?code=good&state=%3Cb%3E")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "good" not in answer.text and "<b>" not in answer.text
    listener.close()


async def test_the_stored_session_names_no_try(rig: Rig, there: Front, auth: MailingAuth) -> None:
    found = await begin(rig, there, W.CODE)
    await finished(rig, found, auth.mails[0].code)
    kept = json.loads(rig.store.get(MIRROR_SESSION) or "")
    assert sorted(kept) == ["email", "key", "profile", "refresh", "url", "user_id"]
    assert kept["user_id"] == ME
