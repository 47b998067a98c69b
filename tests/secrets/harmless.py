"""Texts that hold no secret but much that looks like one: the sample for false alarms."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Callable, Iterator

_WORDS = [
    "the",
    "report",
    "of",
    "this",
    "year",
    "shows",
    "a",
    "password",
    "policy",
    "token",
    "key",
    "secret",
    "access",
    "public",
    "private",
    "api",
    "account",
    "server",
    "login",
    "user",
    "address",
    "number",
    "table",
    "section",
    "file",
    "value",
    "open",
    "close",
    "read",
    "write",
    "total",
    "price",
    "order",
    "customer",
    "region",
    "account",
    "key",
    "management",
    "of",
    "tokens",
    "and",
    "passwords",
    "authority",
]


def prose(rng: random.Random, words: int = 60) -> str:
    return " ".join(rng.choices(_WORDS, k=words)).capitalize() + "."


def _hash(rng: random.Random, size: int = 32) -> str:
    return rng.randbytes(size).hex()


def _base64(rng: random.Random, size: int) -> str:
    return base64.b64encode(rng.randbytes(size)).decode()


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def document(rng: random.Random) -> str:
    return "\n\n".join(prose(rng) for _ in range(12))


def source(rng: random.Random) -> str:
    name = rng.choice(_WORDS)
    return f'''"""Signs in and keeps the token."""
import os

PASSWORD_FIELD = "password_{name}"
TOKEN_URL = "https://{name}.invalid/oauth2/token"
API_KEY_HEADER = "X-Api-Key"
SECRET_NAME = "projects/{name}/secrets/{name}"
password = os.environ["APP_PASSWORD"]
token = self.{name}.get_token(password=password, secret=settings.secret_key)
api_key: str = Field(default="", description="{prose(rng, 6)}")
client_secret = config.{name}.client_secret
access_key = load_key(path="/etc/{name}/key.pem")
if password == "{rng.choice(["changeme", "password123", "secret", "your-password-here"])}":
    raise ValueError("password: use another one")
commit = "{_hash(rng, 20)}"
'''


def table(rng: random.Random) -> str:
    rows = [
        f"{number},{_uuid(rng)},{_hash(rng)},{_base64(rng, 24)},{rng.random():.4f}"
        for number in range(120)
    ]
    return "\r\n".join(["id,token,sha256,etag,value", *rows])


def log(rng: random.Random) -> str:
    return "\n".join(
        f"2026-01-{rng.randint(10, 28)}T10:{rng.randint(10, 59)}:00Z INFO request={_uuid(rng)}"
        f" user=ann token=*** password=[FILTERED] session={_hash(rng, 8)} GET"
        f" https://host{rng.randint(1, 9)}.invalid:8080/files/{_hash(rng, 16)}?page=2"
        for _ in range(80)
    )


def data(rng: random.Random) -> str:
    rows = [
        {
            "id": _uuid(rng),
            "etag": _hash(rng, 16),
            "nextPageToken": _base64(rng, 40),
            "publicKey": _base64(rng, 64),
            "checksum": "sha256-" + _base64(rng, 32),
            "secretName": "db-credentials",
            "passwordHash": None,
            "password": "",
            "token_type": "bearer",
            "text": prose(rng, 12),
        }
        for _ in range(20)
    ]
    return json.dumps(rows, indent=rng.choice([None, 2]))


def guide(rng: random.Random) -> str:
    return f"""# Keys and passwords

Put the key into `~/.ssh/id_rsa`. It begins with `-----BEGIN RSA PRIVATE KEY-----` and ends with
`-----END RSA PRIVATE KEY-----`. {prose(rng, 30)}

```
-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASC...
-----END PRIVATE KEY-----
export API_TOKEN=your-token-here
export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
DB_PASSWORD=${{DB_PASSWORD:-changeme}}
SECRET_KEY=<put your secret here>
SERVICE_TOKEN=$(cat /run/secrets/token)
MAX_TOKENS=4096
curl -H "Authorization: Bearer $TOKEN" https://user:password@example.com/
curl -H "Authorization: Bearer <token>" https://api.invalid/
git clone https://oauth2:${{TOKEN}}@git.invalid/a.git
psql postgres://user:password@localhost:5432/db
```

GitHub tokens look like `ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`, Kimi keys like
`sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`, those of Google `AIza...`.

    //registry.npmjs.org/:_authToken=${{NPM_TOKEN}}
    password: changeme
    api_key: "YOUR_API_KEY"
