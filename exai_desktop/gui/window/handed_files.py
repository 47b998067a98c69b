"""Files that were given at the start, or by a second start: they are added like dropped ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from exai_desktop.core.events import WindowWish
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text


class HandedFiles:
    """Keeps them until there is an account. They are meant for the profile that was started, so
    they wait while somebody tries the sandbox."""

    def __init__(
        self,
        client: EngineClient,
        notices: NoticeBar,
        add: Callable[[Sequence[str]], object],
        come_to_front: Callable[[], object],
    ) -> None:
        self._client = client
        self._notices = notices
        self._add = add
        self._come_to_front = come_to_front
        self._waiting: list[str] = []
        self._is_for_sandbox = False
        self._is_right_profile = False

    def begin(self, paths: Sequence[str], *, is_sandbox: bool) -> None:
        """From the command line, before an engine is there."""
        self._waiting = list(paths)
        self._is_for_sandbox = is_sandbox

    def wish(self, *, is_sandbox: bool) -> WindowWish:
        """What another window of this profile is to do, if there is one: what waits here for the
        other profile is none of its business."""
        if is_sandbox != self._is_for_sandbox:
            return WindowWish()
        return WindowWish(tuple(self._waiting), os.environ.get("XDG_ACTIVATION_TOKEN", ""))

    def enter(self, *, is_sandbox: bool, has_account: bool) -> None:
        """Another engine is behind the window."""
        self._is_right_profile = is_sandbox == self._is_for_sandbox
        self.offer(has_account=has_account)

    def offer(self, *, has_account: bool) -> None:
        """Add them now, if they can be."""
        if not self._waiting or not self._is_right_profile:
            return
        if has_account:
            paths, self._waiting = self._waiting, []
            self._add(paths)
            return
        number = count_text(len(self._waiting), "path waits", "paths wait")
        self._notices.show_notice(f"{number} for an account", _ADD_ONE, Tone.CARE)

    async def take_wishes(self) -> None:
        """What second starts have handed over since the last time."""
        for wish in await self._client.window.wishes():
            if wish.token:
                os.environ["XDG_ACTIVATION_TOKEN"] = wish.token
            self._come_to_front()
            self._take(wish.paths)

    def _take(self, paths: Sequence[str]) -> None:
        """Those of a second start are for the profile that is open: it was asked by its socket."""
        self._add(paths)


_ADD_ONE = "Add an account: then they are added to the queue."
