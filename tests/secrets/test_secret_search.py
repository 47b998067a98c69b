"""What is found in a text, what is not, and that no content makes the search slow or large."""

from __future__ import annotations

import hashlib
import json
import random
import time
import tracemalloc
from collections.abc import Callable

import pytest

from exai_desktop.core.sniff import SecretSearch
from exai_desktop.core.sniff.secret_search import BEHIND
from exai_desktop.core.sniff.secret_values import is_placeholder

from .harmless import document, harmless
from .planted import ALNUM, PLANTED, mixed, pem, text

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-8 with a mark": lambda t: t.encode("utf-8-sig"),
    "UTF-16 little": lambda t: b"\xff\xfe" + t.encode("utf-16-le"),
    "UTF-16 big": lambda t: b"\xfe\xff" + t.encode("utf-16-be"),
    "CRLF": lambda t: t.replace("\n", "\r\n").encode(),
}
EACH = 150


def told(content: bytes, block: int = 1024 * 1024) -> str | None:
    search = SecretSearch()
    for start in range(0, len(content), block):
        search.feed(content[start : start + block])
    search.finish()
    return search.told()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", PLANTED)
def test_each_kind_is_found_everywhere_in_a_file(kind: str, encoding: str) -> None:
    rng = random.Random(kind)
    filler = document(rng) * 30
    places = {
        "alone": ("", ""),
        "at the start": ("", "\n" + filler),
        "at the end": (filler + "\n", ""),
        "in the middle": (filler + "\n", "\n" + filler),
    }
    missed = [
        place
        for place, (before, behind) in places.items()
        if told(ENCODINGS[encoding](before + PLANTED[kind](rng) + behind)) is None
    ]
    assert not missed


