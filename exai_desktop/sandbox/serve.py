"""Running the sandbox: in this thread for the command line, in its own thread for tests."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Self

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from exai_desktop.sandbox.app import SandboxApp
from exai_desktop.sandbox.control import PREFIX
from exai_desktop.sandbox.flavours import FLAVOURS, flavour_named
from exai_desktop.sandbox.servers.world import World
from exai_desktop.sandbox.settings import SandboxSettings

HOST = "127.0.0.1"
START_DEADLINE_S = 10.0


class Control(NamedTuple):
    """Where the control endpoints are, and the value of X-Sandbox-Control."""

    url: str
    token: str


class _Protocol(H11Protocol):
    """Hands the application its connection, so that it can be reset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, "connection": self}

    def handle_events(self) -> None:
        """With the time of this moment for the answers that now begin."""
        self.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode("ascii"))]
        super().handle_events()


class _Server(uvicorn.Server):
    """Tells when it listens, and drops stalled connections when it ends."""

    def __init__(self, config: uvicorn.Config, world: World, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._world = world
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets=sockets)
        self._ready()

    async def main_loop(self) -> None:
        """Until the end is wanted. The library's own looks ten times a second, also while nobody
        sends anything: for the date of its answers and a limit of requests."""
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._end.wait()

    def end(self) -> None:
        """From any thread, and from a signal."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End every wait and every connection; a sandbox owes nobody an answer."""
        self._world.closing.set()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await super().shutdown(sockets=sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the server and nothing more: the caller still has to clean up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wanted = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._on_signal) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.end()


class Sandbox:
    """The emulators of one process on one loopback port."""

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.port = 0
        self._token = ""
        self._server: _Server | None = None

    def serve(self, port: int, ready: Callable[[], None]) -> None:
        """Serve until stopped or signalled; port 0 takes a free one. `ready` is called once."""
        logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
        with ExitStack() as stack:
            root = self.settings.store
            if root is None:
                prefix = "exai-sandbox-"
                root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
            listener = stack.enter_context(_listener(port))
            self.port = listener.getsockname()[1]
            world = World(self.settings, root)
            stack.callback(world.store.close)
            self._token = world.token
            config = uvicorn.Config(
                # A web page can make a browser ask this computer under a name of its own, but under
                # none that ends in .invalid: no server has one.
                TrustedHostMiddleware(SandboxApp(world), [HOST, "localhost", "*.invalid"]),
                http=_Protocol,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
            self._server = _Server(config, world, ready)
            self._server.run(sockets=[listener])

    def stop(self) -> None:
        """End `serve`, from any thread."""
        if self._server is not None:
            self._server.end()

    def url(self, flavour: str) -> str:
        """The base URL of a flavour."""
        return f"http://{HOST}:{self.port}{flavour_named(flavour).prefix}"

    def key(self, flavour: str) -> str:
        """The only key that flavour takes."""
        return flavour_named(flavour).key

    @property
    def control(self) -> Control:
        """Address and token of the control endpoints."""
        return Control(f"http://{HOST}:{self.port}{PREFIX}", self._token)

    def describe(self) -> dict[str, Any]:
        """Control endpoints and accounts, ready for JSON."""
        accounts = [
            {
                "name": f"sandbox-{flavour.name}",
                "provider": flavour.provider,
                "region": flavour.region,
                "base_url": self.url(flavour.name),
                "key": flavour.key,
            }
            for flavour in FLAVOURS
        ]
        return {"control": self.control._asdict(), "accounts": accounts}


class SandboxThread(Sandbox):
    """A sandbox in its own thread: `with SandboxThread() as sandbox: sandbox.url("zai")`."""

    def __init__(self, settings: SandboxSettings | None = None, port: int = 0) -> None:
        super().__init__(settings)
        self._wanted_port = port
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listening.wait(START_DEADLINE_S) or self._failure is not None:
            raise RuntimeError("the sandbox did not start") from self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(START_DEADLINE_S)

    def _run(self) -> None:
        try:
            self.serve(self._wanted_port, self._listening.set)
        except (OSError, SystemExit) as failure:
            self._failure = failure
            self._listening.set()


def run(
    port: int = 0,
    store: Path | None = None,
    settings_overrides: Mapping[str, Any] | None = None,
    exit_with_stdin: bool = False,
) -> None:
    """Print what `describe` says as one line, then serve until a signal or the end of stdin."""
    values = {**(settings_overrides or {}), **({"store": store} if store else {})}
    sandbox = Sandbox(SandboxSettings.model_validate(values))

    def announce() -> None:
        sys.stdout.write(json.dumps(sandbox.describe()) + "\n")
        sys.stdout.flush()
        if exit_with_stdin:
            threading.Thread(target=_watch_stdin, args=(sandbox,), daemon=True).start()

    sandbox.serve(port, announce)


def _watch_stdin(sandbox: Sandbox) -> None:
    # the bare descriptor: a thread blocked in sys.stdin would hold its lock at interpreter exit
    while os.read(0, 4096):
        pass
    sandbox.stop()


def _listener(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer waits 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener
