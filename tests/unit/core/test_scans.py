"""What is said of a scan: never more than was done."""

from __future__ import annotations

import pytest

from exai_desktop.core.files.files import ScanResult, ScanVerdict, not_scanned, scan_text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, "Not scanned"),
        (
            not_scanned("no scanner on this computer"),
            "Not scanned: no scanner on this computer",
        ),
        (
            ScanResult(ScanVerdict.CLEAN, "", "ClamAV 1.4.6", "27500 of 2026-11-24"),
            "Scanned by ClamAV 1.4.6, signatures 27500 of 2026-11-24: nothing found",
        ),
        (
            ScanResult(ScanVerdict.FOUND, "Own.Test", "ClamAV 1.4.6"),
            "Scanned by ClamAV 1.4.6, signatures of unknown date: found Own.Test",
        ),
    ],
)
def test_a_line_for_people(result: ScanResult | None, text: str) -> None:
    assert scan_text(result) == text


@pytest.mark.parametrize("engine", ["", "ClamAV 1.4.6"])
def test_not_scanned_is_never_called_clean(engine: str) -> None:
    text = scan_text(not_scanned("it did not answer", engine, "27500 of 2026-11-24"))
    assert text.startswith("Not scanned")
    assert "clean" not in text and "nothing found" not in text
