"""The session: kept whatever the network does, renewed once, ended by the project alone."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exai_desktop.core.accounts.secret_store import MIRROR_SESSION
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.sync.link import SupabaseLink
from exai_desktop.sync.project_key import project_address, publishable_key
from exai_desktop.sync.session import SessionBook
from tests.contracts.storage.test_outbox import ACCOUNTS

from .data_api import PUBLISHABLE
from .front import Front, front
from .link_rig import EMAIL, ME, PASSWORD, Canned, Rig, tokens

E = ErrorCode
SECRET = "sb_secret_" + "not-real-" * 3


def token_of(role: str) -> str:
    """A key of the older kind."""
    parts = [{"alg": "HS256"}, {"role": role, "iss": "supabase"}]
    coded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*coded, "not-a-real-signature"])


@pytest.fixture
def there() -> Iterator[Front]:
    with front() as found:
        found.answer = Canned()
        yield found


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    await rig.close()


async def code_of(awaitable: Any) -> ErrorCode:
    with pytest.raises(AppError) as caught:
        await awaitable
    return caught.value.code


# -- what is given


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (SECRET, E.SECRET_KEY_GIVEN),
        ("sbp_" + "0123456789abcdef" * 2, E.SECRET_KEY_GIVEN),
        (token_of("service_role"), E.SECRET_KEY_GIVEN),
        (token_of("authenticated"), E.SECRET_KEY_GIVEN),
        ("", E.PROJECT_KEY_INVALID),
        ("sk-something-else-entirely", E.PROJECT_KEY_INVALID),
        ("a.b.c", E.PROJECT_KEY_INVALID),
        (PUBLISHABLE + "\r\nX: y", E.PROJECT_KEY_INVALID),
    ],
)
async def test_a_key_that_opens_everything_is_refused_before_anything_is_sent(
    rig: Rig, there: Front, key: str, code: ErrorCode
) -> None:
    assert await code_of(rig.link.sign_in(there.url, key, EMAIL, PASSWORD)) is code
    assert there.asked == []
    assert rig.store.get(MIRROR_SESSION) is None
    if code is E.SECRET_KEY_GIVEN:
        assert key not in redact(f"it was {key} that was given")


@pytest.mark.parametrize("key", [PUBLISHABLE, f" {PUBLISHABLE}\n", token_of("anon")])
def test_keys_for_everybody_are_taken(key: str) -> None:
    assert publishable_key(key) == key.strip()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://Name.supabase.co/", "https://name.supabase.co"),
        ("https://name.supabase.co/rest/v1/", "https://name.supabase.co"),
        ("https://name.supabase.co:443/auth/v1", "https://name.supabase.co"),
        ("http://127.0.0.1:54321", "http://127.0.0.1:54321"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_one_project_has_one_address(text: str, address: str) -> None:
    assert project_address(text) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "name.supabase.co",
        "http://name.supabase.co",
        "https://user:secret@name.supabase.co",
        "https://name.supabase.co/?a=b",
        "https://name.supabase.co:0",
        "https://name.supabase.co:x",
        "postgresql://postgres:not-real@db.name.supabase.co:5432/postgres",
        "https://supabase.com/dashboard/project/abcdefghijklmnopqrst",
    ],
)
async def test_what_is_no_address_of_a_project_is_refused(rig: Rig, url: str) -> None:
    assert await code_of(rig.link.sign_in(url, PUBLISHABLE, EMAIL, PASSWORD)) is E.PROJECT_ADDRESS


# -- signing in


async def test_the_session_is_kept_and_the_password_is_not(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    kept = rig.store.get(MIRROR_SESSION) or ""
    assert "refresh-not-real-1" in kept and PASSWORD not in kept and "access-not-real" not in kept
    assert len(kept) < 1_280  # what Windows takes
    assert PASSWORD not in redact(PASSWORD) and "***" in redact("refresh-not-real-1")
    again = await rig.new_link().restore()
    assert again is not None and (again.email, again.user_id) == (EMAIL, ME)
    assert there.headers[0]["apikey"] == PUBLISHABLE
    assert "authorization" not in there.headers[0]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, {"code": 400, "error_code": "invalid_credentials"}), E.SIGN_IN_REFUSED),
        ((400, {"error": "invalid_grant", "error_description": "no"}), E.SIGN_IN_REFUSED),
        ((400, {"error_code": "email_not_confirmed"}), E.EMAIL_NOT_CONFIRMED),
        ((401, {"message": "Invalid API key"}), E.PROJECT_KEY_INVALID),
        ((404, {"message": "not here"}), E.PROJECT_REFUSED),
        ((403, "<html>"), E.PROJECT_REFUSED),
        ((429, {"error_code": "over_request_rate_limit"}), E.PROJECT_UNREACHABLE),
        ((503, {}), E.PROJECT_UNREACHABLE),
        ((540, {}), E.PROJECT_ASLEEP),
        ((301, {}), E.PROJECT_REFUSED),
        ((200, {"access_token": "a"}), E.PROJECT_REFUSED),
        ((200, []), E.PROJECT_REFUSED),
    ],
)
async def test_what_the_project_may_answer(
    rig: Rig, there: Front, answer: tuple[int, object], code: ErrorCode
) -> None:
    there.answer = lambda *_: answer
    assert await code_of(rig.link.sign_in(there.url, PUBLISHABLE, EMAIL, PASSWORD)) is code
    assert rig.store.get(MIRROR_SESSION) is None


async def test_a_text_of_the_server_is_not_shown(rig: Rig, there: Front) -> None:
    said = {"error_code": "bad code\x1b[31m", "msg": f"your password {PASSWORD} is wrong"}
    there.answer = lambda *_: (400, said)
    with pytest.raises(AppError) as caught:
        await rig.link.sign_in(there.url, PUBLISHABLE, EMAIL, PASSWORD)
    assert "\x1b" not in str(caught.value) and "wrong is" not in caught.value.detail


# -- renewing


async def test_many_questions_at_once_renew_it_once(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    link = rig.new_link()
    await link.restore()
    await asyncio.gather(*(link.look(60) for _ in range(20)))
    assert there.count("grant_type=refresh_token") == 1
    await link.close()


async def test_a_wrong_clock_renews_nothing(
    rig: Rig, there: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour fast: by the wall clock each token has ended already."""
    await rig.sign_in(there)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3_700)
    for _ in range(10):
        await rig.link.look(60)
    assert there.count("grant_type") == 1


