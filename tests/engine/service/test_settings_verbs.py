"""Settings through the service: saved when they are good, refused with a reason when not."""

from __future__ import annotations

from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from tests.engine.engine_kit import open_bench


async def test_a_good_value_is_saved_and_told(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        assert (await bench.engine.settings.change("theme", "dark")).theme == "dark"
        assert (await bench.engine.settings.change("max_in_flight", "3")).max_in_flight == 3
        assert (await bench.engine.settings.saved()).theme == "dark"


@pytest.mark.parametrize(
    ("name", "value"), [("theme", "pink"), ("max_in_flight", "0"), ("no_such", "1")]
)
async def test_a_bad_value_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    async with open_bench(tmp_path) as bench:
        before = await bench.engine.settings.saved()
        with pytest.raises(AppError) as caught:
            await bench.engine.settings.change(name, value)
        assert caught.value.code is ErrorCode.INVALID_SETTING
        assert caught.value.detail.startswith(name)
        assert await bench.engine.settings.saved() == before
