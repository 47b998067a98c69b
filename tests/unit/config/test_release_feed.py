"""The signed list of versions: believed when it is the project's and no older than the last one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exai_desktop.config.installation import release_feed
from exai_desktop.config.installation.release_feed import ReleasePlace, SignedReleases
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import Release
from exai_desktop.core.settings import Settings

NOW = 1_800_000_000.0
PAGE = "https://downloads.example/2.0"
KEY = Ed25519PrivateKey.from_private_bytes(b"not a real key, only for a test!")


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def signed(text: str, key: Ed25519PrivateKey = KEY, purpose: bytes = release_feed.PURPOSE) -> bytes:
    signature = key.sign(purpose + text.encode()).hex()
    return json.dumps({"signed": text, "signature": signature}).encode()


def listed(number: int = 5, version: str = "2.0", **other: Any) -> str:
    fields = {"product": "exai-desktop", "number": number, "version": version, "page": PAGE}
    return json.dumps(fields | {"valid_until": int(NOW) + 60, "notes": "Faster."} | other)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignedReleases:
    monkeypatch.setattr(release_feed, "__version__", "1.5.0")
    return SignedReleases(
        tmp_path / "seen.json", ReleasePlace("https://x.example/", (public(KEY),))
    )


def test_what_was_seen_is_kept(book: SignedReleases, tmp_path: Path) -> None:
    assert book.last() is None
    found = book.take(signed(listed()), NOW)
    assert found == Release("2.0", PAGE, "Faster.", NOW, is_newer=True)
    again = SignedReleases(tmp_path / "seen.json", ReleasePlace("", ()))
    assert again.last() == found


@pytest.mark.parametrize(
    ("version", "is_newer"), [("1.5", False), ("1.5.0.1", True), ("1.10", True), ("1.4.9", False)]
)
def test_versions_are_compared_by_their_numbers(
    book: SignedReleases, version: str, is_newer: bool
) -> None:
    assert book.take(signed(listed(version=version)), NOW).is_newer is is_newer


@pytest.mark.parametrize(
    ("later", "why"),
    [
        ({"number": 4}, "older list"),
        ({"number": 6, "version": "1.9"}, "older than the one named before"),
        ({"number": 6, "valid_until": int(NOW) - 1}, "too old"),
        ({"number": 6, "product": "another"}, "product"),
        ({"number": True}, "number"),
        ({"number": 6, "page": "file:///etc/passwd"}, "page"),
        ({"number": 6, "version": "2.0; rm"}, "version"),
        ({"number": 6, "notes": "x" * 2_001}, "notes"),
    ],
    ids=["replayed", "downgraded", "withheld", "other", "type", "page", "version", "notes"],
)
def test_what_is_signed_but_old_or_odd_is_refused(
    book: SignedReleases, later: dict[str, Any], why: str
) -> None:
    kept = book.take(signed(listed()), NOW)
    with pytest.raises(EngineError, match=why) as refused:
        book.take(signed(listed(**later)), NOW)
    assert refused.value.code is ErrorCode.UPDATE_FEED_REFUSED
    assert book.last() == kept


@pytest.mark.parametrize(
    "raw",
    [
        signed(listed(), Ed25519PrivateKey.generate()),
        signed(listed(), purpose=b""),
        signed(listed()).replace(b"2.0", b"3.0"),
        b"",
        b"[]",
        b"{}",
        b'{"signed": 1, "signature": 2}',
        b"[" * 60_000,
        b"x" * 70_000,
    ],
    ids=["stranger", "other purpose", "changed", "empty", "list", "bare", "types", "deep", "large"],
)
def test_what_the_project_has_not_signed_is_refused(book: SignedReleases, raw: bytes) -> None:
    with pytest.raises(EngineError) as refused:
        book.take(raw, NOW)
    assert refused.value.code is ErrorCode.UPDATE_FEED_REFUSED
    assert book.last() is None


@pytest.mark.parametrize("text", ["null", "[]", "{", "[" * 50_000], ids=["null", "[]", "{", "deep"])
def test_what_is_signed_but_no_list_is_refused(book: SignedReleases, text: str) -> None:
    with pytest.raises(EngineError, match=r"not as it should be|too large"):
        book.take(signed(text), NOW)


def test_a_second_key_is_believed_as_well(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"another one that is not real too")
    book = SignedReleases(tmp_path / "seen.json", ReleasePlace("", (public(other), public(KEY))))
    assert book.take(signed(listed(), KEY), NOW).version == "2.0"


def test_a_damaged_memory_is_none(book: SignedReleases, tmp_path: Path) -> None:
    for content in (b"{", b"{}", json.loads(signed(listed()))["signed"].encode()):
        (tmp_path / "seen.json").write_bytes(content)
        assert book.last() is None
    assert book.take(signed(listed()), NOW).version == "2.0"


def test_without_a_key_no_address_is_asked(tmp_path: Path) -> None:
    assert SignedReleases(tmp_path / "x", ReleasePlace("https://x.example/", ())).address() == ""
    assert SignedReleases(tmp_path / "x", ReleasePlace("https://a/", ("k",))).address()


def test_the_place_of_this_build_can_be_read() -> None:
    place = release_feed.release_place()
    assert bool(place.address) == bool(place.keys)


def test_an_address_must_be_secure() -> None:
    assert Settings(update_address="https://downloads.example/releases.json").update_address
    for address in ("http://downloads.example/x", "https://a@b/x", "https://a/x?y", "file:///x"):
        with pytest.raises(ValueError, match="update_address"):
            Settings(update_address=address)
