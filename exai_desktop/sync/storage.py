"""Storage of the user's project over HTTP: resumable uploads (TUS), one object for each content."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.mirror.storage_copies import BUCKET, CopyRoom, PiecePace, RoomEnd
from exai_desktop.net.account_client import Answer
from exai_desktop.net.project_client import ANSWER_S, ProjectClient, value_of
from exai_desktop.sync.project import Project
from exai_desktop.sync.session import Session, code_of, unavailable

_UPLOADS: Final = "/storage/v1/upload/resumable"
_OBJECT: Final = f"/storage/v1/object/{BUCKET}"
_READ: Final = f"/storage/v1/object/authenticated/{BUCKET}"
_TUS: Final = {"Tus-Resumable": "1.0.0"}
# The last part of the address it gives; what stands before it may be a proxy's inside.
_NUMBER: Final = re.compile(r"[A-Za-z0-9_=.-]{1,1000}")
# The address of an upload lives for a day.
_GONE: Final = frozenset({404, 410})


class Storage:
    """Meets `core.mirror.storage_copies.ContentStorage` for one session."""

    def __init__(self, client: ProjectClient, session: Session) -> None:
        self._client = client
        self._session = session
        self._project = Project(client, session)

    async def reserve(self, number: str, size: int) -> CopyRoom:
        return await self._project.reserve_copy(number, size)

    async def settle(self, number: str, to: RoomEnd) -> str | None:
        return await self._project.settle_copy(number, to.value)

    async def size_of(self, key: str) -> int | None:
        answer = await self._ask("HEAD", f"{_READ}/{key}")
        # It has no body: with 400 the real service says that the object is not there.
        if answer.status in (400, *_GONE):
            return None
        if not answer.is_success:
            raise _refusal(answer)
        return _number(answer, "content-length")

    async def create(self, key: str, size: int, mime: str) -> str:
        metadata = {
            "bucketName": BUCKET,
            "objectName": key,
            "contentType": mime,
            "cacheControl": "3600",
        }
        pairs = [f"{name} {_base64(value)}" for name, value in metadata.items()]
        headers = {
            **_TUS,
            "Upload-Length": str(size),
            "Upload-Metadata": ",".join(pairs),
            "x-upsert": "false",
        }
        answer = await self._ask("POST", _UPLOADS, headers)
        status = _status(answer)
        if status == 409:
            return ""
        if status == 413:
            raise await self._too_large(size, answer)
        if answer.status != 201:
            raise _refusal(answer)
        number = answer.headers.get("location", "").rpartition("/")[2]
        if not _NUMBER.fullmatch(number):
            raise EngineError(ErrorCode.PROJECT_UNREACHABLE, "its answer names no upload")
        return number

    async def _too_large(self, size: int, answer: Answer) -> EngineError:
        """With the limit, where the project tells it."""
        limit = _number(answer, "tus-max-size")
        if limit is None:
            with suppress(AppError):
                limit = _number(await self._ask("OPTIONS", _UPLOADS, _TUS), "tus-max-size")
        most = f", the project takes at most {limit:,}" if limit else ""
        return EngineError(ErrorCode.COPY_TOO_LARGE, f"the file has {size:,} bytes{most}")

    async def offset(self, upload: str) -> int | None:
        answer = await self._ask("HEAD", f"{_UPLOADS}/{upload}", _TUS)
        if answer.status in _GONE:
            return None
        if not answer.is_success:
            raise _refusal(answer)
        found = _number(answer, "upload-offset")
        if found is None:
            raise _not_valid()
        return found

    async def send(self, upload: str, offset: int, piece: bytes, pace: PiecePace) -> int | None:
        headers = {
            **_TUS,
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(len(piece)),
            "Upload-Offset": str(offset),
        }
        answer = await self._ask(
            "PATCH",
            f"{_UPLOADS}/{upload}",
            headers,
            lambda: pace.blocks(piece),
            within_s=None,
        )
        status = _status(answer)
        # 409: it has another number of bytes than we thought.
        if status == 409 or status in _GONE:
            return None
        if status == 423:
            raise EngineError(ErrorCode.PROJECT_UNREACHABLE, "it is still busy with this upload")
        if status == 413:
            raise await self._too_large(offset + len(piece), answer)
        if not answer.is_success:
            raise _refusal(answer)
        found = _number(answer, "upload-offset")
        if found is None or found > offset + len(piece):
            raise _not_valid()
        return found

    async def abandon(self, upload: str) -> None:
        with suppress(AppError):  # it is forgotten there within a day
            await self._ask("DELETE", f"{_UPLOADS}/{upload}", _TUS)

    async def delete(self, key: str) -> None:
        answer = await self._ask("DELETE", f"{_OBJECT}/{key}")
        if not answer.is_success and _status(answer) not in _GONE:
            raise _refusal(answer)

    async def content(self, key: str) -> AsyncIterator[bytes]:
        token = await self._session.token()
        for is_last in (False, True):
            answer: Answer | None = None
            async for piece in self._client.download(f"{_READ}/{key}", token=token):
                if isinstance(piece, Answer):
                    answer = piece
                else:
                    yield piece
            if answer is None:
                return
            if is_last or not _is_of_nobody(answer):
                break
            token = await self._session.token(refused=token)
        assert answer is not None
        if _status(answer) in _GONE:
            raise EngineError(ErrorCode.NO_COPY)
        raise _refusal(answer)

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: Callable[[], AsyncIterator[bytes]] | None = None,
        *,
        within_s: float | None = ANSWER_S,
    ) -> Answer:
        """Always as the user. A token that has ended looks like a refusal here: once more then."""
        token = await self._session.token()
        for is_last in (False, True):
            answer = await self._client.exchange(
                method,
                path,
                headers=headers or {},
                content=None if content is None else content(),
                token=token,
                within_s=within_s,
            )
            if is_last or not _is_of_nobody(answer):
                break
            token = await self._session.token(refused=token)
        return answer


def _status(answer: Answer) -> int:
    """Storage often answers 400, with the number that it means in the body."""
    if answer.status == 400:
        body = value_of(answer)
        meant = str(body.get("statusCode", "")) if isinstance(body, dict) else ""
        if re.fullmatch(r"[45][0-9][0-9]", meant):
            return int(meant)
    return answer.status


def _is_of_nobody(answer: Answer) -> bool:
    return _status(answer) in (401, 403)


def _refusal(answer: Answer) -> AppError:
    status, code = _status(answer), code_of(answer)
    why = f"it answered {status} {code}".rstrip()
    later = unavailable(answer)
    if later is not None:
        return later
    if status == 404:
        return EngineError(ErrorCode.STORAGE_NOT_READY, why)
    if status == 401:
        return EngineError(ErrorCode.SESSION_ENDED, why)
    if status == 403:
        return EngineError(ErrorCode.STORAGE_FORBIDDEN, why)
    # Without a code it is not Storage that speaks: a proxy's page refuses no file.
    is_of_file = status in (400, 409, 415, 422) and code
    return EngineError(ErrorCode.COPY_REFUSED if is_of_file else ErrorCode.PROJECT_UNREACHABLE, why)


def _number(answer: Answer, header: str) -> int | None:
    text = answer.headers.get(header, "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("ascii")).decode("ascii")


def _not_valid() -> EngineError:
    return EngineError(ErrorCode.PROJECT_UNREACHABLE, "the answer is not valid")
