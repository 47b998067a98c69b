"""The control endpoints: faults, files, settings, log, reset."""

from __future__ import annotations

import asyncio
import hmac
import json
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.responses import FileResponse, Response

from exai_desktop.sandbox.faults import Fault
from exai_desktop.sandbox.flavours import FLAVOURS
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.provider import json_answer
from exai_desktop.sandbox.servers.store import StoredFile
from exai_desktop.sandbox.servers.world import World

PREFIX = "/control"
MAX_BODY = 4 * 1024 * 1024

_FAULTS = TypeAdapter(list[Fault])
_NAMES = frozenset(flavour.name for flavour in FLAVOURS)


class ControlError(ValueError):
    """The control request makes no sense; its text is the answer."""


async def respond(exchange: Exchange) -> Response:
    """Carry out a control request; only the holder of the token may."""
    token = exchange.headers.get("x-sandbox-control", "")
    if not hmac.compare_digest(token.encode(), exchange.world.token.encode()):
        await exchange.drain()
        return json_answer({"error": "X-Sandbox-Control is missing or wrong"}, 403)
    try:
        answer = await _route(exchange)
    except (ControlError, ValidationError) as problem:
        return json_answer({"error": str(problem)}, 400)
    return answer or json_answer({"error": "no such control endpoint"}, 404)


async def _route(exchange: Exchange) -> Response | None:
    path = exchange.path.removeprefix(PREFIX).strip("/").split("/")
    if exchange.method == "GET":
        return await _look(exchange, path)
    world = exchange.world
    match exchange.method, path:
        case "POST", ["faults"]:
            return json_answer(_install(world, await _body(exchange)))
        case "DELETE", ["faults"]:
            world.faults.clear()
            return json_answer(_faults(world))
        case "POST", ["settings"]:
            return json_answer(_change(world, await _body(exchange)))
        case "POST", ["reset"]:
            await exchange.drain()
            world.reset()
            return json_answer({"reset": True})
    return None


async def _look(exchange: Exchange, path: list[str]) -> Response | None:
    world = exchange.world
    match path:
        case ["faults"]:
            return json_answer(_faults(world))
        case ["files"]:
            return json_answer(await _files(exchange))
        case ["files", file_id, "bytes"]:
            return _bytes(world, file_id)
        case ["settings"]:
            return json_answer(world.settings.as_dict())
        case ["requests"]:
            return json_answer({"requests": world.log.as_list()})
    return None


async def _body(exchange: Exchange) -> Any:
    raw = bytearray()
    while not exchange.entry.body_complete:
        raw += (await exchange.receive()).get("body", b"")
        if len(raw) > MAX_BODY:
            raise ControlError("body too large")
    try:
        return json.loads(raw)
    except ValueError:
        raise ControlError("body is not JSON") from None


def _faults(world: World) -> dict[str, Any]:
    script = world.faults
    rows = [
        {**fault.model_dump(exclude_defaults=True), "seen": seen, "struck": struck}
        for fault, seen, struck in zip(script.faults, script.seen, script.struck, strict=True)
    ]
    return {"faults": rows}


def _install(world: World, body: Any) -> dict[str, Any]:
    """A list of faults, or `{"faults": [...], "seed": n}`."""
    seed: int | None = None
    if isinstance(body, dict):
        seed = body.get("seed")
        body = body.get("faults")
    if seed is not None and not isinstance(seed, int):
        raise ControlError("seed must be a whole number")
    world.faults.install(_FAULTS.validate_python(body), seed=seed)
    return _faults(world)


async def _files(exchange: Exchange) -> dict[str, Any]:
    flavour = _known(exchange.query.get("flavour"))
    files = [f for f in exchange.world.store.all_files() if flavour in {None, f.flavour}]
    return {"files": [await _row(exchange.world, file) for file in files]}


async def _row(world: World, file: StoredFile) -> dict[str, Any]:
    if file.sha256 is None and world.store.blob(file).exists():
        await asyncio.to_thread(world.store.fingerprint, file)
    return asdict(file)


def _bytes(world: World, file_id: str) -> Response | None:
    file = world.store.file_with(file_id)
    if file is None or not world.store.blob(file).exists():
        return None
    return FileResponse(world.store.blob(file), media_type="application/octet-stream")


def _change(world: World, body: Any) -> dict[str, Any]:
    """`{"flavour"?: name, ...limits}`; without a flavour it is for all."""
    if not isinstance(body, dict):
        raise ControlError("an object of settings is needed")
    values = dict(body)
    world.settings.change(values, _known(values.pop("flavour", None)))
    return world.settings.as_dict()


def _known(flavour: Any) -> str | None:
    if flavour is not None and flavour not in _NAMES:
        raise ControlError(f"flavour must be one of {sorted(_NAMES)}")
    return flavour if flavour is None else str(flavour)
