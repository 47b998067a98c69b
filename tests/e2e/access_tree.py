"""What a screen reader gets of the window: the tree of controls over AT-SPI, the real protocol."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from jeepney import DBusAddress, Message, MessageType, Properties, new_method_call  # type: ignore[import-untyped]
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    DBusConnection,
    open_dbus_connection,
)

LAUNCHER: Final = Path("/usr/libexec/at-spi-bus-launcher")
ACCESSIBLE: Final = "org.a11y.atspi.Accessible"
TEXT: Final = "org.a11y.atspi.Text"
VALUE: Final = "org.a11y.atspi.Value"
_NOBODY: Final = "/org/a11y/atspi/null"
# Bits of AtspiStateType.
FOCUSABLE, FOCUSED, SHOWING = 11, 12, 25
# Of AtspiRelationType.
LABELLED_BY: Final = 2
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True)
class Node:
    """One control, or one value in a list."""

    role: str
    name: str
    description: str
    text: str
    states: int
    depth: int
    # Another control says what it is.
    is_labelled: bool = False
    children: list[Node] = field(default_factory=list)

    def has(self, state: int) -> bool:
        return bool(self.states >> state & 1)

    def all(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.all()

    def find(self, role: str, name: str) -> Node | None:
        found = (one for one in self.all() if one.role == role and one.name == name)
        return next(found, None)

    def lines(self) -> str:
        """For people who have to find out why a test failed."""
        return "\n".join(
            f"{'  ' * one.depth}{one.role} {one.name!r} {one.text!r}" for one in self.all()
        )


@contextmanager
def accessibility(bus: str) -> Iterator[str]:
    """The address of the bus of screen readers that belongs to this session bus."""
    if not LAUNCHER.exists():
        pytest.fail(
            f"{LAUNCHER} not found. Run: packaging/linux/install-system-packages test",
            pytrace=False,
        )
    environment = os.environ | {"DBUS_SESSION_BUS_ADDRESS": bus}
    launcher = subprocess.Popen(
        [LAUNCHER, "--launch-immediately"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield _address(bus)
    finally:
        launcher.terminate()
        launcher.wait(60)


def _address(bus: str) -> str:
    where = DBusAddress("/org/a11y/bus", bus_name="org.a11y.Bus", interface="org.a11y.Bus")
    end = time.monotonic() + _PATIENCE_S
    with open_dbus_connection(bus=bus) as session:
        while time.monotonic() < end:
            reply = session.send_and_get_reply(new_method_call(where, "GetAddress"))
            if reply.header.message_type is MessageType.method_return:
                return str(reply.body[0])
            time.sleep(0.05)
    raise AssertionError("the bus of screen readers does not come")


class Reader:
    """Asks as a screen reader does."""

    def __init__(self, address: str) -> None:
        self._bus: DBusConnection = open_dbus_connection(bus=address)

    def close(self) -> None:
        self._bus.close()

    def windows(self) -> list[Node]:
        """The visible windows of all programs, the newest last."""
        found = []
        root = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
        for program in self._children(root):
            for window in self._children(program):
                if self._states(window) >> SHOWING & 1:
                    found.append(self._node(window, 0))
        return found

    def _node(self, place: tuple[str, str], depth: int) -> Node:
        name, description = self._property(place, "Name"), self._property(place, "Description")
        inside = [self._node(child, depth + 1) for child in self._children(place)]
        return Node(
            role=str(self._call(place, ACCESSIBLE, "GetRoleName")[0]),
            name=str(name),
            description=str(description),
            text=self._text(place),
            states=self._states(place),
            depth=depth,
            is_labelled=self._is_labelled(place),
            # Of a table also what is scrolled out of sight.
            children=[one for one in inside if one.has(SHOWING) or one.role == "cell"],
        )

    def _is_labelled(self, place: tuple[str, str]) -> bool:
        relations = self._call(place, ACCESSIBLE, "GetRelationSet")[0]
        return any(kind == LABELLED_BY for kind, _ in relations)

    def _text(self, place: tuple[str, str]) -> str:
        interfaces = self._call(place, ACCESSIBLE, "GetInterfaces")[0]
        if TEXT in interfaces:
            return str(self._call(place, TEXT, "GetText", "ii", (0, -1))[0])
        if VALUE in interfaces:
            return str(self._property(place, "CurrentValue", VALUE))
        return ""

    def _states(self, place: tuple[str, str]) -> int:
        low, high = self._call(place, ACCESSIBLE, "GetState")[0]
        return int(low) | int(high) << 32

    def _children(self, place: tuple[str, str]) -> list[tuple[str, str]]:
        found = self._call(place, ACCESSIBLE, "GetChildren")[0]
        return [(name, path) for name, path in found if path != _NOBODY]

    def _property(self, place: tuple[str, str], name: str, interface: str = ACCESSIBLE) -> Any:
        address = DBusAddress(place[1], bus_name=place[0], interface=interface)
        return self._asked(Properties(address).get(name)).body[0][1]

    def _call(
        self,
        place: tuple[str, str],
        interface: str,
        method: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
    ) -> Any:
        address = DBusAddress(place[1], bus_name=place[0], interface=interface)
        return self._asked(new_method_call(address, method, signature, body)).body

    def _asked(self, message: Message) -> Message:
        reply = self._bus.send_and_get_reply(message, timeout=_PATIENCE_S)
        assert reply.header.message_type is MessageType.method_return, reply.body
        return reply
