"""The two PDFs: one of text, one that a scanner could have made."""

import io
import random
import time

from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

from .figures import AUTHOR, COMPANY, CREATED, MONTHS, REGIONS, SALES, THOUSAND, of_region, total

FIRST_PAGE = (
    f"{COMPANY} sold tableware and tiles for {total()} {THOUSAND} between July and September."
    " That is the best third quarter since the workshop was founded, although kiln 3 stood still"
    " for four days.",
    "Sales in China rose every month and now exceed those of Iberia by half. The Nordic market"
    " remains the largest; its growth comes from hotels, which order late in the season.",
)
SECOND_PAGE = (
    "The move to the hall in the north harbour begins on 5 October. Stock for six weeks lies ready,"
    " so that no order has to wait while the kilns are taken down and built up again.",
    "Three risks deserve attention: the price of gas, the delivery of the new controller for kiln"
    " 3, and the exchange rate. For each, the budget keeps a reserve of two per cent of sales.",
    "The board proposes to carry the profit forward and to decide about a second kiln in January.",
)
CONTRACT = """CONTRACT OF LEASE

between Harbour Estates North and
Halden & Roe Ceramics

1. The hall at quay 7 (1,240 square metres) is let
   from 1 October 2026 for five years.
2. The rent is 6,800 EUR a month, due on the
   third working day.
3. The tenant may install kilns after the
   inspection of the gas supply.
4. Either side may give notice of six months.


Signed on 28 September 2026


....................        ....................
The landlord                The tenant"""


def report() -> bytes:
    """Two pages of text with a table and one line of Chinese."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    styles = getSampleStyleSheet()
    chinese = ParagraphStyle(
        "chinese", parent=styles["Normal"], fontName="STSong-Light", fontSize=11
    )
    page: list[Flowable] = [
        Paragraph("Report for the third quarter of 2026", styles["Title"]),
        Paragraph("Summary", styles["Heading2"]),
        *_paragraphs(FIRST_PAGE, styles["BodyText"]),
        Paragraph(f"Sales by region ({THOUSAND})", styles["Heading2"]),
        _table(),
        Spacer(1, 0.6 * cm),
        Paragraph("本季度销售额创新高，中国市场增长最快。", chinese),
        PageBreak(),
        Paragraph("Outlook", styles["Heading2"]),
        *_paragraphs(SECOND_PAGE, styles["BodyText"]),
    ]
    buffer = io.BytesIO()
    paper = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        title="Report for the third quarter of 2026",
        author=AUTHOR,
        invariant=1,
    )
    paper.build(page)
    return buffer.getvalue()


def _paragraphs(texts: tuple[str, ...], style: ParagraphStyle) -> list[Flowable]:
    return [Paragraph(text.replace("&", "&amp;"), style) for text in texts]


def _table() -> Table:
    rows = [["Month", *REGIONS]]
    rows += [[month, *map(str, amounts)] for month, amounts in zip(MONTHS, SALES, strict=True)]
    rows += [["Quarter", *(str(of_region(number)) for number in range(len(REGIONS)))]]
    look = [
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#dfe7ee")),
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("FONTNAME", (0, -1), (-1, -1), "Helvetica-Bold"),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.grey),
    ]
    return Table(rows, colWidths=[3 * cm] * 5, style=look)


def scan() -> bytes:
    """A page as a scanner gives it: grey, a little turned and grainy, nothing but a picture."""
    page = Image.new("L", (1240, 1754), 247)
    font = ImageFont.load_default(34)
    ImageDraw.Draw(page).multiline_text((150, 190), CONTRACT, fill=40, font=font, spacing=18)
    page = page.rotate(0.7, resample=Image.Resampling.BICUBIC, fillcolor=247)
    chance = random.Random(7)
    grain = Image.frombytes(
        "L", (310, 439), bytes(chance.randrange(225, 256) for _ in range(310 * 439))
    )
    shade = grain.resize(page.size).filter(ImageFilter.GaussianBlur(2))
    page = Image.blend(page, shade, 0.25)
    when = time.struct_time(CREATED.timetuple())
    buffer = io.BytesIO()
    page.save(buffer, "PDF", resolution=150, quality=60, creationDate=when, modDate=when)
    return buffer.getvalue()
