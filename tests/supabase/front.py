"""A server before the Data API: it counts what is asked, and answers itself where it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Canned = tuple[int, object]


class Front:
    """`answer(method, path, body)`: a status and JSON, None to hand it on, "lost" to hand it on
    and then break the line, "cut" to break it at once."""

    def __init__(self, upstream: str | None = None) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[str, str, Any], Canned | str | None] = lambda *_: None
        self.url = ""
        self._upstream = upstream

    def count(self, part: str) -> int:
        return sum(part in each for each in self.asked)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        raw = handler.rfile.read(length)
        path, method = handler.path, handler.command
        self.asked.append(f"{method} {path}")
        self.headers.append({name.lower(): value for name, value in handler.headers.items()})
        said = self.answer(method, path, json.loads(raw) if raw else None)
        if said == "cut":
            handler.connection.close()
            return
        if said is None or said == "lost":
            status, body = self._hand_on(handler, method, path, raw)
            if said == "lost":
                handler.connection.close()
                return
        else:
            assert not isinstance(said, str)
            status, body = said[0], json.dumps(said[1]).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _hand_on(
        self, handler: BaseHTTPRequestHandler, method: str, path: str, raw: bytes
    ) -> tuple[int, bytes]:
        assert self._upstream is not None, f"nobody answers {method} {path}"
        kept = ("apikey", "authorization", "content-type")
        headers = {name: handler.headers[name] for name in kept if name in handler.headers}
        with httpx.Client(timeout=120, verify=False, trust_env=False) as client:
            answer = client.request(method, self._upstream + path, content=raw, headers=headers)
        return answer.status_code, answer.content


@contextmanager
def front(upstream: str | None = None) -> Iterator[Front]:
    found = Front(upstream)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.handle(self)

        def do_GET(self) -> None:
            found.handle(self)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
