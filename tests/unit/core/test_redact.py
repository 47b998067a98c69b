"""No secret passes, in whatever form it is written."""

from __future__ import annotations

import html
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact, register
from exai_desktop.core.errors.tree import AppError

SECRET = "q7Zk29LmNv"
HEX = "0123456789abcdef0123456789abcdef"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlX29m"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization=Basic {SECRET} and more {SECRET}",
        f"Headers({{'authorization': 'Bearer {SECRET}', 'accept': 'x'}})",
        f"[(b'Authorization', b'Bearer {SECRET}')]",
        f'{{"Proxy-Authorization": "Digest {SECRET}"}}',
        f"sent bearer {SECRET}",
        f"key sk-{SECRET} was refused",
        f"SK-{SECRET}",
        f"glm key {HEX}.{SECRET}AB",
        f"token {JWT}",
        f"msh-org-id: org-{SECRET}",
        f"Msh-Project-Id=proj-{SECRET}",
        f"[(b'msh-uid', b'{SECRET}'), (b'msh-gid', b'{SECRET}')]",
        f"{{'msh-gid': '{SECRET}'}}",
        f"https://host/file?X-Amz-Signature={SECRET}&part=1",
        f"https://host/file?part=1&access_token={SECRET}",
        f"https://host/cb#id_token={SECRET}",
        f"https://host/f?q-sign-algorithm={SECRET}&sig={SECRET}&OSSAccessKeyId={SECRET}",
        f"GET https://me:{SECRET}@host/path",
        f"socks5://{SECRET}@10.0.0.1:1080",
        f'{{"api_key": "{SECRET}"}}',
        f"api-key={SECRET}",
        f"password: {SECRET}",
        f"refresh_token='{SECRET}'",
        f"Cookie: session={SECRET}",
        f"sb_secret_{SECRET}",
        f"GET /v1/files?x=Bearer%20sk-{SECRET}",
        f"https://host/v1/sk-{SECRET}/files",
        f"key AKIA{SECRET}ABCD, LTAI{SECRET}abcd",
        f"ghp_{SECRET}abcdefgh github_pat_{SECRET}abcdefgh xoxb-{SECRET}abcdefgh",
        f"AIza{SECRET}abcdefghijk",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f'{{"token": "{SECRET}"}}',
        f"session_id={SECRET}; upload_token: {SECRET}; secret='{SECRET}'",
    ],
)
def test_known_forms(text: str) -> None:
    cleaned = redact(text)
    assert SECRET not in cleaned
    assert "***" in cleaned
    assert redact(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET https://api.moonshot.ai/v1/files?purpose=file-extract 200",
        "the file report.2024.final.pdf is sent as file-abc123",
        "sha256 " + "ab" * 32,
        f"{HEX}.pdf was hashed",
        "Authorization failed; check the key and the region",
        "wrote exai_desktop.storage.database at 10:15:00, 3 tasks left",
        "me@example.org wrote",
        "invalid token: unexpected end of file, secret: none, signature: missing",
        "the task-force-report.pdf waits; token 5 of 7",
        "job 5: sending → confirming (http, 20 MB/s)",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_live_secrets_never_pass_in_any_form() -> None:
    secret = 'od"d\\key/+=%&7781'
    register(secret)
    for form in (
        secret,
        html.escape(secret),
        json.dumps(secret),
        quote(secret, safe=""),
        repr(secret),
    ):
        assert "7781" not in redact(f"before {form} after")


def test_a_secret_that_begins_another() -> None:
    register("prefix-one")
    register("prefix-one-and-more")
    assert redact("prefix-one-and-more prefix-one") == "*** ***"


def test_what_is_too_short_is_no_secret() -> None:
    register("a")
    register("")
    assert redact("a cat") == "a cat"


@given(st.text())
def test_twice_is_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "?",
        "?token",
        "&a",
        "eyJ",
        "sk-",
        "0a",
        "a:",
        "://",
        "msh-",
        "msh-org",
        "authorization ",
        "key,",
        "token: a",
        "a-token=",
        "-----begin private key-----",
        "ghp_",
    ],
)
def test_hostile_text_does_not_take_long(piece: str) -> None:
    start = time.thread_time()
    redact(piece * 20_000)
    assert time.thread_time() - start < 2


def test_no_error_holds_a_secret_whoever_made_it() -> None:
    error = AppError(ErrorCode.PROVIDER_REJECTED, f"HTTP 400: you sent Bearer {SECRET}")
    assert error.detail == "HTTP 400: you sent Bearer ***"
    assert SECRET not in f"{error} {error!r} {error.args}"
