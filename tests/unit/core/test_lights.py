"""The light of an id: what matters most is told first, always in words."""

from dataclasses import replace

import pytest

from exai_desktop.core.copies.lights import FRESH_S, IdFacts, LightKind, is_stale, light
from exai_desktop.core.copies.models import Copy
from exai_desktop.core.copies.queries import id_facts
from exai_desktop.core.copies.words import CopyState

NOW = 1_000_000.0
DAY = 86_400.0
C, K = CopyState, LightKind


@pytest.mark.parametrize(
    ("facts", "kind", "words"),
    [
        (IdFacts(C.PRESENT, NOW - 5), K.SEEN, "Seen now"),
        (IdFacts(C.PRESENT, NOW - 300), K.SEEN, "Seen 5 min ago"),
        (IdFacts(C.PRESENT, NOW - 7_300), K.NOT_CHECKED, "Seen 2 h ago"),
        (IdFacts(C.PRESENT, NOW - 4 * DAY), K.NOT_CHECKED, "Seen 4 days ago"),
        (IdFacts(C.PRESENT, NOW - 1.5 * DAY), K.NOT_CHECKED, "Seen 1 day ago"),
        (IdFacts(C.PRESENT), K.NOT_CHECKED, "Never checked at the provider"),
        (IdFacts(C.PRESENT, NOW, None, 40), K.SHARED, "Shared by 40 names, seen now"),
        (IdFacts(C.PRESENT, NOW, NOW + 9.5 * DAY), K.EXPIRES, "Expires in 9 days, seen now"),
        (IdFacts(C.PRESENT, NOW, NOW + 90 * DAY), K.SEEN, "Seen now, expires in 90 days"),
        (IdFacts(C.PRESENT, NOW, NOW - 1), K.EXPIRES, "Should have expired, seen now"),
        (IdFacts(C.DELETED, NOW, None, 3), K.GONE, "Deleted at the provider, shared by 3 names"),
        (IdFacts(C.DELETING, NOW), K.GONE, "Deletion not confirmed"),
        (IdFacts(C.MISSING, NOW), K.GONE, "Missing at the provider"),
        (IdFacts(C.EXPIRED, NOW), K.GONE, "Expired"),
        (IdFacts(C.FOREIGN, NOW), K.FOREIGN, "Not uploaded by this app, seen now"),
    ],
)
def test_a_light_has_its_words(facts: IdFacts, kind: LightKind, words: str) -> None:
    found = light(facts, NOW)
    assert (found.kind, found.words) == (kind, words)


def test_an_id_is_stale_when_nobody_has_looked_of_late() -> None:
    assert not is_stale(IdFacts(C.PRESENT, NOW - FRESH_S), NOW)
    assert is_stale(IdFacts(C.PRESENT, NOW - FRESH_S - 1), NOW)
    # A clock that was put back says nothing.
    assert is_stale(IdFacts(C.PRESENT, NOW + 1), NOW)
    assert is_stale(IdFacts(C.PRESENT), NOW)


def test_a_file_was_there_when_it_was_recorded() -> None:
    copy = Copy(1, "kimi", "work", "p", "", 1, "file-1", "a.pdf", C.PRESENT, True, NOW)
    assert id_facts(copy) == IdFacts(C.PRESENT, NOW)
    assert id_facts(replace(copy, verified_at=NOW + 5)).seen_at == NOW + 5