async def test_tokens_of_no_length_are_not_asked_for_each_time(rig: Rig, there: Front) -> None:
    canned = Canned()
    canned.expires_in = -5
    there.answer = canned
    await rig.sign_in(there)
    for _ in range(10):
        await rig.link.look(60)
    assert there.count("grant_type") == 1


async def test_a_token_that_is_not_accepted_is_renewed_once(rig: Rig, there: Front) -> None:
    canned = Canned({"exai_status": (401, {"code": "PGRST303"})})
    there.answer = canned
    await rig.sign_in(there)
    assert await code_of(rig.link.look(60)) is E.SESSION_ENDED
    assert there.count("grant_type=refresh_token") == 1
    assert there.count("exai_status") == 2


def _always(said: tuple[int, object] | str, *_: object) -> tuple[int, object] | str:
    return said


async def test_offline_the_session_is_kept(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    kept = rig.store.get(MIRROR_SESSION)
    answers: list[tuple[int, object] | str] = ["cut", (503, {}), (403, "<html>of a proxy</html>")]
    for said in answers:
        link = rig.new_link()
        await link.restore()
        there.answer = partial(_always, said)
        assert await code_of(link.look(60)) in (E.PROJECT_UNREACHABLE, E.PROJECT_REFUSED)
        await link.close()
        assert rig.store.get(MIRROR_SESSION) == kept
    there.answer = Canned()
    link = rig.new_link()
    await link.restore()
    assert (await link.look(60)).schema == 1
    await link.close()


async def test_a_lost_answer_to_a_renewal_does_no_harm(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    link = rig.new_link()
    await link.restore()
    said: list[Any] = ["cut"]
    canned = Canned()
    there.answer = lambda *call: said.pop() if said else canned(*call)
    assert await code_of(link.look(60)) is E.PROJECT_UNREACHABLE
    assert (await link.look(60)).schema == 1
    await link.close()


async def test_only_the_project_ends_a_session(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    canned = Canned()
    canned.refusal = 400, {"error_code": "refresh_token_already_used"}
    there.answer = canned
    link = rig.new_link()
    await link.restore()
    assert await code_of(link.look(60)) is E.SESSION_ENDED
    # Still there: a user who signs in again finds everything.
    assert rig.store.get(MIRROR_SESSION) is not None
    await link.close()


async def test_another_users_tokens_are_not_taken(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    link = rig.new_link()
    await link.restore()
    there.answer = lambda *_: tokens(2, user="somebody-else")
    assert await code_of(link.look(60)) is E.SESSION_ENDED
    await link.close()


def _asked(there: Front) -> list[tuple[dict[str, str], str]]:
    return list(zip(there.headers, there.asked, strict=True))


async def test_nothing_is_asked_as_nobody(rig: Rig, there: Front) -> None:
    """Without a session nothing leaves; and who is answered as another is not sent to."""
    with pytest.raises(AppError, match="NOT_SIGNED_IN"):
        await rig.link.look(60)
    assert there.asked == []
    canned = Canned({"exai_status": (200, {"schema": 1, "user": None})})
    there.answer = canned
    await rig.sign_in(there)
    assert await code_of(rig.link.look(60)) is E.SESSION_ENDED
    assert all("authorization" in h for h, a in _asked(there) if "rpc" in a)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, {"code": "PGRST202"}), E.SCHEMA_MISSING),
        ((404, {"code": "42883"}), E.SCHEMA_MISSING),
        ((200, {"schema": None, "user": ME}), E.SCHEMA_MISSING),
        ((200, {"schema": 0, "user": ME}), E.SCHEMA_TOO_OLD),
        ((404, {"message": "nothing here"}), E.PROJECT_REFUSED),
    ],
)
async def test_a_project_without_our_tables(
    rig: Rig, there: Front, answer: tuple[int, object], code: ErrorCode
) -> None:
    await rig.sign_in(there)
    there.answer = Canned({"exai_status": answer})
    assert await code_of(rig.link.look(60)) is code


