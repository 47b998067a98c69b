"""The chain of the audit trail: whatever is done to a row is found, at that row."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.audit.audit import (
    COLUMNS,
    NO_KEY,
    SEALED_COLUMNS,
    START,
    AuditAnchor,
    AuditRow,
    Seal,
    canonical,
    key_id,
    mac_of,
    utc_text,
)
from exai_desktop.core.audit.check import (
    IN_FILE,
    Anchoring,
    AuditHead,
    AuditReport,
    AuditState,
    ChainCheck,
)

KEY = bytes(range(32))
OTHER_KEY = bytes(32)
SEAL = Seal(KEY, "the test")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SOME_TEXT = st.none() | TEXT
NUMBER = st.none() | st.integers(0, 2**53)


def chain(count: int, key: bytes = KEY, first: Sequence[AuditRow] = ()) -> list[AuditRow]:
    """Rows as the program writes them, behind `first`."""
    rows = list(first)
    for seq in range(len(rows) + 1, len(rows) + count + 1):
        previous = rows[-1].mac if rows else START
        rows.append(sealed(plain(seq, previous), key))
    return rows


def plain(seq: int, previous: str) -> AuditRow:
    return AuditRow(
        seq=seq,
        at=utc_text(1_700_000_000.0 + seq),
        actor="tester",
        action="job.done",
        job_id=seq,
        path_text=f"/tmp/字 {seq}.pdf",
        account="kimi",
        provider="kimi",
        purpose="file-extract",
        remote_id=f"f{seq}",
        sha256="ab" * 32,
        bytes=10 * seq,
        outcome="ok",
        error_code=None,
        detail="{}",
        key_id="",
        previous=previous,
        mac="",
    )


def sealed(row: AuditRow, key: bytes = KEY) -> AuditRow:
    row = replace(row, key_id=key_id(key))
    return replace(row, mac=mac_of(key, astuple(row)[:-1]))


def verdict(
    rows: Sequence[AuditRow], anchor: AuditAnchor | None = None, seal: Seal = SEAL, piece: int = 4
) -> AuditReport:
    check = ChainCheck(seal, Anchoring(anchor))
    for start in range(0, len(rows), piece):
        if not check.see(rows[start : start + piece]):
            break
    return check.report()


def test_a_chain_as_it_was_written_is_whole() -> None:
    rows = chain(10)
    assert verdict(rows) == AuditReport(
        10, True, "the test", newest_mac=rows[-1].mac, digest=digest(rows)
    )
    assert verdict([]) == AuditReport(0, True, "the test")


def digest(rows: Sequence[AuditRow]) -> str:
    """As docs/command-line.md has it, and without a key."""
    found = START
    for row in rows:
        values = [getattr(row, name) for name in SEALED_COLUMNS]
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        found = hashlib.sha256((found + text + row.mac).encode()).hexdigest()
    return found


def test_a_mac_can_be_made_without_this_program() -> None:
    row = chain(1)[0]
    values = [getattr(row, name) for name in COLUMNS if name != "mac"]
    message = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    assert hmac.new(KEY, message, hashlib.sha256).hexdigest() == row.mac
    assert COLUMNS[:-1] == SEALED_COLUMNS


def test_the_canonical_form_is_one_for_equal_values() -> None:
    assert canonical({"b": 1, "a": "é\n\u2028"}) == '{"a":"é\\n\u2028","b":1}'
    assert canonical({"a": None}) != canonical({"a": ""})


@st.composite
def changed(draw: st.DrawFn) -> tuple[int, AuditRow]:
    """A row's place and what somebody made of it."""
    rows = chain(9)
    place = draw(st.integers(0, 8))
    row = rows[place]
    name = draw(st.sampled_from([name for name in COLUMNS if name != "seq"]))
    kind = NUMBER if name in ("job_id", "bytes") else SOME_TEXT
    value = draw(kind.filter(lambda value: value != getattr(row, name)))
    return place, replace(row, **{name: value})  # type: ignore[arg-type]


@given(changed())
def test_any_change_to_any_field_is_found_where_it_is(change: tuple[int, AuditRow]) -> None:
    place, row = change
    rows = chain(9)
    rows[place] = row
    report = verdict(rows)
    assert (report.ok, report.broken_at, report.rows) == (False, place + 1, place)
    assert report.problem


@given(st.integers(0, 7))
def test_a_row_taken_out_is_missed_at_its_number(place: int) -> None:
    rows = chain(9)
    del rows[place]
    report = verdict(rows)
    assert (report.broken_at, report.problem) == (place + 1, "the row is missing")


