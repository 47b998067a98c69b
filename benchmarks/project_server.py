"""Child process: a Supabase project that takes everything, for what the mirror costs our side.

It answers at once and keeps nothing; each sign-in is another user, to whom the whole record is
new. Started by `benchmarks.child.running`; not for use by hand.
"""

from __future__ import annotations

import json
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from benchmarks.child import answer

KEY: Final = "sb_publishable_" + "test" * 6
_EMPTY: Final[dict[str, object]] = {"restart": None, "next": 0, "more": False, "changes": []}


class _Project:
    def __init__(self) -> None:
        self.user = ""
        self.operations = 0

    def answer(self, path: str, body: Any) -> object:
        if "/auth/v1/token" in path:
            if "password" in path:
                self.user = str(uuid.uuid4())
            return {
                "access_token": "access-not-real",
                "refresh_token": "refresh-not-real",
                "expires_in": 3600,
                "user": {"id": self.user, "email": "me@example.com"},
            }
        if path.endswith("exai_apply"):
            self.operations += len(body["p_ops"])
            return [{"id": each["id"], "status": "applied", "rev": 1} for each in body["p_ops"]]
        if path.endswith("exai_status"):
            return {"schema": 1, "user": self.user}
        if path.endswith("exai_pull"):
            return _EMPTY
        return {"disable_signup": True}


def main() -> None:
    """Serve until the input ends; each line of it is answered with what was taken so far."""
    project = _Project()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            said = json.dumps(project.answer(self.path, json.loads(raw) if raw else None)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST  # noqa: N815 - the name the library looks for

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer(url=f"http://127.0.0.1:{server.server_port}")
    while sys.stdin.readline():
        answer(operations=project.operations)
    server.shutdown()


if __name__ == "__main__":
    main()
