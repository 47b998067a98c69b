"""Files that were given at the start, or by a second start: they are added like dropped ones."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from exai_desktop.core.events import WindowWish
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

# Adds paths, and calls what it is given when they are in the queue or before the user.
Take = Callable[[Sequence[str], Callable[[], object]], Coroutine[Any, Any, None]]

_ADD_ONE: Final = "Add an account: then they are added to the queue."


class HandedFiles:
    """Keeps them until there is an account of the profile they are meant for: the one that was
    started, or whose socket was asked. They wait while the window shows the other one."""

    def __init__(
        self,
        client: EngineClient,
        tasks: SlotTasks,
        notices: NoticeBar,
        take: Take,
        come_to_front: Callable[[], object],
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._notices = notices
        self._take = take
        self._come_to_front = come_to_front
        # By whether they are for the sandbox.
        self._waiting: dict[bool, list[str]] = {False: [], True: []}
        # None: no engine is behind the window.
        self._is_sandbox: bool | None = None
        self._has_account = False

    def begin(self, paths: Sequence[str], *, is_sandbox: bool) -> None:
        """From the command line, before an engine is there."""
        self._waiting[is_sandbox] = list(paths)

    def wish(self, *, is_sandbox: bool) -> WindowWish:
        """What another window of this profile is to do, if there is one: what waits here for the
        other profile is none of its business."""
        token = os.environ.get("XDG_ACTIVATION_TOKEN", "")
        return WindowWish(tuple(self._waiting[is_sandbox]), token)

    def leave(self) -> None:
        """The engine goes; who asks for the window meanwhile waits for the next one."""
        self._is_sandbox = None

    def enter(self, *, is_sandbox: bool, has_account: bool) -> None:
        """Another engine is behind the window. What it was asked during its start is done now."""
        self._is_sandbox = is_sandbox
        self.offer(has_account=has_account)
        self._tasks.start(self.take_wishes())

    def offer(self, *, has_account: bool) -> None:
        """Add them now, if they can be."""
        self._has_account = has_account
        waiting = [] if self._is_sandbox is None else self._waiting[self._is_sandbox]
        if not waiting:
            return
        if has_account:
            paths = tuple(waiting)
            waiting.clear()
            self._tasks.start(self._take(paths, lambda: None))
            return
        number = count_text(len(waiting), "path waits", "paths wait")
        self._notices.show_notice(f"{number} for an account", _ADD_ONE, Tone.CARE)

    async def take_wishes(self) -> None:
        """What second starts have handed over since the last time."""
        if self._is_sandbox is None:
            return
        for wish in await self._client.window.wishes():
            if wish.token:
                os.environ["XDG_ACTIVATION_TOKEN"] = wish.token
            self._come_to_front()
            if wish.paths:
                self._tasks.start(self._take_of(wish))

    async def _take_of(self, wish: WindowWish) -> None:
        """Whoever gave them is told so when nothing can happen to them any more. Without an answer,
        because the program ends, they start it anew."""
        if not self._has_account and self._is_sandbox is not None:
            self._waiting[self._is_sandbox] += wish.paths
            self.offer(has_account=False)
            await self._client.window.answer(wish, is_taken=True)
            return
        accepted = asyncio.Event()
        adding = self._tasks.start(self._take(wish.paths, accepted.set))
        seen = asyncio.ensure_future(accepted.wait())
        try:
            await asyncio.wait({adding, seen}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            seen.cancel()
        await self._client.window.answer(wish, is_taken=accepted.is_set())
