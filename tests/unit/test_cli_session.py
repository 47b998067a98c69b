"""What nobody expected ends a verb in words, with the place of the log and without a secret."""

from __future__ import annotations

import asyncio

import pytest

from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import _logged, _run


async def _broken() -> Exit:
    await asyncio.sleep(0)
    raise RuntimeError("no field for sk-0000000000planted0000000000")


def test_an_unexpected_error_ends_in_words(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert _run(_logged(_broken()), Output(as_json=True)) == Exit.SOME_FAILED
    said = capsys.readouterr()
    assert '"code": "UNEXPECTED_ERROR"' in said.out
    assert "RuntimeError" in said.err
    assert "doctor" in said.err
    assert "Traceback" not in said.out + said.err
    assert "planted" not in said.out + said.err
    # Whoever mends it finds the traceback.
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.name == "exai_desktop.cli.session"
