"""The ASGI application: which server gets a request, and under which fault."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starlette.types import Receive, Scope, Send

from exai_desktop.sandbox import control
from exai_desktop.sandbox.flavours import FLAVOURS, Flavour, flavour_at
from exai_desktop.sandbox.glm.server import GlmServer
from exai_desktop.sandbox.kimi.server import KimiServer
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.fault_run import perform
from exai_desktop.sandbox.servers.provider import ProviderServer, json_answer
from exai_desktop.sandbox.servers.world import Cut, World

# The server that plays each provider.
_SERVERS: Final[dict[str, Callable[[World, Flavour], ProviderServer]]] = {
    "kimi": KimiServer,
    "glm": GlmServer,
}


class SandboxApp:
    """All flavours and the control endpoints behind one port."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._servers = {f.name: _SERVERS[f.provider](world, f) for f in FLAVOURS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a cut connection simply ends."""
        if scope["type"] != "http":
            return
        flavour = flavour_at(scope["path"])
        exchange = Exchange(self._world, scope, receive, send, flavour)
        with suppress(Cut):
            if flavour is not None:
                await self._provider(exchange, flavour)
            elif exchange.path.startswith(control.PREFIX + "/"):
                await exchange.answer(await control.respond(exchange))
            else:
                await exchange.drain()
                await exchange.answer(json_answer({"error": "no such sandbox path"}, 404))

    async def _provider(self, exchange: Exchange, flavour: Flavour) -> None:
        world = self._world
        server = self._servers[flavour.name]
        limits = world.settings.of(flavour.name)
        with world.limiters[flavour.name].slot(limits) as exchange.throttle:
            fault = world.faults.pick(flavour.name, exchange.method, exchange.full_path)
            if fault is None:
                await exchange.answer(await server.respond(exchange))
            else:
                await perform(exchange, fault, server)
