"""GLM: the purpose-bound file store of Z.ai and of BigModel."""

from __future__ import annotations

from typing import Any

from starlette.responses import FileResponse, Response

from exai_desktop.sandbox.flavours import Flavour
from exai_desktop.sandbox.glm.auth import refused_code
from exai_desktop.sandbox.glm.formats import LISTABLE
from exai_desktop.sandbox.glm.forms import (
    GlmRefusal,
    bad_parameter,
    file_form,
    refusal_answer,
    stamped,
    unknown_path,
)
from exai_desktop.sandbox.glm.messages import default_code
from exai_desktop.sandbox.glm.uploads import live_files, take_upload
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.provider import bearer, json_answer
from exai_desktop.sandbox.servers.store import StoredFile
from exai_desktop.sandbox.servers.world import World

_DEFAULT_PAGE = 20
_MAX_PAGE = 100


class GlmServer:
    """One host of GLM."""

    def __init__(self, world: World, flavour: Flavour) -> None:
        self._world = world
        self._flavour = flavour

    async def respond(self, exchange: Exchange) -> Response:
        """Carry the request out and word the answer."""
        try:
            self._admit(exchange)
            answer = await self._route(exchange)
        except GlmRefusal as refusal:
            await exchange.drain()
            return refusal_answer(exchange, refusal)
        if answer is None:
            await exchange.drain()
            return unknown_path(exchange)
        return stamped(answer)

    def rate_refusal(self, exchange: Exchange, wait_s: int | None) -> Response:
        """1302 in a 429; Retry-After only when a fault asks for one."""
        response = refusal_answer(exchange, GlmRefusal(429, "1302"))
        if wait_s is not None:
            response.headers["Retry-After"] = str(wait_s)
        return response

    def quota_refusal(self, exchange: Exchange) -> Response:
        """Arrears in a 429."""
        return refusal_answer(exchange, GlmRefusal(429, "1113"))

    def refusal(
        self,
        exchange: Exchange,
        status: int,
        *,
        error_type: str | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> Response:
        """Any status in GLM's form; GLM has no error types."""
        del error_type
        return refusal_answer(exchange, GlmRefusal(status, code or default_code(status)), message)

    def _admit(self, exchange: Exchange) -> None:
        code = refused_code(bearer(exchange), self._flavour.key)
        if code is not None:
            raise GlmRefusal(401, code)
        if exchange.throttle is not None:
            raise GlmRefusal(429, "1302")
        if exchange.limits.no_permission:
            raise GlmRefusal(434, "434")
        if exchange.limits.no_balance and exchange.method == "POST":
            raise GlmRefusal(429, "1113")

    async def _route(self, exchange: Exchange) -> Response | None:
        match exchange.method, exchange.path.strip("/").split("/"):
            case "POST", ["files"]:
                return json_answer(file_form(await take_upload(exchange)))
            case "GET", ["files"]:
                return json_answer(self._listing(exchange))
            case "GET", ["files", file_id, "content"]:
                return self._content(_file(exchange, file_id))
            case "DELETE", ["files", file_id]:
                file = _file(exchange, file_id)
                self._world.store.delete(file)
                return json_answer({"id": file.id, "object": "file", "deleted": True})
        return None

    def _content(self, file: StoredFile) -> Response:
        if file.purpose != "batch":
            raise bad_parameter(f"no content for purpose {file.purpose!r}", "1210")
        return FileResponse(
            self._world.store.blob(file), media_type="application/octet-stream", filename=file.name
        )

    def _listing(self, exchange: Exchange) -> dict[str, Any]:
        size = _page_size(exchange)
        if exchange.query.get("order", "created_at") != "created_at":
            raise bad_parameter("order")
        purpose = exchange.query.get("purpose")
        if not purpose:
            return {"object": "list", "data": [], "has_more": False}
        if purpose not in LISTABLE[self._flavour.name]:
            raise bad_parameter("purpose")
        files = [file for file in live_files(exchange) if file.purpose == purpose]
        files.reverse()
        first = self._first(exchange.query.get("after"), files)
        return {
            "object": "list",
            "data": [file_form(file) for file in files[first : first + size]],
            "has_more": first + size < len(files),
        }

    def _first(self, after: str | None, files: list[StoredFile]) -> int:
        """Where the page begins; a cursor that was deleted meanwhile still marks its place."""
        if not after:
            return 0
        every = self._world.store.shelf(self._flavour.name).files
        if after not in every:
            raise bad_parameter("after")
        place = {file_id: number for number, file_id in enumerate(every)}
        return sum(place[file.id] >= place[after] for file in files)


def _file(exchange: Exchange, file_id: str) -> StoredFile:
    for file in live_files(exchange):
        if file.id == file_id:
            return file
    raise GlmRefusal(404, "1214", f"file {file_id}")


def _page_size(exchange: Exchange) -> int:
    raw = exchange.query.get("limit")
    if raw is None:
        return _DEFAULT_PAGE
    if not raw.isdecimal() or not 1 <= int(raw) <= _MAX_PAGE:
        raise bad_parameter("limit")
    return int(raw)
