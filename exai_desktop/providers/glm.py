"""Zhipu's GLM, both hosts: Z.ai and BigModel. Each file belongs to one purpose.

Sources: docs.z.ai and docs.bigmodel.cn (files, api-code), checked 2026-09-30.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, ClassVar, Final

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.files_api import FilesApiProvider, Refusal, code_for, id_in_path
from exai_desktop.providers.tiers.sdk import ZaiTier
from exai_desktop.providers.tiers.tier import Tier

E = ErrorCode

# The quota of some hours or a day is used up. Only the text, in two languages, says until when.
_QUOTA_USED_UP: Final = frozenset(
    {"1304", "1308", "1310", "1316", "1317", "1318", "1319", "1320", "1321"}
)
# By `error.code`: all codes that the file service or its gateway may send.
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
    **dict.fromkeys(_QUOTA_USED_UP, E.RATE_LIMITED),
    **dict.fromkeys(("1309", "1311", "1313", "1314", "1315"), E.PERMISSION_DENIED),
    "435": E.FILE_TOO_LARGE,
}
_QUOTA_WAIT_S: Final = 3600.0
_CODE_BEFORE_TEXT: Final = re.compile(r"\[([0-9]{3,4})\]")
# HTTP statuses that only this provider uses.
_OWN_STATUSES: Final = {434: E.PERMISSION_DENIED, 435: E.FILE_TOO_LARGE}

_PAGE_SIZE: Final = 100
# 1,000 files per purpose is the documented limit.
_MAX_PAGES: Final = 200


class GlmProvider(FilesApiProvider):
    """An account at Z.ai or BigModel."""

    # Without it, BigModel writes its refusals in Chinese.
    headers: ClassVar = {"Accept-Language": "en-US,en"}

    def _own_tiers(self, key: str, readers: Executor) -> Mapping[str, Callable[[], Tier]]:
        return {"native": lambda: ZaiTier(self._client, key, readers)}

    async def _list(self, purpose: str) -> Sequence[RemoteFile]:
        """GET /files, page by page. Without a purpose the answer is empty."""
        params: dict[str, str | int] = {"limit": _PAGE_SIZE, "order": "created_at"}
        return await self._list_pages(purpose, params, _MAX_PAGES)

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        """By the list: there is no GET by id."""
        files = await self.list(purpose)
        return next((file for file in files if file.id == file_id), None)

    async def content(self, file_id: str) -> str:
        """GET /files/{id}/content: the lines of the file itself, and only of a `batch` file."""
        purposes = {p.name for p in self._table.purposes_in(self._account.region)}
        if "batch" not in purposes or await self.find(id_in_path(file_id), "batch") is None:
            raise TransferError(E.NOT_SUPPORTED, "GLM returns the content of batch files only")
        return await super().content(file_id)

    @classmethod
    def is_not_found(cls, answer: Answer) -> bool:
        """A 404 with a code of the file service."""
        body = answer.json_object() or {}
        return answer.status == 404 and _code_of(body.get("error"), "") != ""

    @classmethod
    def refusal(cls, answer: Answer) -> Refusal | None:
        """The refusal in any of the forms seen; it may come with HTTP 200.

        `{"error": {"code", "message"}}`, `{"error": "text"}`, `{"code", "message"}`, and with
        HTTP 200 `{"code", "msg", "success": false}`.
        """
        body = answer.json_object() or {}
        is_file_or_list = "id" in body or "data" in body
        if answer.is_success and is_file_or_list and body.get("success") is not False:
            return None
        error = body.get("error")
        source: dict[str, Any] = error if isinstance(error, dict) else body
        message = error if isinstance(error, str) else _message_of(source)
        code = _code_of(source, message)
        if code in CODES:
            wait_s = _QUOTA_WAIT_S if code in _QUOTA_USED_UP else None
            return Refusal(CODES[code], message, wait_s)
        if answer.status in _OWN_STATUSES:
            return Refusal(_OWN_STATUSES[answer.status], message)
        if not code and not error and body.get("success") is not False:
            return None
        # With HTTP 200, an unknown code says neither that the file is stored nor that it is not.
        return Refusal(E.INVALID_ANSWER if answer.is_success else code_for(answer.status), message)


def _message_of(source: dict[str, Any]) -> str:
    texts = (source.get(name) for name in ("message", "msg"))
    return next((text for text in texts if isinstance(text, str)), "")


def _code_of(source: Any, message: str) -> str:
    """The code: a number, a number as text, or `[1302]` before the message; "" when none."""
    code = source.get("code") if isinstance(source, dict) else None
    if isinstance(code, int) and not isinstance(code, bool):
        return str(code)
    if isinstance(code, str) and code.isascii() and code.isdecimal():
        return code
    prefix = _CODE_BEFORE_TEXT.match(message)
    return prefix[1] if prefix else ""
