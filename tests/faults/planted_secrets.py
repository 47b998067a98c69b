"""Fake secrets in the forms real ones have, and a loopback server that gives them back."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

OWN_KEY = "sk-planted00own0key0not0a0real0one"
GLM_KEY = "00112233445566778899aabbccddeeff.plantedGlmKey01"
PROXY_PASSWORD = "plantedProxyPassword02"
PASSPHRASE = "plantedPassphrase03 with words"
KEYRING_WORDS = "plantedKeyringMessage04"
BAD_SETTING = "plantedSettingValue05"
USERINFO = "plantedUserinfo06"


def _secret(number: int) -> str:
    return f"planted{number:02}Q7Zk29LmNvX4"


def _jwt(number: int) -> str:
    parts = (b'{"alg":"HS256","typ":"JWT"}', f'{{"sub":"planted{number}"}}'.encode())
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


# What a provider's refusal may say: the message, and the secret in it.
_SAYINGS: list[Callable[[str], str]] = [
    lambda s: f"Incorrect API key provided: sk-{s}",
    lambda s: f"Incorrect API key provided: sk-proj-{s}",
    lambda s: f"Incorrect API key provided: SK-{s}\n",
    lambda s: f"key 0123456789abcdef0123456789abcdef.{s} has expired",
    lambda s: f"your header Authorization: Bearer {s}",
    lambda s: f"your header authorization=Basic {s}",
    lambda s: f"Proxy-Authorization: Digest username {s}",
    lambda s: f"{{'authorization': 'Bearer {s}', 'accept': '*/*'}}",
    lambda s: f"[(b'Authorization', b'Bearer {s}')]",
    lambda s: f"wanted bearer {s} here",
    lambda s: f"x-api-key: {s}",
    lambda s: f'{{"api_key": "{s}"}}',
    lambda s: f"apikey={s}&a=1",
    lambda s: f"access_key: {s}",
    lambda s: f"access-token={s}",
    lambda s: f"refresh_token='{s}'",
    lambda s: f"id_token: {s}",
    lambda s: f"client_secret={s}",
    lambda s: f"password: {s}",
    lambda s: f"passphrase={s}",
    lambda s: f"Cookie: session={s}",
    lambda s: f"Set-Cookie: sid={s}; Path=/",
    lambda s: f"msh-org-id: org-{s}",
    lambda s: f"Msh-Project-Id=proj-{s}",
    lambda s: f"(b'msh-uid', b'{s}')",
    lambda s: f"{{'msh-gid': '{s}'}}",
    lambda s: f"PUT https://bucket.invalid/a?X-Amz-Signature={s}&part=1 failed",
    lambda s: f"https://bucket.invalid/a?part=1&X-Amz-Security-Token={s}",
    lambda s: f"https://bucket.invalid/a?OSSAccessKeyId=1&Signature={s}",
    lambda s: f"https://bucket.invalid/a?q-sign-time=1&q-signature={s}",
    lambda s: f"https://bucket.invalid/a?sig={s}&se=2026",
    lambda s: f"https://host.invalid/cb#access_token={s}",
    lambda s: f"https://host.invalid/cb?code={s}",
    lambda s: f"via http://me:{s}@proxy.invalid:3128/",
    lambda s: f"via socks5://{s}@proxy.invalid:1080",
    lambda s: f"no route /v1/sk-{s}/files",
    lambda s: f"GET /v1/files?auth=Bearer%20sk-{s}",
    lambda s: f"AKIA{s.upper()}",
    lambda s: f"remote: ghp_{s}abcdefgh",
    lambda s: f"AIza{s}abcdefgh",
    lambda s: f"sb_secret_{s}",
    lambda s: f'{{"upload_token": "{s}"}}',
    lambda s: f"session_id: {s}",
    lambda s: f"-----BEGIN PRIVATE KEY-----\n{s}\n-----END PRIVATE KEY-----",
    lambda s: f"{'w' * 480} sk-{s}",
    lambda s: f'  File "a.py"\nOSError: key sk-{s}',
]


@dataclass(frozen=True)
class Plant:
    """One answer to an upload; `secret` is what must be found nowhere."""

    secret: str
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def _refusal(message: str) -> bytes:
    error = {"type": "invalid_request_error", "message": message}
    return json.dumps({"error": error}).encode()


def refusals() -> list[Plant]:
    """Definite answers: each file gets its own."""
    plants = []
    for number, saying in enumerate(_SAYINGS, 10):
        message = saying(_secret(number))
        shown = _secret(number).upper() if "AKIA" in message else _secret(number)
        plants.append(Plant(shown, 400, _refusal(message)))
    plants.append(Plant(_jwt(90), 400, _refusal(f"session {_jwt(90)} has ended")))
    echo = f"<html>You sent <code>Authorization: Bearer {_secret(91)}</code></html>".encode()
    plants.append(Plant(_secret(91), 413, echo, {"Content-Type": "text/html"}))
    plants.append(
        Plant(_secret(92), 400, _refusal("words"), {"msh-request-id": f"r sk-{_secret(92)}"})
    )
    return plants


def spoilt() -> list[Plant]:
    """Answers that hold the account or end an attempt: asked for one after the other."""
    place = f"http://127.0.0.1:9/next?token={_secret(93)}"
    return [
        Plant(_secret(93), 302, b"", {"Location": place}),
        Plant(_secret(94), 401, f"denied: Bearer {_secret(94)}".encode()),
        Plant(_secret(95), 403, b"{}", {"WWW-Authenticate": f"Bearer token={_secret(95)}"}),
        Plant(_secret(96), 429, _refusal("slow"), {"Retry-After": f"sk-{_secret(96)}"}),
        Plant(_secret(97), 500, f"<pre>KeyError: 'sk-{_secret(97)}'</pre>".encode()),
        Plant(_secret(98), 200, f'{{"data": [{{"id": "sk-{_secret(98)}/../x"}}]}}'.encode()),
        Plant(_secret(99), 200, f"sk-{_secret(99)} is no JSON".encode()),
    ]


class EchoServer:
    """Answers POST by the number in the file's name, everything else with `answer`.

    The key that came with the request is in the headers, and after `words` in the body.
    """

    def __init__(self, port: int, plants: list[Plant]) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.plants = plants
        self.answer = Plant("", 200, b'{"data": []}')
        self.seen: list[str] = []


@contextmanager
def echoing(plants: list[Plant]) -> Iterator[EchoServer]:
    found: list[EchoServer] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            number = int(body.partition(b'filename="p-')[2][:2])
            self._say(found[0].plants[number])

        def do_GET(self) -> None:
            self._say(found[0].answer)

        def do_CONNECT(self) -> None:
            sent = self.headers["Proxy-Authorization"] or ""
            self._say(Plant("", 407, f"Proxy-Authorization: {sent}".encode()))

        def _say(self, plant: Plant) -> None:
            sent = self.headers["Authorization"] or self.headers["Proxy-Authorization"] or ""
            found[0].seen.append(sent)
            body = plant.body.replace(b"words", f"words, you sent {sent}".encode(), 1)
            self.send_response(plant.status, f"No {sent}")
            for name, value in plant.headers.items():
                self.send_header(name, value)
            self.send_header("X-Echo", sent)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.append(EchoServer(server.server_address[1], plants))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found[0]
        finally:
            server.shutdown()
            thread.join()


def all_secrets() -> list[str]:
    own = [OWN_KEY, GLM_KEY, PROXY_PASSWORD, PASSPHRASE, KEYRING_WORDS, BAD_SETTING, USERINFO]
    return [*own, *(plant.secret for plant in (*refusals(), *spoilt()))]


def hits(where: str, content: bytes) -> list[str]:
    """Every secret in it, in any form it may be written in."""
    forms = {
        secret: {
            secret.encode(),
            quote(secret, safe="").encode(),
            base64.b64encode(secret.encode()).rstrip(b"="),
            secret.encode("utf-16-le"),
        }
        for secret in all_secrets()
    }
    return [f"{where}: {s}" for s, written in forms.items() if any(w in content for w in written)]


def hits_below(folder: Path) -> list[str]:
    """In every file of a profile: database, log of the database, snapshots, settings, logs."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [hit for path in files for hit in hits(str(path), path.read_bytes())]
