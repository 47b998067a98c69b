"""Names that lie are seen through; names that only look odd are left in peace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.names import display_name, sent_name
from exai_desktop.core.sniff import Content, Note, Verdict, judge_content, verdict_of
from exai_desktop.core.sniff.kinds import KINDS, PROGRAM_ENDINGS, SOURCE_ENDINGS, TEXT_ENDINGS

from .corpus_names import NAMES, NameCase

_MISMATCH = {"CONTENT_MISMATCH"}


def _verdict(name: str) -> Verdict:
    return verdict_of(Content("pdf"), name)


def _code(name: str) -> str | None:
    """The objection to the name alone; whether it fits the content is not asked here."""
    try:
        judge_content(_verdict(name), name, accepted=_MISMATCH)
    except FileError as error:
        return str(error.code.value)
    return None


def test_the_corpus_is_large() -> None:
    assert len({case.name for case in NAMES}) >= 300


@pytest.mark.parametrize("case", NAMES, ids=[ascii(case.name)[1:60] for case in NAMES])
def test_hostile_name(case: NameCase) -> None:
    assert _code(case.name) == case.code
    assert _code(f"/home/user/{case.name}") == case.code


@pytest.mark.parametrize("name", sorted({case.name for case in NAMES}), ids=lambda n: ascii(n)[:60])
def test_what_is_sent_and_shown_is_harmless(name: str) -> None:
    sent = sent_name(name)
    assert len(sent.encode()) <= 120
    assert not set(sent) & set('/\\:*?"<>|')
    # Emoji are joined by an invisible character, which cannot turn anything around.
    assert sent.replace("\u200d", "").isprintable()
    assert display_name(name).replace("\u200d", "").isprintable()


def test_both_endings_of_a_disguise_are_named() -> None:
    found = _verdict("invoice.pdf.exe").finding(Note.DOUBLE_ENDING)
    assert found is not None
    assert found.detail == ".pdf.exe"
    assert _verdict("archive.tar.exe").finding(Note.DOUBLE_ENDING) is not None
    assert _verdict("v1.2.exe").finding(Note.DOUBLE_ENDING) is None


@pytest.mark.parametrize("name", ["con", "CON.txt", "aux.pdf", "lpt1", "com¹.csv", "nul.a.b"])
def test_reserved_names_are_noticed_and_taken(name: str) -> None:
    assert _verdict(name).finding(Note.RESERVED_NAME) is not None
    assert _code(name) is None
    assert sent_name(name).startswith("_")


def test_no_ending_is_a_program_and_a_document() -> None:
    assert not PROGRAM_ENDINGS & (TEXT_ENDINGS | SOURCE_ENDINGS)
    for kind in KINDS.values():
        if kind.family != "program":
            assert not kind.endings & PROGRAM_ENDINGS, kind.title


@given(st.text(st.characters(codec=None), max_size=80))
def test_any_name_is_judged(name: str) -> None:
    verdict = _verdict(name)
    _code(name)
    assert isinstance(verdict.is_program, bool)


@given(st.text(max_size=30), st.sampled_from(sorted(PROGRAM_ENDINGS)))
def test_whatever_stands_before_it_a_program_is_one(start: str, ending: str) -> None:
    assert _code(f"a{start.replace('/', '')}b.{ending}") == "MALICIOUS_FILE"
