"""A signed export is checked without any secret, and each change in it is found."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exai_desktop.config.audit_signing import signature_fits
from exai_desktop.core.audit.audit import (
    SEALED_COLUMNS,
    START,
    AuditRow,
    canonical,
    digest_after,
    key_id,
    mac_of,
    sealed_text,
    utc_text,
)
from exai_desktop.core.audit.signing import (
    DAY,
    DAY_SIGNED,
    EXPORT,
    AuditSignature,
    ExportCheck,
    ExportReport,
    detail_of_day,
    first_line,
    last_line,
    line_of_row,
    public_key_in,
    signature_of_day,
    signed_text,
)

KEY = bytes(range(32))
SIGNING = Ed25519PrivateKey.from_private_bytes(KEY)
PUBLIC = SIGNING.public_key().public_bytes_raw().hex()
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOON, DAY_S = 1_700_049_600.0, 86_400.0

Lines = list[dict[str, Any]]


def signature(
    kind: str, at: str, seq: int, digest: str, by: Ed25519PrivateKey = SIGNING
) -> AuditSignature:
    public = by.public_key().public_bytes_raw().hex()
    made = by.sign(signed_text(kind, at, seq, digest)).hex()
    return AuditSignature(at, seq, digest, public, made)


def row(seq: int, previous: str, at: float, action: str, detail: str) -> AuditRow:
    made = AuditRow(
        seq=seq,
        at=utc_text(at),
        actor="tester",
        action=action,
        job_id=seq,
        path_text=f"/tmp/字 {seq}.pdf",
        account="kimi",
        provider="kimi",
        purpose="file-extract",
        remote_id=None,
        sha256="ab" * 32,
        bytes=10 * seq,
        outcome="ok",
        error_code=None,
        detail=detail,
        key_id=key_id(KEY),
        previous=previous,
        mac="",
    )
    return replace(made, mac=mac_of(KEY, [getattr(made, name) for name in SEALED_COLUMNS]))


def exported(days: int = 3, a_day: int = 4, by: Ed25519PrivateKey = SIGNING) -> Lines:
    """An export over so many days; each day begins with the signature of the one before."""
    lines: Lines = [first_line(PUBLIC)]
    seq, mac, digest = 0, START, START

    def add(at: float, action: str, detail: str) -> None:
        nonlocal seq, mac, digest
        seq += 1
        made = row(seq, mac, at, action, detail)
        mac, digest = made.mac, digest_after(digest, sealed_text(made), made.mac)
        lines.append(line_of_row(made, digest))

    for day in range(days):
        at = NOON + day * DAY_S
        if day:
            ended = signature(DAY, utc_text(at - DAY_S)[:10], seq, digest, by)
            add(at, DAY_SIGNED, canonical(detail_of_day(ended)))
        for _ in range(a_day):
            add(at, "job.done", "{}")
    lines.append(last_line(signature(EXPORT, utc_text(at), seq, digest, by)))
    return lines


def verdict(lines: Sequence[dict[str, Any] | str], *keys: str) -> ExportReport:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return ExportCheck(keys or (PUBLIC,), signature_fits).report(f"{text}\n" for text in texts)


def resealed(lines: Lines) -> Lines:
    """As somebody who makes all that needs no private key anew, the chain with its key as well."""
    mac, digest = START, START
    for line in lines[1:-1]:
        values = {name: line[name] for name in SEALED_COLUMNS} | {"previous": mac}
        line.update(values, mac=mac_of(KEY, list(values.values())))
        made = AuditRow(**{name: line[name] for name in (*SEALED_COLUMNS, "mac")})
        mac, digest = made.mac, digest_after(digest, sealed_text(made), made.mac)
        line["digest"] = digest
    lines[-1]["digest"] = digest
    return lines


def test_an_export_as_it_was_written_is_intact() -> None:
    lines = exported()
    assert verdict(lines) == ExportReport(True, 14, 2, at=utc_text(NOON + 2 * DAY_S))
    assert len(lines) == 16
    assert verdict([first_line(PUBLIC), last_line(signature(EXPORT, "now", 0, START))]).ok


def test_another_program_can_check_it_by_the_document_alone() -> None:
    """Nothing of ours: as docs/command-line.md, *Signed exports*, has it."""

    def text(values: list[Any]) -> bytes:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()

    def is_signed(kind: str, at: str, seq: int, found: dict[str, Any]) -> None:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found["public_key"]))
        message = text(["exai-desktop-audit", 1, kind, at, seq, found["digest"]])
        key.verify(bytes.fromhex(found["signature"]), message)

    first, *rows, end = [json.loads(json.dumps(line)) for line in exported()]
    assert (first["format"], first["version"], first["public_key"]) == (
        "exai-desktop-audit",
        1,
        PUBLIC,
    )
    digests, previous = ["0" * 64], "0" * 64
    for number, found in enumerate(rows, 1):
        *values, mac, digest = found.values()
        assert len(values) == 17
        assert (found["seq"], found["previous"]) == (number, previous)
        whole = digests[-1].encode() + text(values) + mac.encode()
        assert digest == hashlib.sha256(whole).hexdigest()
        digests.append(digest)
        previous = mac
        if found["action"] == "audit.day_signed":
            signed = json.loads(found["detail"])
            assert signed["digest"] == digests[signed["seq"]]
            is_signed("day", signed["day"], signed["seq"], signed)
    assert (end["end"], end["digest"]) == (len(rows), digests[-1])
    is_signed("export", end["at"], end["end"], end)


# One of them for each thing that can be done to a line.
def _change(lines: Lines, chance: random.Random) -> None:
    line = chance.choice(lines[1:-1])
    name = chance.choice([*SEALED_COLUMNS, "mac", "digest"])
    value = line[name]
    line[name] = value + 1 if isinstance(value, int) else f"{value or ''}x"


def _remove(lines: Lines, chance: random.Random) -> None:
    del lines[chance.randrange(1, len(lines))]


def _add(lines: Lines, chance: random.Random) -> None:
    lines.insert(chance.randrange(1, len(lines) + 1), dict(chance.choice(lines)))


def _swap(lines: Lines, chance: random.Random) -> None:
    a, b = chance.sample(range(len(lines)), 2)
    lines[a], lines[b] = lines[b], lines[a]


def _cut(lines: Lines, chance: random.Random) -> None:
    del lines[chance.randrange(1, len(lines) - 1) : -1]


def _spoil_signature(lines: Lines, chance: random.Random) -> None:
    made = lines[-1]
    name = chance.choice(["at", "digest", "signature", "public_key"])
    made[name] = made[name][:-1] + ("0" if made[name][-1] != "0" else "1")


CHANGES: list[Callable[[Lines, random.Random], None]] = [
    _change,
    _remove,
    _add,
    _swap,
    _cut,
    _spoil_signature,
]


@pytest.mark.parametrize("is_skilled", [False, True])
def test_of_a_hundred_random_changes_a_hundred_are_found(is_skilled: bool) -> None:
    """The skilled one has the secret of the chain too, and makes all anew but the signatures."""
    found, whole = 0, exported()
    for number in range(100):
        chance, lines = random.Random(number), exported()
        CHANGES[number % len(CHANGES)](lines, chance)
        if is_skilled and [set(line) for line in lines[1:-1]] == [set(whole[1])] * (len(lines) - 2):
            before = [dict(line) for line in lines]
            for seq, line in enumerate(lines[1:-1], 1):
                line["seq"] = seq
            lines = resealed(lines)
            if lines == whole:  # only what is made anew was changed: nothing is left to find
                lines = before
        report = verdict(lines)
        assert report.problem, f"{number}: {CHANGES[number % len(CHANGES)].__name__}"
        found += not report.ok
    assert found == 100


def test_the_row_that_was_changed_is_named() -> None:
    for name in (*SEALED_COLUMNS, "mac"):
        lines = exported()
        value = lines[7][name]
        lines[7][name] = value + 1 if isinstance(value, int) else f"{value or ''}x"
        report = verdict(lines)
        assert (report.ok, report.line, report.row) == (False, 8, 7), name
        assert report.rows == 6


def test_the_first_day_that_was_made_anew_is_named() -> None:
    lines = exported()
    lines[7]["path_text"] = "another"
    report = verdict(resealed(lines))
    assert (report.row, report.day) == (5, "2023-11-16")
    assert report.problem == "one of the rows 5 to 9 is not the one that was signed"
    lines = exported()
    lines[13]["path_text"] = "another"
    report = verdict(resealed(lines))
    # No day is signed behind it: the end tells.
    assert (report.line, report.row, report.day) == (16, 10, None)
    assert report.problem == "the signature does not fit"


def test_a_signature_of_somebody_else_is_none() -> None:
    another = STRANGER.public_key().public_bytes_raw().hex()
    assert "another public key" in (verdict(exported(), another).problem or "")
    forged = exported(by=STRANGER)
    assert "another key" in (verdict(forged).problem or "")
    assert another in (verdict(forged).problem or "")
    # An earlier key of the same profile can be given too.
    assert verdict(forged, PUBLIC, another).ok
    forged = exported(days=1, by=STRANGER)
    assert verdict(forged).problem == "the file is signed with another key than the one given"


def test_a_signature_is_for_one_thing_only() -> None:
    lines = exported(days=1)
    end = lines[-1]
    lines[-1] = last_line(signature(DAY, end["at"], end["end"], end["digest"]))
    assert verdict(lines).problem == "the signature does not fit"


@pytest.mark.parametrize(
    ("place", "line", "problem"),
    [
        (0, {"format": "x"}, "not a signed export"),
        (0, first_line(PUBLIC) | {"version": 2}, "newer version"),
        (0, first_line(PUBLIC) | {"more": 2}, "the first line was changed"),
        (1, "[]", "not a JSON object"),
        (1, "{", "not a JSON object"),
        (1, '{"seq": 1, "seq": 1}', "not a JSON object"),
        (1, "[" * 100_000, "not a JSON object"),
        (1, {"seq": 1}, "not a row"),
        (-1, {"end": 14}, "the last line was changed"),
    ],
)
def test_a_line_of_another_kind_is_named(
    place: int, line: dict[str, Any] | str, problem: str
) -> None:
    lines: list[dict[str, Any] | str] = [*exported()]
    lines[place] = line
    report = verdict(lines)
    assert problem in (report.problem or "")
    assert report.line == range(1, 17)[place]


@pytest.mark.parametrize("end", [True, "14", 14.0])
def test_the_last_line_has_a_number(end: object) -> None:
    lines = exported()
    lines[-1]["end"] = end
    assert verdict(lines).problem == "the last line was changed"


def test_an_empty_file_and_one_without_an_end_are_told() -> None:
    assert verdict([]).problem == "the file ends too early: its last line is missing"
    assert verdict(exported()[:-1]).line == 16
    assert verdict([*exported(), exported()[1]]).problem == "there is more behind the last line"
    lines = exported()
    lines[-1]["end"] = 13
    assert verdict(lines).problem == "the file has 14 rows, its last line says 13"


@pytest.mark.parametrize(
    ("name", "value"),
    [("seq", True), ("bytes", 1.5), ("job_id", "1"), ("at", None), ("account", 1), ("seq", "1")],
)
def test_a_value_of_another_kind_is_a_changed_row(name: str, value: object) -> None:
    lines = exported()
    lines[3][name] = value
    report = verdict(lines)
    assert (report.row, report.problem) == (
        3,
        f"the row was changed: its {name} is of another kind",
    )


def test_text_that_no_file_can_have_is_a_changed_row() -> None:
    lines = exported()
    lines[3]["account"] = "\ud800"
    assert verdict(lines).row == 3


@pytest.mark.parametrize(
    "detail",
    ["{}", "[]", "{", '{"day": 1, "seq": 1, "digest": "", "public_key": "", "signature": ""}'],
)
def test_a_row_of_a_day_without_a_signature_is_told(detail: str) -> None:
    assert signature_of_day(detail) is None
    lines = exported()
    assert lines[5]["action"] == DAY_SIGNED
    lines[5]["detail"] = detail
    report = verdict(resealed(lines))
    assert (report.row, report.problem) == (5, "the signature of a day was changed")


def test_a_day_is_signed_for_rows_before_it() -> None:
    for seq in (0, 5, 99):
        lines = exported()
        lines[5]["detail"] = canonical(detail_of_day(signature(DAY, "x", seq, START)))
        assert verdict(resealed(lines)).problem == "the signature of a day was changed"


def test_a_signature_of_a_day_comes_back_from_its_row() -> None:
    made = signature(DAY, "2023-11-15", 4, START)
    assert signature_of_day(canonical(detail_of_day(made))) == made


def test_a_public_key_is_found_in_a_text() -> None:
    assert public_key_in(f" {PUBLIC.upper()}\n") == PUBLIC
    assert public_key_in(f"the key of the office:\n{PUBLIC}\n") == PUBLIC
    assert public_key_in("key.txt") is None
    assert public_key_in("x" * 64) is None
