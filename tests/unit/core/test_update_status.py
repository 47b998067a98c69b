"""How the newer version gets here: the program installs nothing, and says who does."""

from __future__ import annotations

import pytest

from exai_desktop.core.machine import UpdateStatus


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("deb", "Your system"),
        ("rpm", "Your system"),
        ("archive", "install.sh"),
        ("python", "pipx"),
        ("appimage", "new file"),
        ("", "new file"),
    ],
)
def test_the_way_fits_the_installation(kind: str, word: str) -> None:
    status = UpdateStatus("1.0", kind)
    assert word in status.way
    assert status.is_by_system == (kind in ("deb", "rpm"))


def test_without_more_nothing_is_known() -> None:
    status = UpdateStatus("1.0", "deb")
    assert (status.replaced_by, status.newest, status.why_not) == ("", "", "")
    assert status.checked_at is None