async def test_a_closed_door_is_told(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    assert (await rig.link.look(60)).open_sign_ups is False


async def test_signing_out_forgets_also_when_nobody_answers(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    there.answer = lambda *_: "cut"
    await rig.link.sign_out()
    assert rig.store.get(MIRROR_SESSION) is None
    assert await rig.new_link().restore() is None


async def test_a_copied_profile_has_no_session(rig: Rig, there: Front) -> None:
    """Its vault came along, the session in it is the other one's."""
    await rig.sign_in(there)
    assert SessionBook(rig.store, "the copy").load() is None
    assert rig.book.load() is not None


async def test_nothing_secret_is_logged(
    rig: Rig, there: Front, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await rig.sign_in(there)
        await rig.link.look(60)
    said = caplog.text
    assert not [s for s in (PASSWORD, "refresh-not-real", "access-not-real") if s in said]


async def test_an_answer_without_end_is_not_read(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    there.answer = Canned({"exai_status": (200, "x" * (5 * 1024 * 1024))})
    assert await code_of(rig.link.look(60)) is E.PROJECT_UNREACHABLE


def test_the_link_meets_its_protocol(rig: Rig) -> None:
    assert isinstance(rig.link, SupabaseLink)


async def test_a_name_that_is_not_found_while_others_are(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that was deleted, or is paused, has no name any more; offline nobody has one."""
    known: set[str] = set()

    def look_up(host: str | bytes, *_: object, **__: object) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name in known:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    gone = "https://gone.supabase.co"
    said = await code_of(rig.link.sign_in(gone, PUBLISHABLE, EMAIL, PASSWORD))
    assert said is E.PROJECT_UNREACHABLE
    known.add("supabase.com")
    said = await code_of(rig.link.sign_in(gone, PUBLISHABLE, EMAIL, PASSWORD))
    assert said is E.PROJECT_ASLEEP


async def test_a_store_that_is_locked_while_a_token_is_new(rig: Rig, there: Front) -> None:
    """It serves; but a second one is not asked for before the first one is stored."""
    await rig.sign_in(there)
    link = rig.new_link()
    await link.restore()
    working = rig.store.set

    def locked(name: str, value: str) -> None:
        raise AccountError(E.VAULT_LOCKED)

    rig.store.set = locked  # type: ignore[method-assign]
    assert (await link.look(60)).schema == 1
    there.answer = Canned({"exai_status": (401, {"code": "PGRST303"})})
    assert await code_of(link.look(60)) is E.VAULT_LOCKED
    assert there.count("grant_type=refresh_token") == 1
    rig.store.set = working  # type: ignore[method-assign]
    there.answer = Canned()
    assert (await link.look(60)).schema == 1
    assert "refresh-not-real-2" in (rig.store.get(MIRROR_SESSION) or "")
    await link.close()


async def test_a_project_that_never_takes_a_row_is_left(rig: Rig, there: Front) -> None:
    def answer(method: str, path: str, body: Any) -> tuple[int, object] | str | None:
        if path.endswith("exai_apply"):
            return 200, [{"id": each["id"], "status": "gone"} for each in body["p_ops"]]
        return canned(method, path, body)

    canned = Canned()
    there.answer = answer
    await rig.sign_in(there)
    await rig.desk.done(1)
    target = await rig.desk.outbox.active()
    assert target is not None
    assert await code_of(rig.link.sync(target, ACCOUNTS)) is E.PROJECT_REFUSED
    assert (await rig.desk.outbox.counts(target)).rows == 2


async def test_rows_of_another_user_are_not_sent(rig: Rig, there: Front) -> None:
    await rig.sign_in(there)
    await rig.desk.done(1)
    other = await rig.desk.outbox.sign_in(there.url, "somebody-else", ME, "p")
    assert await code_of(rig.link.sync(other, ACCOUNTS)) is E.NOT_SIGNED_IN
    assert there.count("exai_") == 0