@given(st.lists(st.integers(0, 8), min_size=2, max_size=2, unique=True))
def test_swapped_rows_are_found_at_the_first(places: list[int]) -> None:
    first, second = sorted(places)
    rows = chain(9)
    a, b = rows[first], rows[second]
    rows[first], rows[second] = replace(b, seq=a.seq), replace(a, seq=b.seq)
    assert verdict(rows).broken_at == first + 1


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 8))
def test_a_row_pushed_in_is_found(seq: int, source: int) -> None:
    rows = chain(9)
    if 1 <= seq <= 9:
        return  # the number is taken
    rows = sorted([*rows, replace(rows[source], seq=seq)], key=lambda row: row.seq)
    assert verdict(rows).broken_at == (seq if seq <= 10 else 10)


def test_a_tail_forged_without_the_key_is_found() -> None:
    forged = chain(3, NO_KEY, first=chain(4))
    report = verdict(forged)
    assert report.broken_at == 5
    assert report.problem is not None
    assert key_id(NO_KEY) in report.problem


def test_text_that_is_not_utf8_is_a_wrong_text() -> None:
    rows = chain(3)
    rows[1] = replace(rows[1], account="\udcff", mac="\udcff")
    assert verdict(rows).broken_at == 2


def test_rows_of_two_keys_and_what_each_is_worth() -> None:
    rows = chain(2, OTHER_KEY, first=chain(3))
    both = Seal(KEY, "the keyring", (OTHER_KEY,), frozenset({key_id(OTHER_KEY)}))
    report = verdict(rows, seal=both)
    assert (report.ok, report.rows, report.by_file) == (True, 5, 2)
    assert verdict(rows).broken_at == 4


def test_the_seal_does_not_show_its_keys() -> None:
    assert repr(Seal(b"secret key", "x", (b"other secret",))).count("secret") == 0


def anchor(row: AuditRow, key: bytes = KEY) -> AuditAnchor:
    return Seal(key).anchor(row.seq, row.mac, "then")


@given(st.integers(1, 9), st.integers(0, 9))
def test_a_cut_tail_is_seen_against_the_anchor(anchored: int, left: int) -> None:
    rows = chain(9)
    report = verdict(rows[:left], anchor(rows[anchored - 1]))
    assert report.ok is (left >= anchored)
    assert report.broken_at == (None if report.ok else left + 1)
    assert (report.anchored_seq, report.anchored_at) == (anchored, "then")


def test_a_tail_written_anew_is_seen_against_the_anchor() -> None:
    rows = chain(9)
    tail = sealed(replace(plain(6, rows[4].mac), action="another"))
    anew = chain(4, first=[*rows[:5], tail])
    assert verdict(anew).ok
    assert verdict(anew, anchor(rows[4])).ok
    assert verdict(anew, anchor(rows[7])).broken_at == 8


@pytest.mark.parametrize(
    "change", [{"seq": 3}, {"mac": "00"}, {"at": "now"}, {"key_id": "00"}, {"seal": "00"}]
)
def test_an_anchor_that_was_changed_is_no_proof(change: dict[str, str | int]) -> None:
    rows = chain(5)
    report = verdict(rows, replace(anchor(rows[3]), **change))  # type: ignore[arg-type]
    assert not report.ok
    assert report.anchored_seq is None
    assert "anchor" in (report.problem or "")


def test_only_an_anchor_of_ours_is_genuine() -> None:
    seal, noted = Seal(KEY), anchor(chain(3)[2])
    assert seal.genuine(noted) == noted
    assert seal.genuine(replace(noted, seq=4)) is None
    assert seal.genuine(None) is None


def test_a_broken_row_counts_more_than_a_changed_anchor() -> None:
    rows = chain(5)
    rows[1] = replace(rows[1], bytes=1)
    assert verdict(rows, replace(anchor(rows[3]), mac="00")).broken_at == 2


# -- what is noted outside the database


def noted(
    rows: Sequence[AuditRow], known: Anchoring, seal: Seal = SEAL, begin: AuditHead | None = None
) -> AuditReport:
    check = ChainCheck(seal, known) if begin is None else ChainCheck(seal, known, begin)
    check.see(rows)
    return check.report()


BOTH = Seal(KEY, "the keyring", (OTHER_KEY,), frozenset({key_id(OTHER_KEY)}))
OURS = frozenset({key_id(KEY)})


def test_rows_sealed_anew_with_a_key_that_is_not_accepted_are_found() -> None:
    """Case S5: somebody seals all rows with an own key in the file, and deletes the anchor."""
    forged = chain(20, OTHER_KEY)
    report = noted(forged, Anchoring(None, OURS, "the keyring"), BOTH)
    assert (report.state, report.ok, report.broken_at) == (AuditState.BROKEN, False, 1)
    assert report.words == (
        "The audit trail is not intact from row 1: the row is sealed with a key that is not"
        f" accepted in: the keyring ({key_id(OTHER_KEY)})."
    )
    # Only behind the rows that are anchored, too.
    rows = chain(3)
    tail = chain(2, OTHER_KEY, first=rows)
    assert noted(tail, Anchoring(anchor(rows[2]), OURS, "the keyring"), BOTH).broken_at == 4
    accepted = OURS | {key_id(OTHER_KEY)}
    assert noted(tail, Anchoring(anchor(rows[2]), accepted, "the keyring"), BOTH).ok


