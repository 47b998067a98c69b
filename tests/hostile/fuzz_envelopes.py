"""Broken answers of providers: a file object comes out, or a TransferError, and nothing else."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.net.account_client import MAX_RETRY_AFTER_S, Answer
from exai_desktop.providers import glm, kimi
from exai_desktop.providers.files_api import file_of, files_of
from exai_desktop.providers.glm import GlmProvider
from exai_desktop.providers.kimi import KimiProvider, extracted_text

from . import mutation

_STATUSES = (200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 413, 418, 429, 434, 435, 499, 500)
_SENT = tuple(Sent)
_FILE: dict[str, Any] = {
    "id": "file_abc",
    "object": "file",
    "bytes": 12,
    "created_at": 1_790_000_000,
    "filename": "a.txt",
    "purpose": "agent",
    "status": "processed",
    "status_details": "",
    "expires_at": None,
}
_WORDS = tuple(
    word.encode()
    for word in (
        *("null", "true", "false", "[]", "{}", "NaN", "Infinity", "-1", "0", "1e999", "9" * 5000),
        *('"id":', '"bytes":', '"created_at":', '"error":', '"code":', '"msg":', '"message":'),
        *('"type":', '"data":', '"has_more":', '"success":', '"content":', '"status":', "[1302]"),
        *('"..\\/x"', '"\\ud800"', '"\\u0000"', '"\\u202e"', "[" * 2000, '{"a":' * 500, "\ufeff"),
        *("try again after 999999 seconds", "\0", "\x1b[2J", "<html>", '"1113"', "1113", "2.5"),
    )
)


def starts() -> list[bytes]:
    """Each form the two providers are known to answer in; the first bytes choose the status."""
    kinds = [{"error": {"type": kind, "message": "words"}} for kind in kimi.TYPES]
    said = [
        {"error": {"type": "invalid_request_error", "message": words}}
        for words, _ in kimi.SENTENCES
    ]
    codes = [{"error": {"code": code, "message": "words"}} for code in glm.CODES]
    others: list[Any] = [
        *(_FILE, {"data": [_FILE, _FILE], "has_more": False}, {"data": []}, [], "text", 5, None),
        {"error": "text"},
        {"code": 1113, "message": "words"},
        {"code": 500, "msg": "[1302] words", "success": False},
        {"content": "text", "filename": "a", "type": "file"},
        {"error": {"type": "rate_limit_reached_error", "message": "try again after 5 seconds"}},
    ]
    bodies = [json.dumps(form).encode() for form in (*kinds, *said, *codes, *others)]
    bodies += [b"<html><h1>502</h1></html>", b""]
    return [
        bytes([number % 256, number * 7 % 256, number * 3 % 256]) + body
        for number, body in enumerate(bodies * 3)
    ]


def check(data: bytes) -> None:
    """Three bytes choose status, how much had left and the headers; the rest is the body."""
    status, sent, header = (*data[:3], 0, 0, 0)[:3]
    headers = {"retry-after": data[3:40].decode("latin-1")} if header & 1 else {}
    if header & 2:
        headers["msh-request-id"] = data[-40:].decode("latin-1")
    number = _STATUSES[status % len(_STATUSES)]
    answer = Answer(number, headers, data[3:], _SENT[sent % len(_SENT)])
    for read in _readings(answer):
        try:
            files = read()
        except TransferError as error:
            _judge(error, answer)
            continue
        assert answer.is_success, "a failure passed for a success"
        assert all(file.bytes >= 0 and file.id not in ("", ".", "..") for file in files)
    for is_not_found in (KimiProvider.is_not_found, GlmProvider.is_not_found):
        assert not is_not_found(answer) or number == 404
    extracted_text(answer)


def _readings(answer: Answer) -> Iterator[Callable[[], list[RemoteFile]]]:
    yield lambda: [file_of(KimiProvider.checked(answer), "p", kimi.STATUSES)]
    yield lambda: files_of(KimiProvider.checked(answer), "p", kimi.STATUSES)
    yield lambda: [file_of(GlmProvider.checked(answer), "p", {})]
    yield lambda: files_of(GlmProvider.checked(answer), "p", {})


def _judge(error: TransferError, answer: Answer) -> None:
    assert (error.status, error.sent) == (answer.status, answer.sent)
    wait = error.retry_after
    assert wait is None or 0.0 <= wait <= max(MAX_RETRY_AFTER_S, 999_999), wait
    for text in (error.detail, error.request_id or ""):
        assert len(text) <= 1_000
        assert not set(text) & set("\0\x1b\u202e\n")
    with contextlib.suppress(UnicodeEncodeError):
        str(error).encode()


def run(seconds: float, number: int) -> int:
    return mutation.run(check, starts(), _WORDS, seconds, number)
