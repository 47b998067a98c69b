"""What keys, tokens and passwords look like in plain text, and what only looks like one.

Shapes that their makers have published: a prefix and a body of known length. Where there is none,
an assignment with a telling name and a value that nobody takes for a word. Every pattern is
bounded and is tried at one place only, so that no content makes the search slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from exai_desktop.core.sniff.secret_values import (
    decoded,
    is_medium,
    is_mixed,
    is_placeholder,
    is_strong,
)

# What a row says of the place `start`: which kind of secret begins there, None for no secret.
Judge = Callable[[bytes, int], str | None]


class Shape(NamedTuple):
    """A token that is recognised by its own look. `before`: what must stand right before it."""

    kind: str
    starts: bytes
    pattern: bytes
    before: bytes


def _shapes(rows: str) -> dict[int, list[Shape]]:
    """One line a shape: kind | what stands before it | its first bytes | pattern of the rest."""
    found: dict[int, list[Shape]] = {}
    for row in rows.strip().splitlines():
        kind, before, starts, body = (part.strip() for part in row.split("|", 3))
        end = r"(?![A-Za-z0-9_-])"
        pattern = (re.escape(starts) + body + end).encode()
        shape = Shape(kind, starts.encode(), pattern, before.encode())
        key = ord(starts[0]) if starts else 0
        found.setdefault(key, []).append(shape)
    return found


# By the first byte of a run of letters, digits, `_` and `-`; 0: whatever it begins with.
SHAPES: Final = _shapes(
    r"""
    a GitHub token | | ghp_ | [A-Za-z0-9]{36,255}
    a GitHub token | | gho_ | [A-Za-z0-9]{36,255}
    a GitHub token | | ghu_ | [A-Za-z0-9]{36,255}
    a GitHub token | | ghs_ | [A-Za-z0-9]{36,255}
    a GitHub token | | ghr_ | [A-Za-z0-9]{36,255}
    a GitHub token | | github_pat_ | [A-Za-z0-9]{22}_[A-Za-z0-9]{59}
    a GitLab token | | glpat- | [A-Za-z0-9_-]{20,300}
    a GitLab token | | gl | (?:ptt|dt|rt|cbt|ft|soat|agent|oas|imt)-[A-Za-z0-9_-]{20,300}
    a Slack token | | xox | [abeoprs]-[A-Za-z0-9-]{20,250}
    a Slack token | | xapp- | [0-9]-[A-Z0-9]{5,20}-[0-9]{5,20}-[A-Za-z0-9]{30,100}
    a Stripe key | | sk_live_ | [A-Za-z0-9]{16,247}
    a Stripe key | | rk_live_ | [A-Za-z0-9]{16,247}
    a Stripe key | | whsec_ | [A-Za-z0-9]{32,64}
    an Anthropic key | | sk-ant- | [a-z0-9]{3,12}-[A-Za-z0-9_-]{60,200}
    an API key | | sk- | [A-Za-z0-9]{32,64}
    an API key | | sk- | (?:proj|svcacct|admin|or-v1|kimi|lf|None)-[A-Za-z0-9_-]{32,250}
    a Google API key | | AIza | [A-Za-z0-9_-]{35}
    a Google client secret | | GOCSPX- | [A-Za-z0-9_-]{28}
    a Google access token | ya29. | | [A-Za-z0-9_-]{50,500}
    an npm token | | npm_ | [A-Za-z0-9]{36}
    a PyPI token | | pypi-AgE | [A-Za-z0-9_-]{50,1000}
    a Hugging Face token | | hf_ | [A-Za-z0-9]{34}
    a SendGrid key | SG. | | [A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}
    a Vault token | hvs. | | [A-Za-z0-9_-]{60,300}
    a Vault token | hvb. | | [A-Za-z0-9_-]{60,300}
    a DigitalOcean token | | do | [opr]_v1_[0-9a-f]{64}
    a Shopify token | | shp | (?:at|ca|pa|ss)_[0-9a-fA-F]{32}
    a Databricks token | | dapi | [0-9a-f]{32}(?:-[0-9]{1,2})?
    a Groq key | | gsk_ | [A-Za-z0-9]{52}
    an xAI key | | xai- | [A-Za-z0-9]{70,90}
    a Perplexity key | | pplx- | [A-Za-z0-9]{40,60}
    a Replicate token | | r8_ | [A-Za-z0-9]{37}
    a Supabase key | | sbp_ | [0-9a-f]{40}
    a Supabase key | | sb_secret_ | [A-Za-z0-9_-]{20,60}
    a Linear key | | lin_api_ | [A-Za-z0-9]{40}
    a Notion token | | ntn_ | [A-Za-z0-9]{40,60}
    a Grafana token | | glsa_ | [A-Za-z0-9]{32}_[0-9a-fA-F]{8}
    a Mailgun key | | key- | [0-9a-f]{32}
    an age secret key | | AGE-SECRET-KEY- | (?:PQ-)?1[02-9AC-HJ-NP-Z]{58,120}
    a Telegram bot token | : | AA | [A-Za-z0-9_-]{33}
    """
)

_TELEGRAM_ID: Final = re.compile(rb"(?<![0-9])[0-9]{8,10}:$")
_GLM: Final = re.compile(rb"[0-9a-f]{32}\.(?P<rest>[A-Za-z0-9]{16})(?![A-Za-z0-9_-])")
_DISCORD: Final = re.compile(rb"(?P<id>[MNO][A-Za-z0-9]{22,27})\.[\w-]{6}\.[\w-]{27,38}(?![\w-])")
_JWT: Final = re.compile(
    rb"eyJ[\w-]{10,400}\.(?P<claims>eyJ[\w-]{10,3000})\.(?P<value>[\w-]{20,700})(?![\w.-])"
)
_HOLDER: Final = re.compile(
    rb"(?:bearer|jwt|token|auth|authorization|secret|key|password)[\"'=: \t]{1,8}"
    rb"(?:bearer )?[\"']?$",
    re.IGNORECASE,
)
_ACCESS_ID: Final = re.compile(rb"(?:(?:AKIA|ASIA)[A-Z2-7]{16}|LTAI[A-Za-z0-9]{12,20})(?![\w-])")
_AWS_SECRET: Final = re.compile(rb"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_ALIBABA_SECRET: Final = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z0-9]{30}(?![A-Za-z0-9])")
_NEAR: Final = 300
_WEBHOOK: Final = re.compile(
    rb"hooks(?:\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/(?P<slack>[A-Za-z0-9]{24})"
    rb"|/[0-9]{17,20}/(?P<discord>[\w-]{60,80}))(?![\w-])"
)


_compiled = cache(re.compile)


def token_at(text: bytes, start: int) -> str | None:
    """Judge a run of at least 20 letters, digits, `_` and `-` that begins here."""
    before = text[start - 1 : start]
    if before == b"\\":  # `\n` of a text in quotes: its letter is not part of the run
        start += 1
    if before == b"+":  # within base64
        return None
    for key in (text[start], 0):
        for shape in SHAPES.get(key, ()):
            if not text.startswith(shape.starts, start):
                continue
            if shape.before and not text.endswith(shape.before, 0, start):
                continue
            # Compiled when one begins so: 40 at the start would be felt.
            found = _compiled(shape.pattern).match(text, start)
            if found is None or is_placeholder(found[0][len(shape.starts) :]):
                continue
            if shape.before == b":" and not _TELEGRAM_ID.search(text, max(0, start - 12), start):
                continue
            return shape.kind
    return _pair_at(text, start) or _dotted_at(text, start) or _encoded_key_at(text, start)


def _pair_at(text: bytes, start: int) -> str | None:
    """The id of an access key tells nothing; with its secret nearby it does."""
    found = _ACCESS_ID.match(text, start)
    if found is None:
        return None
    is_aws = found[0].startswith(b"A")
    near = _AWS_SECRET if is_aws else _ALIBABA_SECRET
    for other in near.finditer(text, max(0, start - _NEAR), found.end() + _NEAR):
        if is_mixed(other[0]) and not any(map(is_placeholder, (found[0][4:], other[0]))):
            return "an AWS access key" if is_aws else "an Alibaba Cloud access key"
    return None


def _dotted_at(text: bytes, start: int) -> str | None:
    found = _GLM.match(text, start)
    if found and is_mixed(found["rest"], digits=0) and not is_placeholder(found["rest"]):
        return "a GLM key"
    found = _DISCORD.match(text, start)
    if found and decoded(found["id"]).isdigit():
        return "a Discord token"
    if not text.startswith(b"eyJ", start):
        return None
    found = _JWT.match(text, start)
    if found is None or is_placeholder(found["value"]):
        return None
    is_example = any(word in decoded(found["claims"]).lower() for word in _EXAMPLE_CLAIMS)
    is_held = _HOLDER.search(text, max(0, start - 40), start) is not None
    return "a signed token" if is_held and not is_example else None


_EXAMPLE_CLAIMS: Final = (b"john doe", b"1234567890", b"example", b"jane doe")


def webhook_at(text: bytes, start: int) -> str | None:
    """An address to which whoever knows it may post: Slack, Discord."""
    found = _WEBHOOK.match(text, start)
    if found is None or is_placeholder(found["slack"] or found["discord"]):
        return None
    return "a webhook address"


_KEY_HEAD: Final = re.compile(rb"(?P<dashes>-----|---- )BEGIN [A-Z0-9 ]{0,24}$")
_KEY_REST: Final = re.compile(rb"PRIVATE KEY(?: BLOCK)?(?:-----| ----)")
_KEY_BODY: Final = re.compile(
    rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,4000}+={0,2}+(?!\.\.|\xe2\x80\xa6)"
)
_PUTTY: Final = re.compile(rb"Private-Lines: [0-9]{1,3}\s{1,2}[A-Za-z0-9+/=]{40}")
_WIREGUARD: Final = re.compile(rb"PrivateKey[ \t]{0,4}=[ \t]{0,4}(?P<value>[A-Za-z0-9+/]{43}=)")
_BODY_WINDOW: Final = 1000


def private_key_at(text: bytes, start: int) -> str | None:
    """At the word `private` in any case. A header alone is a document about keys."""
    rest = _KEY_REST.match(text, start)
    if rest and _KEY_HEAD.search(text, max(0, start - 40), start):
        window = text[rest.end() : rest.end() + _BODY_WINDOW].partition(b"-----END")[0]
        body = _KEY_BODY.search(window.replace(b"\\n", b"\n").replace(b"\\r", b"\n"))
        if body and is_mixed(body[0]) and not is_placeholder(body[0]):
            return "a private key"
    if _PUTTY.match(text, start):
        return "a private key"
    found = _WIREGUARD.match(text, start)
    if found and not is_placeholder(found["value"]):
        return "a WireGuard private key"
    return assignment_at(text, start)


_ENCODED_KEY: Final = re.compile(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]{50,120}")


def _encoded_key_at(text: bytes, start: int) -> str | None:
    """A private key once more in base64, as in the settings of Kubernetes."""
    found = _ENCODED_KEY.match(text, start)
    return "a private key in base64" if found and b"PRIVATE KEY-" in decoded(found[0]) else None


_AZURE: Final = re.compile(
    rb"(?:AccountKey|(?<=Shared)AccessKey)=(?P<value>[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)"
)


def azure_key_at(text: bytes, start: int) -> str | None:
    found = _AZURE.match(text, start)
    return "an Azure key" if found and not is_placeholder(found["value"]) else None


def access_key_at(text: bytes, start: int) -> str | None:
    """`SharedAccessKey=` of Azure, or a key of anybody by its name."""
    return azure_key_at(text, start) or assignment_at(text, start)


_ADDRESS: Final = re.compile(
    rb"://(?P<user>[^\s/:@\"'<>{}$()]{0,100}):(?P<value>[^\s/:@\"'<>{}$()]{8,200})"
    rb"@(?P<host>[A-Za-z0-9.-]{1,253})"
)
_NO_HOSTS: Final = re.compile(
    rb"(?:.*\.)?example(?:\.[a-z]{2,6})?|.*\.(?:test|invalid)|host(?:name)?"
)


def address_at(text: bytes, start: int) -> str | None:
    """User and password in front of a host."""
    found = _ADDRESS.match(text, start)
    if found is None or _NO_HOSTS.fullmatch(found["host"].lower()):
        return None
    is_one = is_medium(found["value"]) and not is_placeholder(found["value"])
    return "a password in an address" if is_one else None


_BASIC: Final = re.compile(
    rb"auth(?:orization)?[\"']?\s{0,4}[:=]\s{0,8}[\"']?(?:basic )?"
    rb"(?P<value>[A-Za-z0-9+/]{12,400}={0,2})(?=[\"'\s]|$)",
    re.IGNORECASE,
)
_NPM: Final = re.compile(
    rb"auth(?:Token)?[ \t]{0,4}=[ \t]{0,4}[\"']?(?P<value>[A-Za-z0-9+/_=.-]{16,300}+)[\"']?\s"
)


# Of a registry, or alone on its line: `//registry.example.org/:_authToken=`.
_NPM_START: Final = re.compile(rb"(?://\S{1,150}:|[\r\n][ \t]{0,8})_$")


def login_at(text: bytes, start: int) -> str | None:
    """At `auth`: `user:password` in base64 (Docker, headers), and the file `.npmrc`."""
    found = _BASIC.match(text, start)
    if found:
        user, colon, password = decoded(found["value"]).partition(b":")
        is_text = (user + password).isascii() and (user + password).decode("latin-1").isprintable()
        if user and colon and is_text and len(password) >= 6 and not is_placeholder(password):
            return "a login in base64"
    found = _NPM.match(text, start) if _NPM_START.search(text, max(0, start - 200), start) else None
    if found and is_strong(found["value"]) and not is_placeholder(found["value"]):
        return "an npm token"
    return None


_NETRC: Final = re.compile(rb"password[ \t]{1,8}(?P<value>[^\s{}<>'\"]{6,200})")
_MACHINE: Final = re.compile(rb"machine\s{1,4}\S{1,100}\s{1,4}login\s{1,4}\S{1,100}\s{1,4}$")


def _netrc_at(text: bytes, start: int) -> str | None:
    found = _NETRC.match(text, start)
    if found is None or not _MACHINE.search(text, max(0, start - 230), start):
        return None
    return None if is_placeholder(found["value"]) else "a password"


_VALUE: Final = rb"(?P<value>[^\s\"'`,;<>(){}\[\]\\]{8,200})"
_ASSIGNMENT: Final = re.compile(
    rb"(?P<name>secret(?:[_-]?(?:access[_-]?)?key)?|token|passw(?:or)?d|passphrase"
    rb"|(?:api|access|private)[_-]?key)"
    rb"[\"']?[ \t]{0,4}(?:=>|:=|[=:])(?P<gap>[ \t]{0,4})(?:(?P<quote>[\"'])"
    + _VALUE
    + rb"(?P=quote)|(?P<bare>[^\s\"'`,;<>(){}\[\]\\]{8,200}+)[ \t]{0,4}(?=[\r\n]|$))",
    re.IGNORECASE,
)
_LINE_START: Final = re.compile(
    rb"(?:^|[\r\n])[ \t]{0,20}(?:- |export |set |setx |ENV |ARG |\$env:)?[\"']?[\w.-]{0,80}$"
)
_ENVIRONMENT: Final = re.compile(
    rb"(?:^|[\r\n])[ \t]{0,8}(?:export |set |ENV |ARG )?[A-Z][A-Z0-9_]{0,80}$"
)
# Most tokens are told to everybody: of the next page, of a lock, of a key of .NET. These are not.
_OF_TOKENS: Final = re.compile(
    rb"(?:access|auth|authentication|api|refresh|bearer|bot|secret|session|personal|private|deploy"
    rb"|github|gitlab|slack|npm|app|user|client)[ _-]?$|(?<![A-Za-z0-9_-])$",
    re.IGNORECASE,
)
_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MEMBER: Final = re.compile(rb"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+")
_PATH: Final = re.compile(
    rb"(?:[A-Za-z]:|[~.]{0,2})?[/\\]\S*|[a-z][a-z0-9+.-]*://.*|\S+\.(?:pem|key|crt|txt|json|ya?ml|env|md|html)"
)


def assignment_at(text: bytes, start: int) -> str | None:
    """At a telling word: a name that ends in it, and a value that is no word."""
    found = _ASSIGNMENT.match(text, start)
    if found is None:
        return _netrc_at(text, start)
    value, name = found["value"] or found["bare"], found["name"]
    is_password = name.lower().startswith(b"pass")
    is_environment = (
        name.isupper()
        and not found["gap"]
        and _ENVIRONMENT.search(text, max(0, start - 120), start + 1) is not None
    )
    may_be_made_up = is_password or is_environment
    if not (is_strong(value) or (may_be_made_up and is_medium(value))):
        return None
    if not is_environment and not _is_name(text, start, found):
        return None
    if is_placeholder(value) or _MEMBER.fullmatch(value) or _PATH.fullmatch(value):
        return None
    return "a password" if is_password else "a secret"


def _is_name(text: bytes, start: int, found: re.Match[bytes]) -> bool:
    """Whether what ends in the word names a secret of its own: no type, no query, no lock."""
    value = found["value"] or found["bare"]
    if text[start - 1 : start] == b":" or (b"&" in value and b"=" in value):
        return False
    if found["name"].lower() == b"token" and (
        _UUID.fullmatch(value) or not _OF_TOKENS.search(text, max(0, start - 40), start)
    ):
        return False
    is_quoted = found["quote"] is not None
    return is_quoted or _LINE_START.search(text, max(0, start - 120), start) is not None


# Words in small letters, and who judges the place where one stands, in any case.
ANCHORS: Final[tuple[tuple[bytes, Judge], ...]] = (
    (b"private", private_key_at),
    (b"accountkey=", azure_key_at),
    (b"access", access_key_at),
    (b"://", address_at),
    (b"auth", login_at),
    (b"pass", assignment_at),
    (b"secret", assignment_at),
    (b"token", assignment_at),
    (b"api", assignment_at),
    (b"hooks", webhook_at),
)

# A run that begins otherwise is looked at only for what stands around it.
RUN_HEADS: Final = frozenset(
    {shape.starts[:2] for row in SHAPES.values() for shape in row if shape.starts}
    | {b"AK", b"AS", b"LT", b"LS", b"ey"}
)
