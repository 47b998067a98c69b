"""Names of files as they are sent, shown and recognised."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.files.names import (
    MAX_SENT_BYTES,
    MAX_SHOWN_CHARS,
    display_name,
    extension,
    is_renamed_twin,
    plain_text,
    safe_cell,
    sent_name,
    visible_json,
)

# What a file system may hold: any character, and bytes that are not UTF-8.
ANY_CHAR = st.characters(exclude_categories=["Cs"]) | st.characters(
    min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]
)
PIECES = ["con", "NUL", "aux.", "com1.", "lpt¹", "..", ".", "/", ":", "<", "\\", ".pdf", "(1)"]
PIECES += list(" \0\n\xa0\u3000\u202e\u200b\ufeff\u2028\u0301\u0338\u212b\u0958\udcff")
PIECES += [". ", "e\u0301", "💾" * 10, "a" * 100, "字" * 40]
NASTY = st.sampled_from(PIECES)
NAMES = st.lists(NASTY | st.text(ANY_CHAR, max_size=20), max_size=8).map("".join)
ENDINGS = st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True)
WORDS = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=60)

BIDI_CLASSES = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{port}{number}" for port in ("COM", "LPT") for number in "123456789¹²³"
}


def _is_reserved(name: str) -> bool:
    """As Windows sees it: up to the first dot, without spaces at its end, in any case."""
    return name.partition(".")[0].rstrip(" ").upper() in RESERVED


def _assert_can_be_sent(name: str) -> None:
    assert name
    assert name not in (".", "..")
    assert len(name.encode("utf-8")) <= MAX_SENT_BYTES  # lone surrogates do not encode
    assert unicodedata.is_normalized("NFC", name)
    assert not set(name) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
    assert not any(unicodedata.bidirectional(c) in BIDI_CLASSES for c in name)
    assert not name.startswith(" ")
    assert not name.endswith((" ", "."))
    assert not _is_reserved(name)


@given(NAMES)
def test_a_sent_name_is_good_on_every_system(name: str) -> None:
    _assert_can_be_sent(sent_name(name))


@given(NAMES)
def test_cleaning_twice_changes_nothing_more(name: str) -> None:
    once = sent_name(name)
    assert sent_name(once) == once


@pytest.mark.parametrize("name", ["a" * 119 + "." + "b" * 20, "a" * 118 + ". ." + "b" * 20])
def test_a_name_cut_at_a_dot_is_good_too(name: str) -> None:
    cut = sent_name(name)
    _assert_can_be_sent(cut)
    assert sent_name(cut) == cut


@pytest.mark.parametrize("name", ["con\xa0..", "a\u3000.", "a" * 118 + "\xa0" + "b" * 30])
def test_no_kind_of_space_is_left_at_the_end(name: str) -> None:
    cut = sent_name(name)
    _assert_can_be_sent(cut)
    assert cut == cut.rstrip() == sent_name(cut)


@pytest.mark.parametrize(
    "name",
    [
        "con",
        "CON.txt",
        "nul.tar.gz",
        "Com1",
        "LPT³.log",
        "aux .md",
        "prn  .pdf",
        "CONIN$",
        "conout$.txt",
    ],
)
def test_names_that_windows_reserves_are_not_sent(name: str) -> None:
    _assert_can_be_sent(sent_name(name))


@pytest.mark.parametrize("name", ["", ".", "..", "/", "...", " . ", "\u200b", "a/.."])
def test_there_is_always_a_name(name: str) -> None:
    assert sent_name(name) == "file"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/home/me/report.pdf", "report.pdf"),
        ("季度报告 第三季度.docx", "季度报告 第三季度.docx"),
        ("cafe\u0301.txt", "café.txt"),
        ("a\u200be\u200b\u0301.txt", "aé.txt"),
        ("what? 10:30.txt", "what_ 10_30.txt"),
        ("line\nbreak.txt", "line_break.txt"),
        ("broken\udcff.txt", "broken_.txt"),
        ("  edges .txt. ", "edges .txt"),
        ("\u202efdp.exe", "fdp.exe"),
        (".bashrc", ".bashrc"),
        ("team 👩\u200d👩\u200d👧.txt", "team 👩\u200d👩\u200d👧.txt"),
    ],
)
def test_what_becomes_of_a_name(path: str, sent: str) -> None:
    assert sent_name(path) == sent


@given(
    WORDS, st.sampled_from(["", " ", "\u200b", "\udcff", "字" * 50, "💾" * 40, "x" * 300]), ENDINGS
)
def test_the_ending_survives_however_long_or_odd_the_name(word: str, odd: str, ending: str) -> None:
    assert extension(sent_name(f"{word}{odd}.{ending}")) == ending


@pytest.mark.parametrize("stem", ["   ", "\u200b", "\u3000" * 60])
def test_a_name_without_anything_visible_before_its_ending_keeps_the_ending(stem: str) -> None:
    assert extension(sent_name(f"{stem}.pdf")) == "pdf"


def test_a_long_name_keeps_as_much_as_there_is_room_for() -> None:
    assert sent_name("x" * 300 + ".pdf") == "x" * 116 + ".pdf"
    # What has more than 16 characters after its last dot is hardly an ending.
    assert sent_name("x" * 100 + "." + "y" * 50) == "x" * 100 + "." + "y" * 19
    # Never half a character.
    assert sent_name("字" * 100) == "字" * 40


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.PDF", "pdf"),
        ("archive.tar.gz", "gz"),
        ("a.pdf. . ", "pdf"),
        (".pdf", ""),
        ("a.", ""),
        ("a", ""),
        ("", ""),
    ],
)
def test_the_ending_of_a_name(name: str, ending: str) -> None:
    assert extension(name) == ending


@given(NAMES)
def test_shown_text_is_one_line_without_controls_or_tricks(text: str) -> None:
    shown = plain_text(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert not any(unicodedata.bidirectional(c) in BIDI_CLASSES for c in shown)
    assert plain_text(shown) == shown


@pytest.mark.parametrize("code", [0x200B, 0x2060, 0xFEFF, 0xAD, 0x180E, 0x2063, 0x206A, 0xFFF9])
def test_an_invisible_character_cannot_hide_a_difference(code: int) -> None:
    assert plain_text(f"re{chr(code)}port.pdf") != f"re{chr(code)}port.pdf"
    assert sent_name(f"re{chr(code)}port.pdf") == "report.pdf"


def test_shown_text_tells_bytes_from_controls() -> None:
    assert plain_text("a\udcffb\tc\ud800d") == "a\ufffdb c d"


def test_shown_text_has_a_limit_and_says_when_it_was_cut() -> None:
    assert plain_text("x" * MAX_SHOWN_CHARS) == "x" * MAX_SHOWN_CHARS
    assert plain_text("x" * (MAX_SHOWN_CHARS + 1)) == "x" * MAX_SHOWN_CHARS + "…"
    assert plain_text("abcdef", limit=3) == "abc…"


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/a/b.txt", "b.txt"), ("/", "/"), ("", "(no name)"), ("/a/ ", "(no name)"), ("a\nb", "a b")],
)
def test_the_name_on_a_label(path: str, shown: str) -> None:
    assert display_name(path) == shown


@given(WORDS, ENDINGS, st.integers(0, 9999), st.sampled_from([" ", ""]))
def test_a_provider_s_second_of_a_name_is_recognised(
    word: str, ending: str, number: int, space: str
) -> None:
    stem = sent_name(word)
    assert is_renamed_twin(f"{stem}.{ending}", f"{stem}.{ending}")
    assert is_renamed_twin(f"{stem}.{ending}", f"{stem}{space}({number}).{ending}")
    assert is_renamed_twin(stem, f"{stem}{space}({number})")
    assert is_renamed_twin(f"{stem}.{ending}", unicodedata.normalize("NFD", f"{stem}.{ending}"))


NOT_OURS = "b.pdf|a.txt|a (1).txt|a (x).pdf|a (12345).pdf|a ().pdf|A.pdf|a (1) (1).pdf"
NOT_OURS += "|xa (1).pdf|a (1).pdfx|a (1)pdf|a.pdf (1)|"


@pytest.mark.parametrize("remote", NOT_OURS.split("|"))
def test_another_name_is_not_taken_for_ours(remote: str) -> None:
    assert not is_renamed_twin("a.pdf", remote)


@pytest.mark.parametrize("sent", ["a+b (2).pdf", "[x].c++", "a.b.c", "REPORT.PDF", "name.İ"])
def test_no_character_of_a_name_is_mistaken_for_a_pattern(sent: str) -> None:
    stem, _, ending = sent.rpartition(".")
    assert is_renamed_twin(sent, f"{stem} (1).{ending}")
    assert not is_renamed_twin(sent, f"{stem}{stem} (1).{ending}")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_spreadsheet_is_a_formula(start: str) -> None:
    assert safe_cell(f"{start}cmd") == f"'{start}cmd"
    assert safe_cell(f"a{start}") == f"a{start}"


@given(st.text())
def test_json_shows_what_is_invisible_and_keeps_its_value(text: str) -> None:
    shown = visible_json({"name": text})
    assert shown.isprintable()
    assert json.loads(shown) == {"name": text}
    assert visible_json("文件.pdf") == '"文件.pdf"'
