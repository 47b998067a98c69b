"""A session bus of a test's own with the parts of a desktop on it: the watcher of the tray and a
notification daemon. Both speak the real protocols, and note what they were told."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    Properties,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    DBusConnection,
    open_dbus_connection,
)

WATCHER = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>"""

_WATCHER_XML = f"""<node><interface name="{WATCHER}">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
</interface></node>"""


@contextmanager
def session_bus(folder: Path) -> Iterator[str]:
    """Its address. No service of the computer is started on it."""
    folder.mkdir(mode=0o700)
    place, config = folder / "bus", folder / "bus.conf"
    config.write_text(_CONFIG.format(socket=place), encoding="utf-8")
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as daemon:
        try:
            # The file is there a moment before anybody listens at it.
            end = time.monotonic() + 60
            while not _is_open(place) and time.monotonic() < end:
                time.sleep(0.02)
            yield f"unix:path={place}"
        finally:
            daemon.terminate()


def _is_open(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trying:
        try:
            trying.connect(str(path))
        except OSError:
            return False
    return True


class _Service:
    """Answers calls to one name in a thread of its own."""

    name = ""
    path = ""

    def __init__(self, address: str) -> None:
        self._bus = open_dbus_connection(bus=address)
        self._bus.send_and_get_reply(message_bus.RequestName(self.name))
        self._is_over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._is_over:
            try:
                message = self._bus.receive(timeout=0.1)
            except TimeoutError:
                continue
            except (OSError, EOFError):
                return
            if message.header.message_type is MessageType.method_call:
                self._bus.send(self._answer(message))

    def _answer(self, message: Message) -> Message:
        fields = message.header.fields
        member = fields.get(HeaderFields.member)
        if member == "Get":
            value = self.properties().get(message.body[1])
            if value is None:
                return new_error(message, "org.freedesktop.DBus.Error.UnknownProperty")
            return new_method_return(message, "v", (value,))
        if member == "GetAll":
            return new_method_return(message, "a{sv}", (self.properties(),))
        if member == "Introspect":
            return new_method_return(message, "s", (_WATCHER_XML,))
        return self.call(message, str(member), message.body)

    def properties(self) -> dict[str, tuple[str, Any]]:
        return {}

    def call(self, message: Message, member: str, body: Any) -> Message:
        raise NotImplementedError

    def signal(self, member: str, signature: str, body: tuple[Any, ...]) -> None:
        emitter = DBusAddress(self.path, interface=self.name)
        self._bus.send(new_signal(emitter, member, signature, body))

    def close(self) -> None:
        """The name goes with the connection, as when a panel ends."""
        self._is_over = True
        self._thread.join(10)
        self._bus.close()


class TrayWatcher(_Service):
    """What a panel with a tray puts on the bus. `items` are the icons that came."""

    name, path = WATCHER, "/StatusNotifierWatcher"

    def __init__(self, address: str) -> None:
        self.items: list[str] = []
        super().__init__(address)

    def properties(self) -> dict[str, tuple[str, Any]]:
        return {
            "IsStatusNotifierHostRegistered": ("b", True),
            "RegisteredStatusNotifierItems": ("as", list(self.items)),
            "ProtocolVersion": ("i", 0),
        }

    def call(self, message: Message, member: str, body: Any) -> Message:
        if member == "RegisterStatusNotifierItem":
            sender = message.header.fields[HeaderFields.sender]
            self.items.append(body[0] if body[0].startswith((":", "org.")) else sender)
        return new_method_return(message)


@dataclass
class Notice:
    """One notification, as the daemon got it."""

    number: int
    replaces: int
    title: str
    text: str
    actions: list[str]
    hints: dict[str, Any]


@dataclass
class _State:
    notices: list[Notice] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    is_inhibited: bool = False


class NotificationServer(_Service):
    """A notification daemon; with `is_inhibited` it says *Do Not Disturb*, as KDE's does."""

    name, path = NOTIFICATIONS, "/org/freedesktop/Notifications"

    def __init__(self, address: str) -> None:
        self.state = _State()
        super().__init__(address)

    @property
    def notices(self) -> list[Notice]:
        return self.state.notices

    def properties(self) -> dict[str, tuple[str, Any]]:
        return {"Inhibited": ("b", self.state.is_inhibited)}

    def call(self, message: Message, member: str, body: Any) -> Message:
        if member == "GetCapabilities":
            return new_method_return(message, "as", (["actions", "body", "body-markup"],))
        if member == "CloseNotification":
            self.state.closed.append(body[0])
            return new_method_return(message)
        assert member == "Notify", member
        _, replaces, _, title, text, actions, hints, _ = body
        number = replaces or len(self.state.notices) + 1
        self.state.notices.append(Notice(number, replaces, title, text, actions, hints))
        return new_method_return(message, "u", (number,))

    def click(self, number: int) -> None:
        self.signal("ActionInvoked", "us", (number, "default"))


class TrayItem:
    """The program's icon, as a panel sees it."""

    def __init__(self, address: str, service: str) -> None:
        self._bus: DBusConnection = open_dbus_connection(bus=address)
        self._item = DBusAddress("/StatusNotifierItem", bus_name=service, interface=ITEM)
        menu = str(self.property("Menu"))
        self._menu = DBusAddress(menu, bus_name=service, interface=MENU)

    def property(self, name: str) -> Any:
        reply = self._bus.send_and_get_reply(Properties(self._item).get(name), timeout=60)
        return reply.body[0][1]

    def activate(self) -> None:
        """A click with the left button."""
        self._bus.send_and_get_reply(
            new_method_call(self._item, "Activate", "ii", (0, 0)), timeout=60
        )

    def entries(self) -> dict[str, int]:
        """The visible entries of the menu by their text, with their numbers."""
        about = new_method_call(self._menu, "AboutToShow", "i", (0,))
        self._bus.send_and_get_reply(about, timeout=60)
        call = new_method_call(self._menu, "GetLayout", "iias", (0, -1, []))
        _, (_, _, children) = self._bus.send_and_get_reply(call, timeout=60).body
        found = {}
        for _, (number, properties, _) in children:
            if properties.get("visible", ("b", True))[1] and "label" in properties:
                found[properties["label"][1].replace("_", "")] = number
        return found

    def choose(self, text: str) -> None:
        """Click the entry that begins with this text."""
        [number] = [number for label, number in self.entries().items() if label.startswith(text)]
        event = new_method_call(
            self._menu, "Event", "isvu", (number, "clicked", ("s", ""), int(time.time()))
        )
        self._bus.send_and_get_reply(event, timeout=60)

    def close(self) -> None:
        self._bus.close()
