"""Zhipu's GLM, both hosts: the purpose-bound file store of Z.ai and of BigModel.

Sources: docs.z.ai and docs.bigmodel.cn (files, api-code), checked 2026-09-30.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.answers import (
    Refusal,
    code_for,
    failure,
    file_of,
    files_of,
    id_in_path,
    invalid,
    purpose_in,
)
from exai_desktop.providers.tiered import TieredProvider
from exai_desktop.providers.tiers.tier import Question, Tier
from exai_desktop.providers.tiers.zai_sdk import ZaiTier

E = ErrorCode

# A window or a day is used up; the end of it stands in the text only, in two languages.
_USED_UP: Final = frozenset(
    {"1304", "1308", "1310", "1316", "1317", "1318", "1319", "1320", "1321"}
)
# `error.code`, all that the file service or its gateway may say.
CODES: Final[dict[str, ErrorCode]] = {
    **dict.fromkeys(("1000", "1001", "1002", "1003", "1004", "1100"), E.AUTH_FAILED),
    **dict.fromkeys(("1110", "1111", "1112", "1121"), E.ACCOUNT_LOCKED),
    "1113": E.BALANCE_EXHAUSTED,  # arrives as a 429
    **dict.fromkeys(("500", "1120", "1200", "1230", "1234"), E.PROVIDER_UNAVAILABLE),
    **dict.fromkeys(("1210", "1211", "1212", "1213", "1214", "1215"), E.PROVIDER_REJECTED),
    **dict.fromkeys(("1220", "1221", "1222", "434"), E.PERMISSION_DENIED),
    "1231": E.ANSWER_LOST,  # the same request is already running
    "1261": E.PROVIDER_REJECTED,
    **dict.fromkeys(("1300", "1301"), E.CONTENT_REFUSED),
    **dict.fromkeys(("1302", "1303", "1305", "1312"), E.RATE_LIMITED),
    **dict.fromkeys(_USED_UP, E.RATE_LIMITED),
    **dict.fromkeys(("1309", "1311", "1313", "1314", "1315"), E.PERMISSION_DENIED),
    "435": E.FILE_TOO_LARGE,
}
_USED_UP_WAIT_S: Final = 3600.0
_PREFIXED: Final = re.compile(r"\[([0-9]{3,4})\]")
# Statuses nobody but this provider uses.
_OWN_STATUSES: Final = {434: E.PERMISSION_DENIED, 435: E.FILE_TOO_LARGE}

_PAGE: Final = 100
# 1,000 files a purpose is the documented most.
_MOST_PAGES: Final = 200


class GlmProvider(TieredProvider):
    """An account at Z.ai or BigModel: `core.machine.FileProvider`."""

    def _headers(self) -> Mapping[str, str]:
        """Without it BigModel words its refusals in Chinese."""
        return {"Accept-Language": "en-US,en"}

    def _own_tiers(self, key: str, readers: ThreadPoolExecutor) -> Mapping[str, Callable[[], Tier]]:
        return {"native": lambda: ZaiTier(self._client, key, readers)}

    async def upload(self, upload: Upload) -> RemoteFile:
        """POST /files. The answer's size is passed on as it is: the engine compares."""
        purpose = purpose_in(self._table, self._account.region, upload.purpose)
        answer = _checked(await self._tiers.upload(upload, purpose))
        return file_of(answer, purpose, {})

    async def list(self, purpose: str) -> Sequence[RemoteFile]:
        """GET /files of one purpose; without one the answer is empty."""
        name = purpose_in(self._table, self._account.region, purpose)
        found: dict[str, RemoteFile] = {}
        params: dict[str, str | int] = {"purpose": name, "limit": _PAGE, "order": "created_at"}
        for _ in range(_MOST_PAGES):
            answer = _checked(await self._tiers.ask(Question("list", params=params)))
            page = files_of(answer, name, {})
            known = len(found)
            found |= {file.id: file for file in page}
            if not (answer.json_object() or {}).get("has_more"):
                return sorted(found.values(), key=lambda file: file.created_at)
            if len(found) == known:
                raise invalid(answer, "the list goes on without anything new")
            params["after"] = page[-1].id
        raise invalid(answer, "the list does not end")

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        """Through the list: there is no GET by id."""
        files = await self.list(purpose)
        return next((file for file in files if file.id == file_id), None)

    async def delete(self, file_id: str) -> None:
        """DELETE /files/{id}."""
        answer = await self._tiers.ask(Question("delete", id_in_path(file_id)))
        if not _is_not_found(answer):
            _checked(answer)

    async def content(self, file_id: str) -> str:
        """GET /files/{id}/content: the file's own lines, and for `batch` files only."""
        purposes = {p.name for p in self._table.purposes_in(self._account.region)}
        if "batch" not in purposes or await self.find(id_in_path(file_id), "batch") is None:
            raise TransferError(E.NOT_SUPPORTED, "GLM gives back batch files only")
        answer = await self._tiers.ask(Question("content", id_in_path(file_id)))
        if not answer.is_success:
            raise failure(answer, _refusal(answer))
        return answer.body.decode("utf-8", "replace")


def _checked(answer: Answer) -> Answer:
    """The answer when it is a success: HTTP 200 alone is not, a refusal can hide in it."""
    refusal = _refusal(answer)
    if not answer.is_success or refusal is not None:
        raise failure(answer, refusal)
    return answer


def _is_not_found(answer: Answer) -> bool:
    """With a code of the file service: the gateway says 404 for a wrong address too."""
    form = answer.json_object() or {}
    return answer.status == 404 and _code_of(form.get("error"), "") != ""


def _refusal(answer: Answer) -> Refusal | None:
    """The refusal in any of the forms seen, or None when the body is something else.

    `{"error": {"code", "message"}}`, `{"error": "text"}`, `{"code", "message"}`, and in HTTP 200
    `{"code", "msg", "success": false}`.
    """
    form = answer.json_object() or {}
    if answer.is_success and ("id" in form or "data" in form) and form.get("success") is not False:
        return None
    error = form.get("error")
    source: dict[str, Any] = error if isinstance(error, dict) else form
    message = error if isinstance(error, str) else _message_of(source)
    code = _code_of(source, message)
    if code in CODES:
        return Refusal(CODES[code], message, _USED_UP_WAIT_S if code in _USED_UP else None)
    if answer.status in _OWN_STATUSES:
        return Refusal(_OWN_STATUSES[answer.status], message)
    if not code and not error and form.get("success") is not False:
        return None
    # In HTTP 200 an unknown word says neither stored nor refused.
    return Refusal(E.INVALID_ANSWER if answer.is_success else code_for(answer.status), message)


def _message_of(source: dict[str, Any]) -> str:
    said = (source.get(name) for name in ("message", "msg"))
    return next((text for text in said if isinstance(text, str)), "")


def _code_of(source: Any, message: str) -> str:
    """The numeric code, given as text, as a number, or as `[1302]` before the message."""
    code = source.get("code") if isinstance(source, dict) else None
    if isinstance(code, int) and not isinstance(code, bool):
        return str(code)
    if isinstance(code, str) and code.isascii() and code.isdecimal():
        return code
    prefixed = _PREFIXED.match(message)
    return prefixed[1] if prefixed else ""
