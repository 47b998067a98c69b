"""Child process: the real window, drawn off screen, with a heartbeat in its thread.

Started by `benchmarks.child.running`; not for use by hand.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import qasync  # type: ignore[import-untyped]
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from benchmarks.accounts import renew_accounts
from benchmarks.child import answer
from benchmarks.heartbeat import Heartbeat
from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.core.service import UploadService
from exai_desktop.gui import app as gui
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.engine.thread import EngineFactory
from exai_desktop.gui.window import making
from exai_desktop.gui.window.main_window import MainWindow
from exai_desktop.gui.window.parts import Parts

_LOOK_S = 0.005


class _Work:
    """Orders to the window, as a user would give them."""

    def __init__(self, window: MainWindow, parts: Parts) -> None:
        self._window = window
        self._parts = parts
        self._heart = Heartbeat(window)
        self._ended = self._done = self._stuck = 0
        parts.bridge.news_arrived.connect(self._on_news)

    def _on_news(self, news: News) -> None:
        for batch in news.finished:
            self._done += batch.done
            self._ended += batch.done + batch.duplicate + batch.refused + batch.failed
            self._stuck += batch.review + batch.cancelled

    async def accounts(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"names": await renew_accounts(self._parts.client.accounts, order)}

    async def drop(self, order: dict[str, Any]) -> dict[str, Any]:
        """Add the paths and wait until the window has heard of the end."""
        self._ended = self._done = self._stuck = 0
        start = time.perf_counter()
        cpu, own = time.process_time(), time.thread_time()
        self._heart.start()
        self._window.add(order["paths"])
        while self._ended < order["files"]:
            if self._stuck:
                raise RuntimeError(f"{self._stuck} files wait for the user")
            await asyncio.sleep(_LOOK_S)
        late = self._heart.stop()
        return {
            **late,
            "done": self._done,
            "whole": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "window_cpu": time.thread_time() - own,
        }

    async def plan(self, order: dict[str, Any]) -> dict[str, Any]:
        """Of these paths, asked for as the window does it."""
        queue, start, cpu = self._parts.client.queue, time.perf_counter(), time.process_time()
        number, first = await queue.plan(order["paths"], AddOptions()), 0.0
        while True:
            plan = (await queue.planned(number)).plan
            first = first or time.perf_counter() - start
            if plan.is_whole:
                break
        whole = time.perf_counter() - start
        return {
            "files": plan.files,
            "first": first,
            "whole": whole,
            "cpu": time.process_time() - cpu,
        }

    async def plan_page(self, order: dict[str, Any]) -> dict[str, Any]:
        """The plan of a drop, before the user; it stays there until the next order ends it."""
        plans = self._window.plans
        plans.give_up()
        start, own = time.perf_counter(), time.thread_time()
        self._heart.start()
        self._parts.tasks.start(plans.is_planned(order["paths"], AddOptions(), 1))
        while plans.page is None:
            await asyncio.sleep(_LOOK_S)
        first = time.perf_counter() - start
        while not plans.page.send.isEnabled():
            await asyncio.sleep(_LOOK_S)
        return {
            **self._heart.stop(),
            "first": first,
            "whole": time.perf_counter() - start,
            "window_cpu": time.thread_time() - own,
        }

    async def insert(self, order: dict[str, Any]) -> dict[str, Any]:
        """Add the paths to a queue that stands still, and wait until all are in the list."""
        self._window.plans.give_up()
        await self._parts.client.queue.pause()
        model = self._window.page.model
        wanted = model.rowCount() + order["files"]
        start, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        self._heart.start()
        self._window.add(order["paths"])
        while model.rowCount() < wanted:
            await asyncio.sleep(_LOOK_S)
        return {
            **self._heart.stop(),
            "whole": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "window_cpu": time.thread_time() - own,
        }

    async def deeds(self, order: dict[str, Any]) -> dict[str, Any]:
        """What one does in a long list; for each the worst beat until it is calm again."""
        page, found = self._window.page, dict[str, dict[str, float]]()
        every, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
        page.view.setFocus()
        deeds: dict[str, Callable[[], object]] = {
            "Ctrl+A": lambda: QTest.keyClick(page.view, Qt.Key.Key_A, every),
            "refresh": page.model.refresh,
            "End": lambda: QTest.keyClick(page.view, Qt.Key.Key_End, every),
            "Home": lambda: QTest.keyClick(page.view, Qt.Key.Key_Home, every),
            "Shift+End": lambda: QTest.keyClick(page.view, Qt.Key.Key_End, every | shift),
            "middle": lambda: page.view.scrollTo(page.model.index(order["rows"] // 2, 0)),
            "sort": lambda: page.view.sortByColumn(0, Qt.SortOrder.AscendingOrder),
            "search": lambda: page.filter.search.setText("page-0001"),
            "search ends": lambda: page.filter.search.setText(""),
        }
        for name, deed in deeds.items():
            self._heart.start()
            deed()
            await asyncio.sleep(order["seconds"])
            found[name] = self._heart.stop()
        return found

    async def rest(self, order: dict[str, Any]) -> dict[str, Any]:
        """The heartbeat alone: what the machine itself adds."""
        self._heart.start()
        await asyncio.sleep(order["seconds"])
        return dict(self._heart.stop())


def _factory(sandbox: bool) -> EngineFactory:
    def make() -> AbstractAsyncContextManager[UploadService]:
        from exai_desktop.bootstrap import open_service  # late, as the program does it

        return open_service(sandbox=sandbox, face="window")

    return make


async def _until_usable(window: MainWindow) -> None:
    while window.stack.currentWidget() is window.starting or not window.isVisible():
        await asyncio.sleep(_LOOK_S)


def _listen(loop: asyncio.AbstractEventLoop, orders: asyncio.Queue[str]) -> None:
    # The bare descriptor: a thread blocked in sys.stdin holds its lock when the process ends.
    with os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8") as lines:
        for line in lines:
            loop.call_soon_threadsafe(orders.put_nowait, line)
    loop.call_soon_threadsafe(orders.put_nowait, "")


async def _run(app: QApplication, loop: asyncio.AbstractEventLoop) -> None:
    window, parts, presence = making.build(app, loop, gui.outside(_factory))
    window.show()
    shown = time.monotonic()
    window.repaint()
    painted_cpu = time.process_time()
    window.enter(sandbox=False)
    await _until_usable(window)
    usable, usable_cpu = time.monotonic(), time.process_time()
    answer(shown=shown, usable=usable, painted_cpu=painted_cpu, usable_cpu=usable_cpu)
    work = _Work(window, parts)
    known: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
        "accounts": work.accounts,
        "drop": work.drop,
        "rest": work.rest,
        "plan": work.plan,
        "plan_page": work.plan_page,
        "insert": work.insert,
        "deeds": work.deeds,
    }
    orders: asyncio.Queue[str] = asyncio.Queue()
    threading.Thread(target=_listen, args=(loop, orders), daemon=True).start()
    while line := await orders.get():
        order = json.loads(line)
        answer(**await known[order["order"]](order))
    await making.settle(window, parts, presence)
    window.deleteLater()


def main() -> None:
    """As the program's own entry, with a way in for orders."""
    app = QApplication(["exai-desktop"])
    app.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with loop:
        loop.run_until_complete(_run(app, loop))


if __name__ == "__main__":
    main()
