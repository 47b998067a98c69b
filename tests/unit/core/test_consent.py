"""Words of consent and the codes they stand for."""

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.files.files import (
    ASKING,
    FileId,
    accepted_codes,
    can_be_accepted,
    names_of,
    without_person,
)
from exai_desktop.core.settings import Settings


def test_names_and_whole_codes_mean_the_same() -> None:
    assert accepted_codes(["macros", "MACROS_FOUND", "Mismatch"]) == (
        "CONTENT_MISMATCH",
        "MACROS_FOUND",
    )
    assert accepted_codes([]) == ()


@pytest.mark.parametrize("word", ["", "all", "MALICIOUS_FILE", "ARCHIVE_BOMB", "macros,mismatch"])
def test_nothing_else_can_be_accepted(word: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        accepted_codes([word])


def test_only_questions_can_be_answered() -> None:
    assert {code for code in ErrorCode if can_be_accepted(code)} == set(ASKING.values())


def test_a_script_cannot_accept_ahead_that_a_key_leaves() -> None:
    assert without_person(["MACROS_FOUND", "SECRET_INSIDE"]) == ("MACROS_FOUND",)


def test_codes_are_named_for_people() -> None:
    assert names_of(["MACROS_FOUND", "OF_A_NEWER_PROGRAM"]) == "macros, OF_A_NEWER_PROGRAM"


def test_each_has_its_setting() -> None:
    assert {f"content_{name}" for name in ASKING} == {
        name for name in Settings.model_fields if name.startswith("content_")
    }


def test_content_is_told_apart_by_all_that_a_file_shows() -> None:
    same = FileId(1, 2, 3, 4)
    others = [FileId(9, 2, 3, 4), FileId(1, 9, 3, 4), FileId(1, 2, 9, 4), FileId(1, 2, 3, 9)]
    assert str(same) == str(FileId(1, 2, 3, 4))
    assert str(same) not in map(str, others)