@pytest.mark.parametrize("kind", PLANTED)
def test_each_kind_is_found_across_the_edges_of_blocks(kind: str) -> None:
    """The text is told apart in pieces; a secret may lie on every edge between two."""
    rng = random.Random(kind)
    secret = "\n" + PLANTED[kind](rng) + "\n"
    filler = (document(rng) * 30)[: 64 * 1024 + BEHIND]
    for shift in range(0, len(secret) + 40, max(5, len(secret) // 15)):
        content = (filler[: 64 * 1024 - shift] + secret + filler).encode()
        assert told(content), shift
    assert told((filler[:5000] + secret + filler[:5000]).encode(), block=997)


def test_the_line_and_the_kind_are_told_and_nothing_else() -> None:
    rng = random.Random(1)
    key, token = pem(rng, "RSA"), "gh" + "p_" + text(rng, ALNUM, 36)
    content = f"one\ntwo\n{key}\nlast {token}\n"
    said = told(content.encode())
    assert said == f"a private key in line 3, a GitHub token in line {content.count(chr(10))}"
    assert told(content.encode("utf-16")) == said
    many = "\n".join("gh" + "p_" + text(rng, ALNUM, 36) for _ in range(9))
    assert told(many.encode()) == (
        "a GitHub token in line 1, a GitHub token in line 2, a GitHub token in line 3 and more"
    )


def test_lines_are_counted_over_blocks_and_in_wide_text() -> None:
    rng = random.Random(2)
    # Its second byte is a line end: only whole characters may be counted.
    text_before = "\u4e0a\u0a05\n" * 70_000
    content = text_before + "sk" + "-" + text(rng, ALNUM, 48)
    assert told(content.encode("utf-16")) == "an API key in line 70,001"
    assert told(content.encode()) == "an API key in line 70,001"


def test_harmless_files_raise_fewer_than_one_alarm_in_500() -> None:
    count, alarms = 0, []
    for name, content in harmless(EACH):
        count += 1
        if (said := told(content)) is not None:
            alarms.append((name, said))
    assert count >= 2_000
    assert len(alarms) * 500 < count, alarms[:20]


@pytest.mark.parametrize(
    "value",
    [
        "changeme", "your-key-here", "YOUR_API_KEY", "xxxxxxxxxxxxxxxx", "aaaaaaaaaaaaaaaa",
        "<token>", "${DB_PASSWORD}", "{{ password }}", "AKIAIOSFODNN7EXAMPLE", "my-secret-token",
        "password123", "test1234", "***********", "insert-token-here", "1234567890abcdef",
    ],
)  # fmt: skip
def test_what_stands_for_a_secret_is_none(value: str) -> None:
    assert is_placeholder(value.encode())
    for line in (f"API_TOKEN={value}\n", f'password = "{value}"\n', f"https://a:{value}@host.io/"):
        assert told(line.encode()) is None


@pytest.mark.parametrize(
    "lines",
    [
        "-----BEGIN PRIVATE KEY-----\n(the key)\n-----END PRIVATE KEY-----",
        "ssh-keygen writes id_rsa and id_rsa.pub",
        "AKIA" + "Q7RZT5XNBVLKMWPD",
        "git log -1 --format=%H gives " + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        'publicKeyToken="1fc8b3b9a1e18e3b"',
        '"nextPageToken": "CAUQAQ9f86d081884c7d659a2f"',
    ],
    ids=["a header", "a name", "an id alone", "a commit", "of .NET", "of a page"],
)
def test_what_only_belongs_to_keys_is_no_secret(lines: str) -> None:
    assert told(lines.encode()) is None


HOSTILE: dict[str, bytes] = {
    "headers": b"-----BEGIN " + b"PRIVATE KEY----- ",
    "assignments": b"password=",
    "quotes": b'api_key="',
    "addresses": b"://a:bcdefgh1",
    "tokens": b"ey" + b"J" + b"a" * 30 + b".",
    "one run": b"A",
    "prefixes": b"gh" + b"p_",
    "secrets": b"AK" + b"IAQ7RZT5XNBVLKMWPD ",
    "base64": b"LS0tLS1CRUdJTi",
    "dots": b"0123456789abcdef0123456789abcdef.",
    "auth": b'"auth":"aaaaaaaaaaaaaaaa',
    "machine": b"machine a login a password ",
    "spaces": b"secret          ",
}


def _cost(content: bytes) -> float:
    """Processor time, the least of three."""
    times = []
    for _ in range(3):
        began = time.process_time()
        told(content)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_costs_time_in_proportion_to_its_size(name: str) -> None:
    piece = HOSTILE[name]
    small = piece * (32 * 1024 // len(piece))
    cost = _cost(small)
    assert _cost(small * 4) < 10 * cost + 0.1
    # Bounded against what hashing the same bytes a number of times takes.
    began = time.process_time()
    for _ in range(15_000):
        hashlib.sha256(small).digest()
    assert cost < time.process_time() - began


def test_ordinary_text_is_searched_fast() -> None:
    content = b"\n".join(body for _, body in harmless(3)) * 4
    began = time.process_time()
    for _ in range(200):
        hashlib.sha256(content).digest()
    assert _cost(content) < time.process_time() - began


def test_memory_does_not_grow_with_the_file() -> None:
    block = (document(random.Random(3)) * 100).encode()[: 256 * 1024]
    search = SecretSearch()
    search.feed(block)
    tracemalloc.start()
    for _ in range(4):
        search.feed(block)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1024 * 1024


def test_nothing_of_the_secret_is_told() -> None:
    rng = random.Random(4)
    for kind, made in PLANTED.items():
        secret = made(rng)
        said = told(secret.encode()) or ""
        longest = max(secret.replace('"', " ").split(), key=len)
        assert all(longest[i : i + 8] not in said for i in range(len(longest) - 8)), kind
        assert json.dumps(said).isascii()


def test_a_made_up_password_is_found_and_a_word_is_not() -> None:
    rng = random.Random(5)
    assert told(f"DB_PASSWORD={mixed(rng, ALNUM, 9)}\n".encode()) == "a password in line 1"
    assert told(b"DB_PASSWORD=optional\n") is None
