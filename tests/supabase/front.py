"""A server before the Data API: it counts what is asked, and answers itself where it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

# Status, JSON, and headers where there are some.
Canned = tuple[int, object] | tuple[int, object, dict[str, str]]
_NOT_COPIED = frozenset({"connection", "transfer-encoding", "date", "keep-alive", "content-length"})


class Front:
    """`answer(method, path, body)`: a status and JSON, None to hand it on, "lost" to hand it on
    and then break the line, "cut" to break it at once, "part N" to hand on N bytes of the body and
    then break it on both sides."""

    def __init__(self, upstream: str | None = None) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[Any] = []
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
        is_json = handler.headers.get("content-type") == "application/json"
        self.bodies.append(json.loads(raw) if raw and is_json else raw or None)
        said = self.answer(method, path, self.bodies[-1])
        if isinstance(said, str) and said.startswith("part "):
            self._hand_on_part(handler, method, path, raw[: int(said.removeprefix("part "))])
            said = "cut"
        if said == "cut":
            handler.connection.close()
            return
        if said is None or said == "lost":
            status, body, headers = self._hand_on(handler, method, path, raw)
            if said == "lost":
                handler.connection.close()
                return
        else:
            assert not isinstance(said, str)
            status, body = said[0], json.dumps(said[1]).encode()
            headers = {"content-type": "application/json"} | (said[2] if len(said) == 3 else {})
        handler.send_response(status)
        for header, value in headers.items():
            if header not in _NOT_COPIED:
                handler.send_header(header, value)
        # Of what `HEAD` asks about, the length is that of the object.
        told = headers.get("content-length", "0") if method == "HEAD" else str(len(body))
        handler.send_header("Content-Length", told)
        handler.end_headers()
        handler.wfile.write(body)

    def _hand_on_part(
        self, handler: BaseHTTPRequestHandler, method: str, path: str, part: bytes
    ) -> None:
        """The head, which announces all of it, and a part; then the line breaks."""
        assert self._upstream is not None
        parts = urlsplit(self._upstream)
        with socket.create_connection((parts.hostname or "", parts.port or 80)) as line:
            head = f"{method} {path} HTTP/1.1\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in handler.headers.items())
            line.sendall(head.encode("ascii") + b"\r\n" + part)
            # Until it has read what was sent: a line that is reset loses what lies unread.
            line.shutdown(socket.SHUT_WR)
            line.settimeout(20)
            with suppress(OSError):
                line.recv(1)

    def _hand_on(
        self, handler: BaseHTTPRequestHandler, method: str, path: str, raw: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        assert self._upstream is not None, f"nobody answers {method} {path}"
        kept = ("apikey", "authorization", "content-type", "x-upsert")
        headers = {
            name: value
            for name, value in handler.headers.items()
            if name.lower() in kept or name.lower().startswith(("tus-", "upload-"))
        }
        with httpx.Client(timeout=120, verify=False, trust_env=False) as client:
            answer = client.request(method, self._upstream + path, content=raw, headers=headers)
        given = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status_code, answer.content, given


@contextmanager
def front(upstream: str | None = None) -> Iterator[Front]:
    found = Front(upstream)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.handle(self)

        def log_message(self, *_: object) -> None: ...

    for method in ("GET", "HEAD", "PATCH", "DELETE", "OPTIONS"):
        setattr(Handler, f"do_{method}", Handler.do_POST)
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
