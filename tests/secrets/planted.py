"""Every kind of secret once, made up anew in each run: nothing here is a key of anybody.

The parts are joined only when a test runs, so that no search through this source finds one.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

ALNUM = string.ascii_letters + string.digits
URL_SAFE = ALNUM + "_-"
BASE64 = ALNUM + "+/"
HEX = "0123456789abcdef"
BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

Made = Callable[[random.Random], str]


def text(rng: random.Random, letters: str, length: int) -> str:
    return "".join(rng.choices(letters, k=length))


def mixed(rng: random.Random, letters: str, length: int) -> str:
    """With at least one letter of each size and a digit, in front of the rest."""
    return "kQ7" + text(rng, letters, length - 3)


def pem(rng: random.Random, title: str, head: str = "") -> str:
    lines = [mixed(rng, BASE64, 64) for _ in range(12)]
    name = f"{title} " if title else ""
    dashes = "-" * 5
    key = "PRIVATE" + " KEY"
    return (
        "\n".join([f"{dashes}BEGIN {name}{key}{dashes}", *([head, ""] if head else []), *lines])
        + f"\n{dashes}END {name}{key}{dashes}"
    )


def pgp(rng: random.Random) -> str:
    return pem(rng, "PGP", "Version: GnuPG v2").replace("KEY--", "KEY BLOCK--")


def ssh2(rng: random.Random) -> str:
    lines = "\n".join(mixed(rng, BASE64, 70) for _ in range(8))
    return f'---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: "a key"\n{lines}\n'


def service_account(rng: random.Random) -> str:
    return json.dumps({"type": "service_account", "private_key": pem(rng, "") + "\n"}, indent=1)


def putty(rng: random.Random) -> str:
    lines = "\n".join(mixed(rng, BASE64, 64) for _ in range(4))
    return "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate" + f"-Lines: 4\n{lines}\n"


def in_base64(rng: random.Random) -> str:
    return "    client-key-data: " + base64.b64encode(pem(rng, "RSA").encode()).decode()


def aws(rng: random.Random) -> str:
    key_id = "AK" + "IA" + "Q7" + text(rng, string.ascii_uppercase + "234567", 14)
    return f"id,key\n{key_id},{mixed(rng, BASE64, 39)}x\n"


def aws_named(rng: random.Random) -> str:
    return "aws_secret_access" + f"_key = {mixed(rng, BASE64, 40)}"


def alibaba(rng: random.Random) -> str:
    return "LT" + f"AI5t{text(rng, ALNUM, 18)}\n{mixed(rng, ALNUM, 30)}\n"


def login(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def docker(rng: random.Random) -> str:
    auth = login("build", mixed(rng, ALNUM, 20))
    return json.dumps({"auths": {"registry.invalid": {"auth": auth}}}, indent="\t")


def jwt(rng: random.Random) -> str:
    def part(values: dict[str, str]) -> str:
        return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")

    claims = part({"sub": text(rng, ALNUM, 12), "scope": "write"})
    return f"Authorization: Bearer {part({'alg': 'HS256'})}.{claims}.{text(rng, URL_SAFE, 43)}"


def discord(rng: random.Random) -> str:
    number = base64.b64encode(text(rng, "123456789", 18).encode()).decode()
    return f"{number}.{text(rng, ALNUM, 6)}.{text(rng, ALNUM, 30)}"


def _prefixed(start: str, letters: str, length: int, end: str = "") -> Made:
    return lambda rng: "use " + start + text(rng, letters, length) + end + " for it"


PLANTED: dict[str, Made] = {
    "PKCS 8": lambda rng: pem(rng, ""),
    "RSA": lambda rng: pem(rng, "RSA"),
    "EC": lambda rng: pem(rng, "EC"),
    "OpenSSH": lambda rng: pem(rng, "OPENSSH"),
    "encrypted": lambda rng: pem(rng, "ENCRYPTED"),
    "encrypted RSA": lambda rng: pem(rng, "RSA", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128,0F"),
    "PGP": pgp,
    "SSH2": ssh2,
    "service account": service_account,
    "PuTTY": putty,
    "Kubernetes": in_base64,
    "age": lambda rng: "AGE-SECRET" + "-KEY-1" + text(rng, BECH32.replace("I", ""), 58),
    "WireGuard": lambda rng: "[Interface]\nPrivate" + f"Key = {mixed(rng, BASE64, 43)}=",
    "AWS": aws,
    "AWS by name": aws_named,
    "Alibaba": alibaba,
    "GitHub": _prefixed("gh" + "p_", ALNUM, 36),
    "GitHub app": _prefixed("gh" + "s_", ALNUM, 36),
    "GitHub fine": lambda rng: "github" + f"_pat_{text(rng, ALNUM, 22)}_{text(rng, ALNUM, 59)}",
    "GitLab": _prefixed("gl" + "pat-", URL_SAFE, 20),
    "GitLab runner": _prefixed("gl" + "rt-", URL_SAFE, 20),
    "Slack": lambda rng: "xox" + f"b-{text(rng, '123456789', 12)}-{text(rng, ALNUM, 24)}",
    "Slack webhook": lambda rng: (
        "https://hooks.slack" + f".com/services/T0{text(rng, '123456789', 8)}"
        f"/B0{text(rng, '123456789', 8)}/{text(rng, ALNUM, 24)}"
    ),
    "Stripe": _prefixed("sk" + "_live_", ALNUM, 24),
    "OpenAI": _prefixed("sk" + "-proj-", URL_SAFE, 100),
    "Kimi": _prefixed("sk" + "-", ALNUM, 48),
    "Anthropic": _prefixed("sk" + "-ant-api03-", URL_SAFE, 93),
    "GLM": lambda rng: "key: " + text(rng, HEX, 32) + "." + mixed(rng, ALNUM, 16),
    "Google": _prefixed("AI" + "za", URL_SAFE, 35),
    "Google client": _prefixed("GOC" + "SPX-", URL_SAFE, 28),
    "Azure": lambda rng: "AccountName=a;Account" + f"Key={text(rng, BASE64, 86)}==;",
    "npm": _prefixed("np" + "m_", ALNUM, 36),
    "npmrc": lambda rng: "//registry.invalid/:_auth" + f"Token={mixed(rng, ALNUM, 36)}\n",
    "PyPI": _prefixed("py" + "pi-AgEIcHlwaS5vcmc", URL_SAFE, 120),
    "Hugging Face": _prefixed("h" + "f_", ALNUM, 34),
    "SendGrid": lambda rng: "S" + f"G.{text(rng, URL_SAFE, 22)}.{text(rng, URL_SAFE, 43)}",
    "Telegram": lambda rng: text(rng, "123456789", 10) + ":A" + "A" + text(rng, URL_SAFE, 33),
    "Discord": discord,
    "Vault": _prefixed("hv" + "s.", URL_SAFE, 90),
    "DigitalOcean": _prefixed("do" + "p_v1_", HEX, 64),
    "Docker": docker,
    "basic": lambda rng: "Authorization: Basic " + login("ann", mixed(rng, ALNUM, 12)) + "\n",
    "signed token": jwt,
    "netrc": lambda rng: f"machine host.invalid\n  login ann\n  password {mixed(rng, ALNUM, 9)}\n",
    "address": lambda rng: f"postgres://app:{mixed(rng, ALNUM, 14)}@db.internal:5432/x",
    ".env": lambda rng: f"A=1\nDB_PASSWORD={mixed(rng, ALNUM, 10)}\nB=2\n",
    ".env token": lambda rng: f'export SERVICE_TOKEN="{mixed(rng, ALNUM, 30)}"\n',
    ".env secret": lambda rng: f"APP_SECRET={mixed(rng, ALNUM, 32)}\n",
    "JSON": lambda rng: json.dumps({"id": 1, "api_key": mixed(rng, ALNUM, 32)}),
    "YAML": lambda rng: f"db:\n  password: {mixed(rng, ALNUM, 12)}!\n",
    "source": lambda rng: f'client_secret = "{mixed(rng, ALNUM, 32)}"\n',
}
