"""What the operating system reports about battery and network, as far as it does."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

from exai_desktop.core.machine import Situation

_POWER: Final = Path("/sys/class/power_supply")
# NetworkManager's NMMetered: 1 is yes, 3 a guess of yes; 0 is that it does not know.
_METERED: Final = {1: True, 2: False, 3: True, 4: False}
_ANSWER_S: Final = 0.5


class SystemSurroundings:
    """`core.machine.Surroundings`. `power`: where Linux shows its supplies."""

    def __init__(self, power: Path = _POWER) -> None:
        self._power = power

    def look(self) -> Situation:
        if platform.system() == "Linux":
            return Situation(_network_manager(), _linux_battery(self._power))
        return Situation(on_battery=_psutil_battery())

    @staticmethod
    def network() -> object:
        """What is another thing when this computer is in another network; blocks shortly."""
        import psutil  # type: ignore[import-untyped]  # late: few need it

        try:
            found = psutil.net_if_addrs()
        except OSError:
            return None
        return sorted((name, each.address) for name, many in found.items() for each in many)


def _linux_battery(folder: Path) -> bool | None:
    """By the mains if the machine has one, else by a battery that is emptying.

    Not by psutil: on Linux it takes a wireless mouse (hidpp_battery_0) for the machine's battery,
    and it knows no other mains than AC and AC0.
    """
    mains, emptying = [], []
    try:
        for supply in sorted(folder.iterdir()):
            kind = _line(supply / "type")
            if kind in ("Mains", "USB") and _line(supply / "online") in ("0", "1"):
                mains.append(_line(supply / "online") == "1")
            elif kind == "Battery" and _line(supply / "scope") != "Device":  # a mouse has one, too
                emptying.append(_line(supply / "status") == "Discharging")
    except OSError:
        return None
    if not emptying:
        return None
    return any(emptying) and not any(mains)


def _psutil_battery() -> bool | None:
    # Late: it is needed only when the user has asked to wait on battery power.
    import psutil

    try:
        battery = psutil.sensors_battery()
    except Exception:  # noqa: BLE001 - it reports errors of the system in several ways
        return None
    if battery is None or battery.power_plugged is None:
        return None
    return not battery.power_plugged


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _network_manager() -> bool | None:
    """Asked over the system's D-Bus; None where there is no NetworkManager."""
    try:
        # Late: on Linux only. It carries no types.
        from jeepney import (  # type: ignore[import-untyped]
            DBusAddress,
            MessageType,
            Properties,
        )
        from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

        manager = DBusAddress(
            "/org/freedesktop/NetworkManager",
            bus_name="org.freedesktop.NetworkManager",
            interface="org.freedesktop.NetworkManager",
        )
        with open_dbus_connection(bus="SYSTEM") as connection:
            reply = connection.send_and_get_reply(
                Properties(manager).get("Metered"), timeout=_ANSWER_S
            )
        if reply.header.message_type is not MessageType.method_return:
            return None
        return _METERED.get(reply.body[0][1])
    except Exception:  # noqa: BLE001 - no bus, no answer, another protocol: all mean it does not tell
        return None
