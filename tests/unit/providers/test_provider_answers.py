"""Whatever a server says becomes a file object or a TransferError, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exai_desktop.core.accounts.accounts import Balance
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.net.account_client import Answer
from exai_desktop.providers import glm, kimi
from exai_desktop.providers.files_api import file_of, files_of
from exai_desktop.providers.glm import GlmProvider
from exai_desktop.providers.kimi import KimiProvider, balance_of, extracted_text

E = ErrorCode
FORM: dict[str, Any] = {
    "id": "file_abc",
    "object": "file",
    "bytes": 12,
    "created_at": 1_790_000_000,
    "filename": "a.txt",
    "purpose": "agent",
}


def said(
    body: Any, status: int = 200, sent: Sent = Sent.ALL, headers: dict[str, str] | None = None
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers or {}, raw, sent)


def kimi_error(answer: Answer) -> TransferError:
    with pytest.raises(TransferError) as caught:
        file_of(KimiProvider.checked(answer), "p", kimi.STATUSES)
    return caught.value


def glm_error(answer: Answer) -> TransferError:
    with pytest.raises(TransferError) as caught:
        file_of(GlmProvider.checked(answer), "p", {})
    return caught.value


@pytest.mark.parametrize("kind", kimi.TYPES)
def test_every_kimi_type(kind: str) -> None:
    code = kimi.TYPES[kind]
    answer = said(
        {"error": {"type": kind, "message": "words"}}, 400, headers={"msh-request-id": "r1"}
    )
    error = kimi_error(answer)
    assert (error.code, error.request_id, error.status) == (code, "r1", 400)
    assert error.detail == "HTTP 400: words"


KIMI = {
    "text extract error: 没有解析出内容": E.NO_TEXT,
    "File size is zero, please confirm and re-upload the file": E.EMPTY_FILE,
    "File size is too large, max file size is 100MB, please confirm and re-upload the file": (
        E.FILE_TOO_LARGE
    ),
    "The number of files you have uploaded exceeded the max file count 1000, please delete": (
        E.PROVIDER_FILE_LIMIT
    ),
    "Invalid purpose: only 'file-extract' accepted": E.INVALID_PURPOSE,
    "Invalid request: missing required header kimi-api-version": E.PROVIDER_UNAVAILABLE,
    "Invalid request: unknown kimi-api-version 'x'": E.PROVIDER_REJECTED,
    "Invalid request: boundary": E.PROVIDER_REJECTED,
}


def test_a_full_account_says_so_in_its_documented_words() -> None:
    words = "The number of files you have uploaded exceeded the max file count 1000"
    body = {"error": {"type": "invalid_request_error", "message": words}}
    assert kimi_error(said(body, 400)).code is E.PROVIDER_FILE_LIMIT


@pytest.mark.parametrize("message", KIMI)
def test_the_documented_sentences_of_kimis_400(message: str) -> None:
    body = {"error": {"type": "invalid_request_error", "message": message}}
    assert kimi_error(said(body, 400)).code is KIMI[message]
    # The same words under another type decide nothing.
    other = {"error": {"type": "content_filter", "message": message}}
    assert kimi_error(said(other, 400)).code is E.CONTENT_REFUSED


def test_billing_hides_in_kimis_429() -> None:
    quota = kimi_error(said({"error": {"type": "exceeded_current_quota_error"}}, 429))
    assert (quota.outcome, quota.retry_after, quota.is_answer) == (Outcome.QUOTA, None, True)
    rate = {"error": {"type": "rate_limit_reached_error"}}
    rate["error"]["message"] = "max RPM: 3, please try again after 20 seconds"
    assert kimi_error(said(rate, 429)).retry_after == 20
    assert kimi_error(said(rate, 429, headers={"retry-after": "600"})).retry_after == 600


@pytest.mark.parametrize("code", sorted(glm.CODES))
def test_every_glm_code_in_every_form(code: str) -> None:
    for body in (
        {"error": {"code": code, "message": "words"}},
        {"error": {"code": int(code), "message": "words"}},
        {"code": int(code), "message": "words"},
        {"code": code, "msg": "words", "success": False},
        {"error": {"message": f"[{code}][words]"}},
        {"error": f"[{code}] words"},
    ):
        assert glm_error(said(body, 400)).code is glm.CODES[code], body


GLM: list[tuple[Any, int, ErrorCode]] = [
    ({"error": {"code": "1113", "message": "arrears"}}, 429, E.BALANCE_EXHAUSTED),
    ({"error": {"code": "1302", "message": "slow"}}, 429, E.RATE_LIMITED),
    ({"code": 500, "msg": "404 NOT_FOUND", "success": False}, 200, E.PROVIDER_UNAVAILABLE),
    ({"code": 1113, "msg": "arrears", "success": False}, 200, E.BALANCE_EXHAUSTED),
    ({"code": 77, "msg": "?", "success": False}, 200, E.INVALID_ANSWER),
    ({"error": "Not Found", "status": 404}, 404, E.REMOTE_NOT_FOUND),
    ({"error": "some words"}, 400, E.PROVIDER_REJECTED),
    ({"error": {"code": "9999", "message": "new"}}, 429, E.RATE_LIMITED),
    ({"error": {"code": "9999", "message": "new"}}, 200, E.INVALID_ANSWER),
    (b"<html>", 434, E.PERMISSION_DENIED),
    (b"<html>", 435, E.FILE_TOO_LARGE),
    (b"<html>", 400, E.INVALID_ANSWER),
    (b"<html>", 200, E.INVALID_ANSWER),
    ({}, 200, E.INVALID_ANSWER),
    ({}, 204, E.INVALID_ANSWER),
]


@pytest.mark.parametrize(("body", "status", "code"), GLM)
def test_glm_forms(body: Any, status: int, code: ErrorCode) -> None:
    assert glm_error(said(body, status)).code is code


def test_a_used_up_window_waits_long() -> None:
    assert glm_error(said({"error": {"code": "1308"}}, 429)).retry_after == 3600
    assert glm_error(said({"error": {"code": "1302"}}, 429)).retry_after is None


@pytest.mark.parametrize("judge", [kimi_error, glm_error])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_5xx_is_never_definite(judge: Any, status: int) -> None:
    for body in (b"<html>", {"error": {"type": "server_error", "code": "1113"}}):
        error = judge(said(body, status))
        assert (error.code, error.is_answer, error.sent) == (
            E.PROVIDER_UNAVAILABLE,
            False,
            Sent.ALL,
        )


@pytest.mark.parametrize("judge", [kimi_error, glm_error])
def test_a_gateway_is_believed_while_the_body_is_incomplete(judge: Any) -> None:
    for status, code in ((401, E.AUTH_FAILED), (413, E.FILE_TOO_LARGE), (429, E.RATE_LIMITED)):
        assert judge(said(b"<html>", status, Sent.SOME)).code is code
        assert judge(said(b"<html>", status, Sent.SOME)).is_answer
        assert judge(said(b"<html>", status, Sent.ALL)).code is E.INVALID_ANSWER
    assert judge(said(b"", 408, Sent.SOME)).code is E.UPLOAD_CUT
    assert judge(said(b"", 409, Sent.SOME)).code is E.ANSWER_LOST
    assert judge(said(b"", 408, Sent.ALL)).code is E.ANSWER_LOST
    assert judge(said(b"", 408, Sent.NOTHING)).code is E.TIMEOUT


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({}, True),
        ({"created_at": 1_790_000_000_123}, True),
        ({"created_at": 1_790_000_000.5}, True),
        ({"filename": None, "purpose": None, "status": None}, True),
        ({"extra": [1], "status_details": {"a": 1}}, True),
        ({"expires_at": 1_790_000_000_000}, True),
        ({"bytes": 0}, True),
        ({"bytes": -1}, False),
        ({"bytes": "12"}, False),
        ({"bytes": 1.5}, False),
        ({"bytes": True}, False),
        ({"bytes": 2**60}, False),
        ({"bytes": None}, False),
        ({"id": ""}, False),
        ({"id": "a/b"}, False),
        ({"id": ".."}, False),
        ({"id": "x\n"}, False),
        ({"id": "x" * 129}, False),
        ({"id": 12}, False),
        ({"created_at": "2026"}, False),
        ({"created_at": -1}, False),
        ({"created_at": 10**400}, False),
        ({"created_at": True}, False),
        ({"filename": 3}, False),
    ],
)
def test_file_objects_are_read_strictly(changes: dict[str, Any], fine: bool) -> None:
    answer = said(FORM | changes)
    if fine:
        file = file_of(answer, "agent", {})
        assert file.created_at // 1 == 1_790_000_000
        assert file.status is RemoteStatus.READY
        assert file.purpose == "agent"
        assert files_of(said({"data": [FORM | changes]}), "agent", {}) == [file]
        return
    with pytest.raises(TransferError, match="INVALID_ANSWER"):
        file_of(answer, "agent", {})
    with pytest.raises(TransferError, match="INVALID_ANSWER"):
        files_of(said({"data": [FORM, FORM | changes]}), "agent", {})


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ok", RemoteStatus.READY),
        ("Ready", RemoteStatus.READY),
        ("processed", RemoteStatus.READY),
        ("error", RemoteStatus.ERROR),
        ("failed", RemoteStatus.ERROR),
        ("created", RemoteStatus.PENDING),
        ("anything", RemoteStatus.PENDING),
        ("", RemoteStatus.READY),
    ],
)
def test_kimis_status_words(word: str, status: RemoteStatus) -> None:
    assert file_of(said(FORM | {"status": word}), "p", kimi.STATUSES).status is status


def test_names_from_a_server_are_plain() -> None:
    file = file_of(said(FORM | {"filename": "a\u202e\x00\nb.txt"}), "p", {})
    assert file.name == "a   b.txt"


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5_000],
)
def test_broken_json_is_no_object(raw: bytes) -> None:
    assert said(raw).json_object() is None
    assert kimi_error(said(raw)).code is E.INVALID_ANSWER
    assert glm_error(said(raw)).code is E.INVALID_ANSWER


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain text", "plain text"),
        (b'{"content": "inner", "filename": "a"}', "inner"),
        (b'{"content": "mine"}', '{"content": "mine"}'),
        (b'{"content": 3, "type": "file"}', '{"content": 3, "type": "file"}'),
        (b"[1]", "[1]"),
        (b"\xff", "\ufffd"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_content_with_and_without_a_wrapping(raw: bytes, text: str) -> None:
    assert extracted_text(said(raw)) == text


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
words = st.sampled_from([*kimi.TYPES, *glm.CODES, "text extract error", "[1302]", "0", "²"])
keys = st.sampled_from([*FORM, "error", "code", "type", "message", "msg", "success", "data"])
values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    body=st.binary(max_size=60)
    | st.dictionaries(keys, values, max_size=8).map(lambda form: json.dumps(form).encode()),
    status=st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 408, 413, 429, 434, 435, 500]),
    sent=st.sampled_from(list(Sent)),
    wait=st.text(max_size=10),
)
def test_nothing_uncaught(body: bytes, status: int, sent: Sent, wait: str) -> None:
    answer = Answer(status, {"retry-after": wait, "x-log-id": wait}, body, sent)
    for read in (
        lambda: file_of(KimiProvider.checked(answer), "p", kimi.STATUSES),
        lambda: file_of(GlmProvider.checked(answer), "p", {}),
        lambda: files_of(KimiProvider.checked(answer), "p", kimi.STATUSES),
        lambda: files_of(GlmProvider.checked(answer), "p", {}),
    ):
        result = _outcome(read)
        if isinstance(result, TransferError):
            assert (result.sent, result.status) == (sent, status)
            assert status < 500 or not result.is_answer
        else:
            assert 200 <= status < 300
            assert isinstance(result, RemoteFile | list)
    extracted_text(answer)
    KimiProvider.is_not_found(answer)
    GlmProvider.is_not_found(answer)


def _outcome(read: Any) -> Any:
    try:
        return read()
    except TransferError as error:
        return error


@pytest.mark.parametrize("before", range(440, 500, 7))
def test_what_a_server_echoes_is_redacted_before_it_is_cut(before: int) -> None:
    key = "sk-echoed0123456789echoed0123456789"
    body = {"error": {"type": "invalid_request_error", "message": "x" * before + " " + key}}
    error = kimi_error(said(body, 400, headers={"msh-request-id": f"r {key}"}))
    assert "echoed" not in f"{error.detail} {error.request_id}"
    spoilt = {**FORM, "status": "error", "status_details": "y" * before + " " + key}
    assert "echoed" not in file_of(said(spoilt), "p", kimi.STATUSES).status_text


def _balance(data: Any, **more: Any) -> dict[str, Any]:
    return {"code": 0, "data": data, "scode": "0x0", "status": True} | more


def test_a_balance_may_be_below_zero() -> None:
    form = {"available_balance": 49, "voucher_balance": 9.5, "cash_balance": 39.5}
    assert balance_of(said(_balance(form)), "intl") == Balance(49.0, "USD")
    assert str(balance_of(said(_balance({"available_balance": -0.12})), "cn")) == "-0.12 CNY"


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        [],
        {},
        _balance(None),
        _balance({}),
        _balance({"available_balance": "49.5"}),
        _balance({"available_balance": True}),
        _balance({"available_balance": 10**400}),
        _balance({"available_balance": 1}, status=False),
        _balance([1]),
    ],
)
def test_no_balance_is_made_up(body: Any) -> None:
    with pytest.raises(TransferError) as caught:
        balance_of(said(body), "intl")
    assert caught.value.code is E.INVALID_ANSWER