"""


def settings(rng: random.Random) -> str:
    return f"""# {prose(rng, 8)}
DEBUG=true
DATABASE_URL=postgres://app@db.internal:5432/app
SECRET_KEY=changeme
API_KEY=
DB_PASSWORD=xxxxxxxxxxxx
TOKEN_FILE=/run/secrets/token
ACCESS_TOKEN_EXPIRE_MINUTES=30
PASSWORD_RESET_TOKEN=<token>
BUILD_ID={_hash(rng, 20)}
"""


def minified(rng: random.Random) -> str:
    parts = [
        f"function {c}(e,t){{return e.password&&t.token?e.secret.{c}(t):n({number})}};"
        f'var {c}{number}={{token:"{c}{c}",apiKey:void 0,auth:!0}};'
        for number, c in enumerate(rng.choices("abcdefghijklmnop", k=300))
    ]
    return "!" + "".join(parts) + f"\n//# sourceMappingURL=data:json;base64,{_base64(rng, 3000)}"


def certificates(rng: random.Random) -> str:
    def block(name: str) -> str:
        body = _base64(rng, 700)
        lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
        return f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----\n"

    names = ("CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE REQUEST")
    pgp = block("PGP PUBLIC KEY BLOCK")
    return "\n".join(map(block, names)) + pgp + f"ssh-rsa {_base64(rng, 279)} ann@host\n"


def lock(rng: random.Random) -> str:
    return "\n".join(
        f'"{rng.choice(_WORDS)}@^{rng.randint(1, 9)}.0.0":\n  version "1.2.3"\n  resolved'
        f' "https://registry.npmjs.org/a/-/a-1.2.3.tgz#{_hash(rng, 20)}"\n'
        f"  integrity sha512-{_base64(rng, 64)}\n"
        for _ in range(60)
    )


def objects(rng: random.Random) -> str:
    return "\n".join(
        f"100644 blob {_hash(rng, 20)}\tsrc/{rng.choice(_WORDS)}.py" for _ in range(99)
    )


def page(rng: random.Random) -> str:
    picture = _base64(rng, 4000)
    return f"""<!doctype html><html><head><link integrity="sha384-{_base64(rng, 48)}"></head><body>
<form><input type="password" name="password" placeholder="Password: 8 or more characters">
<input type="hidden" name="csrf" value="{_hash(rng)}"></form><p>{prose(rng)}</p>
<img src="data:image/png;base64,{picture}"></body></html>"""


def manifest(rng: random.Random) -> str:
    return f"""apiVersion: v1
kind: Pod
metadata: {{name: app, uid: {_uuid(rng)}}}
spec:
  image: registry.invalid/app@sha256:{_hash(rng)}
  env:
    - name: DB_PASSWORD
      valueFrom: {{secretKeyRef: {{name: db-secret, key: password}}}}
    - name: API_TOKEN
      value: $(API_TOKEN)
  certificate-authority-data: {_base64(rng, 600)}
  password: ENC[AES256_GCM,data:...]
"""


def mail(rng: random.Random) -> str:
    body = _base64(rng, 3000)
    lines = "\n".join(body[i : i + 76] for i in range(0, len(body), 76))
    return (
        f"Message-ID: <{_hash(rng, 12)}@mail.invalid>\nSubject: {prose(rng, 6)}\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; bh={_base64(rng, 32)};\n b={_base64(rng, 256)}\n\n"
        f"Your password was changed. {prose(rng)}\n\nContent-Transfer-Encoding: base64\n\n{lines}"
    )


def chinese(rng: random.Random) -> str:
    return "\n".join(
        f"第{number}章 密码：请在首次登录后修改。令牌 token 和密钥 key 由管理员上传。"
        f"{prose(rng, 5)}"
        for number in range(40)
    )


KINDS: tuple[Callable[[random.Random], str], ...] = (
    document, source, table, log, data, guide, settings, minified, certificates, lock, objects,
    page, manifest, mail, chinese,
)  # fmt: skip


def harmless(each: int) -> Iterator[tuple[str, bytes]]:
    """So many files of each kind, the same in every run."""
    for kind in KINDS:
        for number in range(each):
            rng = random.Random(f"{kind.__name__} {number}")
            yield f"{kind.__name__} {number}", kind(rng).encode()
