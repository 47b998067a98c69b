"""A kept pause: written whole, read with care."""

from pathlib import Path

import pytest

from exai_desktop.config.background.pause_file import PauseFile
from exai_desktop.core.machine import KeptPause


@pytest.mark.parametrize("pause", [KeptPause(5.5), KeptPause(5.5, 3605.5), None])
def test_what_was_kept_comes_back(tmp_path: Path, pause: KeptPause | None) -> None:
    book = PauseFile(tmp_path / "pause.json")
    book.save(KeptPause(1.0, 2.0))
    book.save(pause)
    assert PauseFile(tmp_path / "pause.json").load() == pause


def test_without_a_file_there_is_no_pause(tmp_path: Path) -> None:
    book = PauseFile(tmp_path / "pause.json")
    assert book.load() is None
    book.save(None)


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"since": "x", "until": 1}', '{"since": 1, "until": NaN}'),
        *("[" * 100_000, f'{{"since": 1, "until": 1{"0" * 400}}}'),
    ],
)
def test_what_cannot_be_read_is_a_pause(tmp_path: Path, content: str) -> None:
    """Nothing is sent that the user may have stopped."""
    (tmp_path / "pause.json").write_text(content)
    assert PauseFile(tmp_path / "pause.json").load() == KeptPause(0.0)


def test_a_folder_in_its_place_is_a_pause(tmp_path: Path) -> None:
    (tmp_path / "pause.json").mkdir()
    assert PauseFile(tmp_path / "pause.json").load() == KeptPause(0.0)
