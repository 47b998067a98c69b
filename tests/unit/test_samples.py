"""The sample documents are what they claim to be, judged by the standard library alone."""

import ast
import csv
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "resources" / "samples"
MINUTES = (
    "Minutes of the meeting about the third quarter, the move to the new harbour hall and the plan"
    " for next year (final version).md"
)
NAMES = {
    "archive.zip",
    "batch requests.jsonl",
    "chart.png",
    "empty.txt",
    "forecast.py",
    "harbour small.webp",
    "harbour.jpeg",
    MINUTES,
    "notes.txt",
    "orders.csv",
    "report.pdf",
    "roadmap.pptx",
    "sales 2026 Q3.xlsx",
    "scan of contract.pdf",
    "sensor.json",
    "团队 🎉 notes.md",
    "季度报告 第三季度.docx",
}


def _bytes(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def _text(name: str) -> str:
    return _bytes(name).decode("utf-8")


def _parts(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(SAMPLES / name) as archive:
        assert archive.testzip() is None
        return {part: archive.read(part) for part in archive.namelist()}


def test_the_set_is_complete() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == NAMES


def test_the_set_is_small_and_only_one_file_is_empty() -> None:
    sizes = {path.name: path.stat().st_size for path in SAMPLES.iterdir()}
    assert sum(sizes.values()) < 2_000_000
    assert [name for name, size in sizes.items() if size == 0] == ["empty.txt"]


def test_one_name_is_long_and_still_legal_everywhere() -> None:
    longest = max(NAMES, key=len)
    assert 115 <= len(longest) <= 130
    # 255 bytes is the limit of ext4, 255 UTF-16 units that of NTFS and APFS.
    assert all(len(name.encode()) < 255 for name in NAMES)
    assert not any(set(name) & set('<>:"/\\|?*') for name in NAMES)


@pytest.mark.parametrize("name", ["report.pdf", "scan of contract.pdf"])
def test_pdf_is_framed(name: str) -> None:
    content = _bytes(name)
    assert content.startswith(b"%PDF-1.")
    assert content.rstrip().endswith(b"%%EOF")
    start = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", content)
    assert start is not None
    assert content[int(start[1]) :].startswith(b"xref")


def test_report_has_two_pages_of_text() -> None:
    content = _bytes("report.pdf")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 2
    assert b"/Font" in content
    assert b"STSong-Light" in content


def test_scan_is_a_picture_without_text() -> None:
    content = _bytes("scan of contract.pdf")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    assert b"/Font" not in content
    assert b"/DCTDecode" in content


@pytest.mark.parametrize(
    ("name", "main_part"),
    [
        ("季度报告 第三季度.docx", "word/document.xml"),
        ("sales 2026 Q3.xlsx", "xl/workbook.xml"),
        ("roadmap.pptx", "ppt/presentation.xml"),
    ],
)
def test_office_document_is_well_formed(name: str, main_part: str) -> None:
    parts = _parts(name)
    assert "[Content_Types].xml" in parts  # first in Office's own files, last in openpyxl's
    assert f'PartName="/{main_part}"'.encode() in parts["[Content_Types].xml"]
    for part, content in parts.items():
        if part.endswith((".xml", ".rels")):
            ET.fromstring(content)
    assert b"2026-10-02T09:30:00Z</dcterms:modified>" in parts["docProps/core.xml"]


def test_docx_carries_chinese_text() -> None:
    assert "中国市场增长最快" in _parts("季度报告 第三季度.docx")["word/document.xml"].decode(
        "utf-8"
    )


def test_xlsx_has_two_sheets_and_formulas() -> None:
    parts = _parts("sales 2026 Q3.xlsx")
    assert "摘要" in parts["xl/workbook.xml"].decode("utf-8")
    first, second = parts["xl/worksheets/sheet1.xml"], parts["xl/worksheets/sheet2.xml"]
    assert b"<f>SUM(B2:E2)</f>" in first
    assert b"<f>Sales!B5</f>" in second


def test_pptx_has_three_slides() -> None:
    slides = [part for part in _parts("roadmap.pptx") if re.fullmatch(r"ppt/slides/\w+\.xml", part)]
    assert len(slides) == 3


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        ("chart.png", b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
        ("harbour.jpeg", b"\xff\xd8\xff", b"\xff\xd9"),
        ("harbour small.webp", b"RIFF", b""),
    ],
)
def test_picture_has_its_signature(name: str, begins: bytes, ends: bytes) -> None:
    content = _bytes(name)
    assert content.startswith(begins)
    assert content.endswith(ends)


def test_webp_says_its_own_length() -> None:
    content = _bytes("harbour small.webp")
    assert content[8:12] == b"WEBP"
    assert int.from_bytes(content[4:8], "little") + 8 == len(content)


def test_batch_lines_fit_both_providers() -> None:
    lines = [json.loads(line) for line in _text("batch requests.jsonl").splitlines()]
    assert len(lines) == 3
    for line in lines:
        assert set(line) == {"custom_id", "method", "url", "body"}
        assert len(line["custom_id"]) >= 6
        assert line["method"] == "POST"
        assert line["url"].startswith("/v")
        assert line["body"]["model"]
        assert line["body"]["messages"]
    assert len({line["custom_id"] for line in lines}) == len(lines)


def test_text_files_read_as_their_kind() -> None:
    assert len(json.loads(_text("sensor.json"))["readings"]) == 24
    rows = list(csv.reader(_text("orders.csv").splitlines(), strict=True))
    assert len(rows) == 13
    assert {len(row) for row in rows} == {5}
    ast.parse(_text("forecast.py"))
    assert _text("团队 🎉 notes.md").startswith("# Team notes 🎉")
    assert _text(MINUTES).startswith("# Minutes")
    assert "上海" in _text("notes.txt")


def test_archive_is_a_plain_zip() -> None:
    assert set(_parts("archive.zip")) == {"notes.txt", "orders.csv"}
