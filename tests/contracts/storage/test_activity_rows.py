"""The audit trail for people, on disk: found by time, kind and account, and summed up by day."""

from __future__ import annotations

from datetime import datetime

import pytest

from exai_desktop.core.audit.activity import ActivityKind, ActivityQuery
from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.storage.audit import activity, trail
from exai_desktop.storage.audit.trail import AuditTrail, SqliteAuditStore
from exai_desktop.storage.database import Database

DAY = 86_400.0
NOON = datetime(2026, 11, 20, 12).astimezone().timestamp()


async def put(database: Database) -> SqliteAuditStore:
    """Three days: each sends two files of 100 bytes, one of which is refused on the second."""
    store = SqliteAuditStore(database, AuditTrail())
    for day in range(3):
        at = NOON + day * DAY
        await store.note(AuditEntry(at, "job.sending", "ok", account="work"))
        await store.note(AuditEntry(at + 1, "job.done", "ok", account="work", bytes=100))
        action = "job.refused" if day == 1 else "job.done"
        await store.note(AuditEntry(at + 2, action, "ok", account="home", bytes=100))
    return store


async def numbers(store: SqliteAuditStore, query: ActivityQuery) -> list[int]:
    return [row.seq for row in await store.newest(query)]


async def test_rows_are_found_by_kind_account_time_and_page(database: Database) -> None:
    store = await put(database)
    assert await numbers(store, ActivityQuery()) == [9, 8, 6, 5, 3, 2]
    assert await numbers(store, ActivityQuery(steps=True, limit=3)) == [9, 8, 7]
    assert await numbers(store, ActivityQuery(before=6, limit=2)) == [5, 3]
    assert await numbers(store, ActivityQuery((ActivityKind.PROBLEM,))) == [6]
    assert await numbers(store, ActivityQuery(account="home")) == [9, 6, 3]
    second = ActivityQuery(since=NOON + DAY, until=NOON + 2 * DAY)
    assert await numbers(store, second) == [6, 5]
    assert await numbers(store, ActivityQuery(since=NOON + 9 * DAY)) == []


@pytest.mark.parametrize("window", [2, 50_000])
async def test_days_are_summed_up_in_windows(
    database: Database, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(activity, "WINDOW", window)
    monkeypatch.setattr(trail, "WINDOW", window)
    store = await put(database)
    days = await store.days(NOON - DAY)
    assert [(one.day, one.sent, one.failed, one.bytes) for one in days] == [
        ("2026-11-20", 2, 0, 200),
        ("2026-11-21", 1, 1, 100),
        ("2026-11-22", 2, 0, 200),
    ]
    assert [one.day for one in await store.days(NOON + DAY)] == ["2026-11-21", "2026-11-22"]
