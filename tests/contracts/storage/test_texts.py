"""The contract of `core.copies.queries.TextCache`, with an index and without one."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.core.copies.queries import TextCache
from exai_desktop.storage import text_cache as storage
from exai_desktop.storage.text_cache import SqliteTexts, kept_texts

REPORT = "Quarterly Report\n\nThe sum is 100% of what was expected, in Überlingen and 上海."
SECRET = "the pass phrase is a purple walrus"


@pytest.fixture(params=["index", "row by row"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(storage, "can_forget", lambda: request.param == "index")
    return tmp_path / "texts.db"


@pytest.fixture
def texts(path: Path) -> Iterator[TextCache]:
    with kept_texts(path, True) as found:
        assert found is not None
        yield found


async def _found(texts: TextCache, text: str) -> list[str]:
    return [match.remote_id for match in await texts.search(text, 10)]


async def test_what_was_put_is_there_until_it_is_dropped(texts: TextCache) -> None:
    assert await texts.get("work", "f1") is None
    await texts.put("work", "f1", REPORT, 1.0)
    await texts.put("home", "f1", "another", 2.0)
    assert await texts.get("work", "f1") == REPORT
    await texts.put("work", "f1", "anew", 3.0)
    assert await texts.get("work", "f1") == "anew"
    assert await _found(texts, "Quarterly") == []
    assert sorted(await texts.keys()) == [("home", "f1"), ("work", "f1")]
    await texts.drop("work", "f1")
    await texts.drop("work", "f1")
    assert await texts.keys() == [("home", "f1")]
    assert await texts.get("work", "f1") is None
    assert await texts.get("home", "f1") == "another"


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("quarterly report", True),
        ("QUARTERLY", True),
        ("100%", True),
        ("1%0", False),
        ("上海", True),
        ("in", True),
        ("_", False),
        ('"sum" OR', False),
        ("sum*", False),
        ("   ", False),
        ("Überlingen", True),
        ("nothing like it", False),
    ],
)
async def test_a_text_is_found_by_any_part_of_it(
    texts: TextCache, text: str, is_found: bool
) -> None:
    await texts.put("work", "f1", REPORT, 1.0)
    assert bool(await _found(texts, text)) is is_found


async def test_the_place_is_shown_on_one_line(texts: TextCache) -> None:
    await texts.put(
        "work", "f1", "before\n" * 500 + "the\nNEEDLE\x1b[31m is here" + "\nafter" * 99, 1.0
    )
    [match] = await texts.search("needle", 10)
    assert "the NEEDLE" in match.snippet
    assert match.snippet.isprintable()
    assert len(match.snippet) <= 200


async def test_the_newest_first_and_no_more_than_asked_for(texts: TextCache) -> None:
    for number in range(5):
        await texts.put("work", f"f{number}", f"page {number}", float(number))
    matches = await texts.search("page", 2)
    assert [match.remote_id for match in matches] == ["f4", "f3"]


async def test_a_lone_surrogate_is_no_trouble(texts: TextCache) -> None:
    await texts.put("work", "f\ud800", "a\udfff lone one", 1.0)
    assert await texts.get("work", "f\ud800") == "a? lone one"
    assert await _found(texts, "\udfff lone") == ["f?"]


async def test_the_oldest_go_when_there_is_no_room(path: Path) -> None:
    texts = SqliteTexts(path, most_bytes=100)
    try:
        for number in range(4):
            await texts.put("work", f"f{number}", "x" * 40, float(number))
        await texts.put("work", "large", "x" * 101, 9.0)
        assert await _found(texts, "xxx") == ["f3", "f2"]
    finally:
        texts.close()


async def test_nothing_of_a_dropped_text_is_left_on_the_disk(
    tmp_path: Path,
) -> None:
    """By whichever way this SQLite goes: it is the reason for the choice."""
    path = tmp_path / "texts.db"
    with kept_texts(path, True) as texts:
        assert texts is not None
        await texts.put("work", "other", REPORT, 0.0)
        await texts.put("work", "f1", SECRET, 1.0)
        assert b"walrus" in path.read_bytes()
        await texts.drop("work", "f1")
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"walrus" not in left
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_texts_stay_and_go_as_is_wanted(path: Path) -> None:
    for _ in range(2):
        with kept_texts(path, True) as texts:
            assert texts is not None
            kept = await texts.get("work", "f1")
            await texts.put("work", "f1", SECRET, 1.0)
    assert kept == SECRET
    with kept_texts(path, None) as texts:
        assert texts is None
    assert path.exists()
    with kept_texts(path, False) as texts:
        assert texts is None
    assert not path.exists()


async def test_a_file_of_another_form_or_no_database_is_made_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept_texts(path, True) as texts:
        assert texts is not None
        await texts.put("work", "f1", REPORT, 1.0)
    was = storage.can_forget()
    monkeypatch.setattr(storage, "can_forget", lambda: not was)
    with kept_texts(path, True) as texts:
        assert texts is not None
        assert await _found(texts, "Quarterly") == []
        await texts.put("work", "f1", REPORT, 1.0)
        assert await _found(texts, "Quarterly") == ["f1"]
    path.write_bytes(b"no database at all" * 500)
    with kept_texts(path, True) as texts:
        assert texts is not None
        await texts.put("work", "f1", REPORT, 1.0)
        assert await _found(texts, "Quarterly") == ["f1"]
    path.unlink()
    path.mkdir()
    with kept_texts(path, True) as texts:
        assert texts is None
