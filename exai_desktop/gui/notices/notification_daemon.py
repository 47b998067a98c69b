"""The desktop's notification daemon, asked over D-Bus (org.freedesktop.Notifications).

Not by Qt's classes for D-Bus: these cannot send the unsigned number that the daemon wants.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import AsyncExitStack
from html import escape
from typing import Any, Final, NamedTuple

from PySide6.QtCore import QObject, Signal

log = logging.getLogger(__name__)

_NAME: Final = "org.freedesktop.Notifications"
_PATH: Final = "/org/freedesktop/Notifications"
_APP_NAME: Final = "EXAI Desktop"
_ANSWER_S: Final = 5.0
# As the daemons name them.
_NORMAL, _CRITICAL = 1, 2
_SILENT: Final = -1  # the daemon decides how long it is shown


class Notification(NamedTuple):
    """`key`: a newer one of the same key takes its place."""

    title: str
    text: str
    key: str
    is_problem: bool = False


class NotificationDaemon(QObject):
    """`chosen` has the key of the notification that was clicked, and what a Wayland desktop gives
    for the right to come to the front."""

    chosen = Signal(str, str)

    def __init__(self, parent: QObject, app_id: str) -> None:
        super().__init__(parent)
        self._app_id = app_id
        self._stack = AsyncExitStack()
        self._router: Any = None
        self._features: frozenset[str] = frozenset()
        self._numbers: dict[str, int] = {}
        self._tokens: dict[int, str] = {}
        self._opening = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    async def show(self, notification: Notification) -> bool:
        """Whether there is a daemon that has taken it, or wants to be left alone now."""
        try:
            await self._open()
            if self._router is None:
                return False
            if await self._is_inhibited():
                return True
            await self._notify(notification)
        except Exception as error:  # noqa: BLE001 - no bus, no daemon, another protocol: all mean no
            log.info("no notification: %s", type(error).__name__)
            await self.close()
            return False
        return True

    async def withdraw(self, key: str) -> None:
        """What it says is over."""
        number = self._numbers.pop(key, None)
        if number is None or self._router is None:
            return
        try:
            await self._call("CloseNotification", "u", (number,))
        except Exception as error:  # noqa: BLE001 - it may be gone with its daemon
            log.info("a notification stays: %s", type(error).__name__)

    async def close(self) -> None:
        """Let the bus go; the next notification opens it anew."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.wait({listening})
        self._router = None
        self._numbers.clear()
        try:
            await self._stack.aclose()
        except Exception as error:  # noqa: BLE001 - the other end may be gone
            log.info("the session bus was lost: %s", type(error).__name__)
        self._stack = AsyncExitStack()

    async def _open(self) -> None:
        if sys.platform != "linux":
            return
        async with self._opening:
            if self._router is not None:
                return
            # Late: Linux only, and only when something is to be said. They carry no types.
            from jeepney import MatchRule, message_bus  # type: ignore[import-untyped]
            from jeepney.io.asyncio import (  # type: ignore[import-untyped]
                Proxy,
                open_dbus_router,
            )

            async with asyncio.timeout(_ANSWER_S):
                router = await self._stack.enter_async_context(open_dbus_router(bus="SESSION"))
                self._router = router
                [features] = await self._call("GetCapabilities")
                self._features = frozenset(features)
                rule = MatchRule(type="signal", interface=_NAME, path=_PATH)
                await Proxy(message_bus, router).AddMatch(rule)
            signals = self._stack.enter_context(router.filter(rule, bufsize=50))
            self._listening = asyncio.ensure_future(self._listen(signals))

    async def _call(self, method: str, signature: str = "", body: tuple[Any, ...] = ()) -> Any:
        from jeepney import DBusAddress, MessageType, new_method_call

        address = DBusAddress(_PATH, bus_name=_NAME, interface=_NAME)
        message = new_method_call(address, method, signature or None, body)
        async with asyncio.timeout(_ANSWER_S):
            reply = await self._router.send_and_get_reply(message)
        if reply.header.message_type is not MessageType.method_return:
            raise OSError(0, f"the notification daemon refused {method}")
        return reply.body

    async def _is_inhibited(self) -> bool:
        """Do Not Disturb, where the daemon tells: KDE's does."""
        from jeepney import DBusAddress, MessageType, Properties

        address = DBusAddress(_PATH, bus_name=_NAME, interface=_NAME)
        async with asyncio.timeout(_ANSWER_S):
            reply = await self._router.send_and_get_reply(Properties(address).get("Inhibited"))
        if reply.header.message_type is not MessageType.method_return:
            return False
        return bool(reply.body[0][1])

    async def _notify(self, notification: Notification) -> None:
        text = notification.text
        if "body-markup" in self._features:
            text = escape(text, quote=False)
        actions = ["default", "Open"] if "actions" in self._features else []
        urgency = _CRITICAL if notification.is_problem else _NORMAL
        hints = {"urgency": ("y", urgency), "desktop-entry": ("s", self._app_id)}
        replaced = self._numbers.get(notification.key, 0)
        values = (_APP_NAME, replaced, self._app_id, notification.title, text)
        [number] = await self._call("Notify", "susssasa{sv}i", (*values, actions, hints, _SILENT))
        self._numbers[notification.key] = number

    async def _listen(self, signals: asyncio.Queue[Any]) -> None:
        """Only of our own notifications; the daemon tells everybody about all of them."""
        while True:
            message = await signals.get()
            member = message.header.fields.get(3)  # the name of the signal
            number, *rest = message.body
            key = next((k for k, known in self._numbers.items() if known == number), None)
            if key is None:
                continue
            if member == "ActivationToken":
                self._tokens[number] = str(rest[0])
            elif member == "ActionInvoked":
                self.chosen.emit(key, self._tokens.pop(number, ""))
            elif member == "NotificationClosed":
                self._numbers.pop(key, None)
                self._tokens.pop(number, None)
