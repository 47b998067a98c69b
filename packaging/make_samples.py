"""Makes resources/samples: real documents of an invented company, for `make run` and the tests.

    .tools/bin/uv run --isolated --only-group samples packaging/make_samples.py

The results are committed; run this only to change them. The same libraries give the same bytes:
dates, authors and archive times are fixed. Documents come from the libraries that people use, not
from hand-written bytes, so that they look to the program as files from an office do.

    report.pdf               two pages with a text layer, headings, a table, a line of Chinese
    scan of contract.pdf     one page that is only a picture: no text layer, no fonts
    季度报告 第三季度.docx      headings, a list and a table, in Chinese
    sales 2026 Q3.xlsx       two sheets, formulas that refer to each other
    roadmap.pptx             three slides
    orders.csv  sensor.json  notes.txt  forecast.py
    团队 🎉 notes.md          a name with Chinese, a space and a sign outside the basic plane
    batch requests.jsonl     lines that the batch interfaces of both providers take
    chart.png  harbour.jpeg  harbour small.webp
    Minutes of the …md       a name of some 120 characters
    empty.txt                no bytes: must be refused
    archive.zip              a kind that no provider takes: must be refused
"""

import csv
import io
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from samples import offices, pictures, portable
from samples.figures import COMPANY, MONTHS, REGIONS, SALES, THOUSAND, total
from samples.fixed import zip_of

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "samples"

LONG_NAME = (
    "Minutes of the meeting about the third quarter, the move to the new harbour hall and the plan"
    " for next year (final version).md"
)

FORECAST = '''"""Guess the next month of every region from the last three: a weighted mean."""

import csv
import sys
from collections import defaultdict

WEIGHTS = (1, 2, 3)


def guess(values: list[float]) -> float:
    """The weighted mean of the last three values; the newest counts most."""
    newest = values[-len(WEIGHTS) :]
    return sum(w * v for w, v in zip(WEIGHTS, newest, strict=True)) / sum(WEIGHTS)


def main() -> None:
    """Read region,amount lines from standard input."""
    by_region: dict[str, list[float]] = defaultdict(list)
    for region, amount in csv.reader(sys.stdin):
        by_region[region].append(float(amount))
    for region, values in sorted(by_region.items()):
        print(f"{region}: {guess(values):,.0f}")


if __name__ == "__main__":
    main()
'''


def text_files() -> dict[str, bytes]:
    """Everything that is characters, in UTF-8 with plain line ends."""
    notes = (
        f"{COMPANY}: telephone notes\n\n"
        "14 July. The hall in the north harbour is free from October.\n"
        "21 July. Kiln 3 needs a new controller; the price is 4,200 EUR – ask again in August.\n"
        "2 September. 上海办事处 wants the report in Chinese as well.\n"
    )
    team = (
        "# Team notes 🎉\n\n- Welcome, 李娜! She leads the office in Shanghai.\n"
        f"- The quarter closed at **{total()} {THOUSAND}**.\n"
        "- Next: the move, see [the plan](plan.md)\n\n"
        "| what | who | until |\n|---|---|---|\n"
        "| new kiln | Edvard | 30 Oct |\n| 网站 | 李娜 | 15 Nov |\n"
    )
    minutes = (
        "# Minutes\n\nPresent: Edvard, Ingrid, 李娜, Tomás. Excused: Aino.\n\n"
        "1. The figures of the third quarter were accepted without changes.\n"
        "2. The move starts on 5 October; the kilns follow last.\n"
        "3. The budget for next year is due on 1 November.\n"
    )
    files = {
        "notes.txt": notes,
        "团队 🎉 notes.md": team,
        LONG_NAME: minutes,
        "forecast.py": FORECAST,
        "orders.csv": orders(),
        "sensor.json": sensor(),
        "batch requests.jsonl": batch(),
        "empty.txt": "",
    }
    return {name: text.encode() for name, text in files.items()}


def orders() -> str:
    """A table with quoted fields, a quote in a field and an amount for each region and month."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["order", "month", "region", "customer", "thousand_eur"])
    customers = ["Møller, Son & Co.", 'Hotel "Aurora"', "青岛陶瓷有限公司", "Casa Azul"]
    number = 26_070
    for month, amounts in zip(MONTHS, SALES, strict=True):
        for region, customer, amount in zip(REGIONS, customers, amounts, strict=True):
            number += 7
            writer.writerow([f"HR-{number}", month, region, customer, amount])
    return lines.getvalue()


def sensor() -> str:
    """A day of kiln temperatures."""
    celsius = [20, 20, 110, 240, 420, 610, 800, 990, 1150, 1240, 1240, 1240]
    celsius += [1235, 1180, 1060, 930, 800, 680, 560, 450, 350, 260, 180, 120]
    readings = [{"hour": hour, "celsius": value} for hour, value in enumerate(celsius)]
    sheet = {"kiln": "3", "地点": "北港", "date": "2026-09-14", "readings": readings}
    return json.dumps(sheet, ensure_ascii=False, indent=1) + "\n"


def batch() -> str:
    """Requests as the batch interfaces want them: one object a line, custom_id of six or more."""
    questions = [
        "Summarise the quarter in one sentence.",
        "哪个地区增长最快？",
        "List three risks.",
    ]
    requests = [
        {
            "custom_id": f"request-{number:04}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": "kimi-k2",
                "messages": [{"role": "user", "content": question}],
                "max_tokens": 200,
            },
        }
        for number, question in enumerate(questions, 1)
    ]
    return "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)


def all_files() -> dict[str, bytes]:
    """Name and content of every sample."""
    files = text_files()
    return files | {
        "report.pdf": portable.report(),
        "scan of contract.pdf": portable.scan(),
        "季度报告 第三季度.docx": offices.document(),
        "sales 2026 Q3.xlsx": offices.workbook(),
        "roadmap.pptx": offices.slides(),
        "chart.png": pictures.chart(),
        "harbour.jpeg": pictures.harbour(960, 600, "JPEG"),
        "harbour small.webp": pictures.harbour(480, 300, "WEBP"),
        "archive.zip": zip_of({name: files[name] for name in ("notes.txt", "orders.csv")}),
    }


def main() -> None:
    """Write the set; files of an older set are removed."""
    files = all_files()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        (FOLDER / name).write_bytes(content)
        print(f"{len(content):>8}  {name}")
    print(f"{sum(map(len, files.values())):>8}  in all")


if __name__ == "__main__":
    main()