def test_rows_without_the_anchor_that_must_be_there_are_found() -> None:
    """Case S5: rows are cut, and the anchor is deleted."""
    lost = Anchoring(None, OURS, "the keyring")
    report = noted(chain(3), lost)
    assert (report.state, report.broken_at, report.rows) == (AuditState.BROKEN, None, 3)
    assert report.words == (
        "The audit trail is not intact: there are 3 rows, and the anchor is missing in: the"
        " keyring."
    )
    assert noted([], lost).ok


def test_an_accepted_key_that_is_gone_is_told() -> None:
    rows = chain(3, OTHER_KEY)
    known = Anchoring(None, frozenset({key_id(OTHER_KEY)}), "the keyring")
    report = noted(rows, known)
    assert (report.state, report.broken_at) == (AuditState.BROKEN, 1)
    assert "not available" in (report.problem or "")


def test_a_key_store_that_is_away_is_a_state_of_its_own() -> None:
    rows = chain(3, OTHER_KEY)
    away = Anchoring(anchor(rows[1], OTHER_KEY), away="the vault is locked")
    report = noted(rows, away, Seal(OTHER_KEY))
    assert (report.state, report.ok, report.rows) == (AuditState.UNCONFIRMED, False, 3)
    assert report.words == "The audit trail cannot be confirmed now: the vault is locked."
    assert report.anchor_words == "Not anchored now: the vault is locked."
    # Rows whose key is in it cannot be checked; that is no forgery.
    report = noted(chain(3), away, Seal(OTHER_KEY))
    assert (report.state, report.broken_at) == (AuditState.UNCONFIRMED, 1)
    report = noted(rows, Anchoring(anchor(rows[1]), away="the vault is locked"), Seal(OTHER_KEY))
    assert report.state is AuditState.UNCONFIRMED
    assert (
        report.problem == f"the anchor is sealed with a key that is not available ({key_id(KEY)})"
    )
    # What is changed is found in that state, too.
    rows[1] = replace(rows[1], bytes=1)
    assert noted(rows, away, Seal(OTHER_KEY)).state is AuditState.BROKEN


def test_where_the_anchor_is_stands_in_words() -> None:
    rows = chain(3)
    assert noted(rows, Anchoring()).anchor_words.startswith("No row is anchored yet")
    in_file = noted(rows, Anchoring(anchor(rows[2])))
    assert (in_file.state, in_file.anchored_in) == (AuditState.INTACT, IN_FILE)
    assert "only in a file of the profile" in in_file.anchor_words
    outside = noted(rows, Anchoring(anchor(rows[2]), OURS, "vault"))
    assert outside.anchor_words == "Rows up to 3 are anchored in: vault (then)."
    assert outside.words == "The audit trail is intact: 3 rows."
    empty = Anchoring(Seal(KEY).anchor(0, START, "then"), OURS, "vault")
    assert noted(rows, empty).ok
    assert noted(rows, empty).anchor_words.startswith("No row is anchored yet")


def test_rows_accepted_without_their_keys_stay_as_they_were() -> None:
    """A profile that came from another computer, whose keyring has the key of its rows."""
    rows = chain(3, first=chain(4, OTHER_KEY))
    taken = AuditHead(4, rows[3].mac, digest(rows[:4]))
    known = Anchoring(anchor(rows[6]), OURS, "the keyring", taken=taken)
    report = noted(rows, known)
    assert (report.state, report.rows, report.without_keys) == (AuditState.INTACT, 7, 4)
    assert noted(rows, replace(known, taken=replace(taken, seq=3))).broken_at == 3
    for place in range(4):
        changed = [*rows]
        changed[place] = replace(rows[place], bytes=1)
        assert noted(changed, known).broken_at == 4
    # What can be checked is checked.
    own = chain(7)
    own[1] = replace(own[1], bytes=1)
    assert noted(own, known).broken_at == 2


@given(st.integers(0, 8))
def test_a_check_may_begin_at_a_row_that_is_confirmed(seq: int) -> None:
    rows = chain(9)
    mac = rows[seq - 1].mac if seq else START
    head = AuditHead(seq, mac, digest(rows[:seq]))
    report = noted(rows[seq:], Anchoring(anchor(rows[8])), begin=head)
    assert (report.ok, report.rows, report.digest) == (True, 9, digest(rows))
    assert noted(rows[seq:], Anchoring(), begin=replace(head, mac="00")).broken_at == seq + 1


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250000Z"),
        (-5.0, "1970-01-01T00:00:00.000000Z"),
        (1e300, "9999-12-31T23:59:59.000000Z"),
    ],
)
def test_moments_are_written_so_that_they_sort(at: float, text: str) -> None:
    assert utc_text(at) == text
