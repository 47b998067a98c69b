"""The Word, Excel and PowerPoint samples."""

import io

import docx
import openpyxl
import pptx
from docx.oxml.ns import qn
from openpyxl.styles import Font

from .figures import AUTHOR, COMPANY, CREATED, MONTHS, REGIONS, SALES, THOUSAND, of_region, total
from .fixed import fixed_zip

# The office formats keep times without a zone and mean UTC.
WHEN = CREATED.replace(tzinfo=None)


def document() -> bytes:
    """The quarter in Chinese: headings, a list, a table."""
    paper = docx.Document()
    style = paper.styles["Normal"]
    style.font.name = "Calibri"
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "微软雅黑")
    paper.add_heading("2026年第三季度报告", level=0)
    paper.add_paragraph(f"{COMPANY} 本季度的销售额为 {total()} 千欧元，中国市场增长最快。")
    paper.add_heading("各地区销售额", level=1)
    table = paper.add_table(rows=1, cols=2, style="Light Grid Accent 1")
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "地区", "千欧元"
    for number, region in enumerate(("北欧", "中欧", "中国", "伊比利亚")):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = region, str(of_region(number))
    paper.add_heading("下一步", level=1)
    for step in ("十月五日开始搬迁到北港新厂房", "三号窑更换控制器", "十一月一日前提交明年预算"):
        paper.add_paragraph(step, style="List Bullet")
    properties = paper.core_properties
    properties.author = properties.last_modified_by = AUTHOR
    properties.title = "2026年第三季度报告"
    properties.created = properties.modified = WHEN
    return _saved(paper)


def workbook() -> bytes:
    """Sales by month and region, and a summary that refers to them."""
    book = openpyxl.Workbook()
    sales = book.active
    sales.title = "Sales"
    sales.append(["Month", *REGIONS, "Total"])
    for row, (month, amounts) in enumerate(zip(MONTHS, SALES, strict=True), 2):
        sales.append([month, *amounts, f"=SUM(B{row}:E{row})"])
    sales.append(["Quarter", *(f"=SUM({column}2:{column}4)" for column in "BCDEF")])
    summary = book.create_sheet("Summary 摘要")
    summary.append(["Region", THOUSAND, "Share"])
    for row, (region, column) in enumerate(zip(REGIONS, "BCDE", strict=True), 2):
        summary.append([region, f"=Sales!{column}5", f"=B{row}/Sales!F5"])
        summary.cell(row, 3).number_format = "0.0%"
    for sheet in (sales, summary):
        sheet.freeze_panes = "A2"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
    book.properties.creator = book.properties.lastModifiedBy = AUTHOR
    book.properties.created = WHEN
    return _saved(book)


def slides() -> bytes:
    """A title, the quarter, the plan."""
    show = pptx.Presentation()
    title = show.slides.add_slide(show.slide_layouts[0])
    title.shapes.title.text = "Roadmap 2027"
    title.placeholders[1].text = f"{COMPANY}\nOctober 2026"
    points = {
        "Where we are": [
            f"{total()} {THOUSAND} in the third quarter",
            "China grew by a third since July",
            "Kiln 3 stood still for four days",
        ],
        "Where we go · 下一步": [
            "October: new hall in the north harbour",
            "November: budget and 网站",
            "First quarter: a second kiln for large pieces",
        ],
    }
    for heading, lines in points.items():
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = heading
        slide.placeholders[1].text = "\n".join(lines)
        slide.notes_slide.notes_text_frame.text = f"Speak slowly: {lines[0]}."
    properties = show.core_properties
    properties.author = properties.last_modified_by = AUTHOR
    properties.title = "Roadmap 2027"
    properties.created = properties.modified = WHEN
    return _saved(show)


def _saved(made: object) -> bytes:
    buffer = io.BytesIO()
    made.save(buffer)  # type: ignore[attr-defined]  # three libraries, one habit
    return fixed_zip(buffer.getvalue())
