"""The page *Activity*: what happened in words, page by page, and every value of its charts."""

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt

from exai_desktop.core.audit.activity import ActivityKind, ActivityQuery, DaySum
from exai_desktop.core.audit.audit import AuditRow, utc_text
from exai_desktop.gui.activity.page import ActivityPage
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
CTRL = Qt.KeyboardModifier.ControlModifier
NOW = time.time()


def happened(seq: int, action: str, **values: str | int) -> AuditRow:
    given: dict[str, str | int | None] = dict.fromkeys(AuditRow.__slots__)
    given |= {"seq": seq, "at": utc_text(NOW - 60), "actor": "ada", "action": action}
    given |= {"path_text": f"/home/ada/{seq}.pdf", "account": "work", "outcome": "ok"}
    return AuditRow(**(given | values))  # type: ignore[arg-type]


ROWS = [
    happened(230 - number, "job.failed", error_code="TIMEOUT")
    if number == 1
    else happened(230 - number, "job.done", remote_id=f"file-{number}")
    for number in range(230)
]
DAYS = [DaySum("2026-11-26"), DaySum("2026-11-27", 9, 1, 5_000), DaySum("2026-11-28", 3, 0, 700)]


@pytest.fixture
def stage_and_page(open_window: Open) -> tuple[Stage, ActivityPage]:
    script = ScriptedService(statuses=[account("work")])
    script.audit.trail = list(ROWS)
    script.audit.sums = list(DAYS)
    stage = open_window(script)
    stage.press(Qt.Key.Key_5, CTRL)
    page = stage.window.stack.currentWidget()
    assert isinstance(page, ActivityPage)
    stage.until(lambda: len(page.rows) == 200)
    return stage, page


def what(page: ActivityPage, row: int) -> str:
    item = page.table.item(row, 1)
    assert item is not None
    return item.text()


def test_rows_are_sentences_the_newest_first(stage_and_page: tuple[Stage, ActivityPage]) -> None:
    stage, page = stage_and_page
    assert what(page, 0) == "Sent 230.pdf to work: file-0"
    assert what(page, 1) == "229.pdf failed: The provider did not answer in time"
    spoken = page.table.item(1, 1)
    assert spoken is not None
    assert spoken.data(Qt.ItemDataRole.AccessibleTextRole).startswith("Problems: ")
    assert not list(unnamed(stage.window))


def test_pages_are_turned_and_turned_back(stage_and_page: tuple[Stage, ActivityPage]) -> None:
    stage, page = stage_and_page
    assert not page.newer.isEnabled()
    page.older.click()
    stage.until(lambda: len(page.rows) == 30)
    assert (page.rows[0].seq, page.older.isEnabled()) == (30, False)
    page.newer.click()
    stage.until(lambda: len(page.rows) == 200)
    assert page.rows[0].seq == 230


def test_it_is_filtered_by_kind_and_day(stage_and_page: tuple[Stage, ActivityPage]) -> None:
    stage, page = stage_and_page
    page.kind.choose("Problems")
    stage.until(lambda: [row.seq for row in page.rows] == [229])
    page.one_day.click()
    assert page.day.isVisible()
    stage.until(lambda: stage.script.calls[-1][0] == "audit.activity")

    def asked() -> bool:
        query = stage.script.calls[-1][1]
        assert isinstance(query, ActivityQuery)
        if query.since is None or query.until is None:
            return False
        is_day = query.until - query.since in (82_800, 86_400, 90_000)
        return is_day and query.kinds == (ActivityKind.PROBLEM,)

    stage.until(asked)


def test_every_value_of_a_chart_is_told(stage_and_page: tuple[Stage, ActivityPage]) -> None:
    _, page = stage_and_page
    uploads, success, size = page.charts
    assert uploads.bars.accessibleName() == (
        "Uploads a day: Sat 28 Nov: 3, Fri 27 Nov: 9, Thu 26 Nov: 0"
    )
    assert "Fri 27 Nov: 90.0 %, Thu 26 Nov: no uploads" in success.bars.spoken
    assert "Fri 27 Nov: 5.0 kB" in size.bars.spoken
