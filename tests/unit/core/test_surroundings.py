"""When the queue waits for what the computer says, and how the computer says it."""

from __future__ import annotations

import asyncio
import platform
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import psutil  # type: ignore[import-untyped]
import pytest

from exai_desktop.config.surroundings import SystemSurroundings
from exai_desktop.core.machine import Situation, steady_time, why_not_now


@pytest.mark.parametrize(
    ("situation", "metered", "battery", "reason"),
    [
        (Situation(True, True), False, False, None),
        (Situation(True, True), True, True, "on a metered connection"),
        (Situation(False, True), True, True, "on battery power"),
        (Situation(False, True), True, False, None),
        (Situation(None, None), True, True, None),
    ],
)
def test_the_queue_waits_for_what_the_user_minds(
    situation: Situation, metered: bool, battery: bool, reason: str | None
) -> None:
    found = why_not_now(situation, waits_when_metered=metered, waits_on_battery=battery)
    assert found == reason


def supplies(folder: Path, **kinds: str) -> SystemSurroundings:
    """As Linux shows them: `name="Mains online=1"`."""
    for name, text in kinds.items():
        kind, *rest = text.split()
        supply = folder / name
        supply.mkdir(parents=True)
        (supply / "type").write_text(f"{kind}\n")
        for item in rest:
            key, _, value = item.partition("=")
            (supply / key).write_text(f"{value}\n")
    return SystemSurroundings(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux shows its supplies as files")
@pytest.mark.parametrize(
    ("kinds", "on_battery"),
    [
        ({}, None),
        ({"AC": "Mains online=1"}, None),
        ({"AC": "Mains online=1", "BAT0": "Battery status=Charging"}, False),
        ({"AC": "Mains online=0", "BAT0": "Battery status=Discharging"}, True),
        ({"BAT0": "Battery status=Discharging"}, True),
        ({"usb": "USB online=1", "BAT0": "Battery status=Discharging"}, False),
        ({"mouse": "Battery status=Discharging scope=Device"}, None),
        ({"odd": "Battery"}, False),
    ],
)
def test_a_battery_that_is_emptying(
    tmp_path: Path, kinds: dict[str, str], on_battery: bool | None
) -> None:
    assert supplies(tmp_path / "power", **kinds).look().on_battery is on_battery


def test_a_machine_without_supplies_does_not_tell(tmp_path: Path) -> None:
    assert SystemSurroundings(tmp_path / "none").look().on_battery is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux shows its supplies as files")
def test_the_battery_of_a_wireless_mouse_is_not_the_machines(tmp_path: Path) -> None:
    """psutil goes by the name and would say: on battery power."""
    found = supplies(tmp_path, hidpp_battery_0="Battery status=Discharging scope=Device")
    assert found.look().on_battery is None


def sbattery(*, is_plugged: bool | None) -> object:
    """What psutil gives."""
    return SimpleNamespace(percent=50, secsleft=-1, power_plugged=is_plugged)


@pytest.mark.parametrize("system", ["Windows", "Darwin"])
@pytest.mark.parametrize(
    ("told", "on_battery"),
    [
        (None, None),
        (sbattery(is_plugged=None), None),
        (sbattery(is_plugged=True), False),
        (sbattery(is_plugged=False), True),
        (OSError("no such call"), None),
    ],
)
def test_the_battery_on_other_systems(
    monkeypatch: pytest.MonkeyPatch, system: str, told: object, on_battery: bool | None
) -> None:
    def sensors_battery() -> object:
        if isinstance(told, Exception):
            raise told
        return told

    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(psutil, "sensors_battery", sensors_battery)
    assert SystemSurroundings().look() == Situation(None, on_battery)


# A NetworkManager on a bus of its own: what is real is the bus and the wire.
MANAGER = """
import sys
from jeepney import MatchRule, MessageType, new_method_return, new_error
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
connection = open_dbus_connection(bus="SYSTEM")
connection.send_and_get_reply(message_bus.RequestName("org.freedesktop.NetworkManager"))
print("ready", flush=True)
while True:
    call = connection.receive()
    if call.header.message_type is MessageType.method_call:
        assert call.body == ("org.freedesktop.NetworkManager", "Metered"), call.body
        connection.send(new_method_return(call, "v", (("u", int(sys.argv[1])),)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="NetworkManager is Linux's")
@pytest.mark.parametrize(
    ("told", "is_metered"), [(0, None), (1, True), (2, False), (3, True), (4, False)]
)
async def test_a_metered_connection(
    secret_service: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    told: int,
    is_metered: bool | None,
) -> None:
    address = secret_service["DBUS_SESSION_BUS_ADDRESS"]  # a bus like any other
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(MANAGER), str(told)], stdout=subprocess.PIPE
    ) as manager:
        try:
            assert manager.stdout is not None
            assert await asyncio.to_thread(manager.stdout.readline) == b"ready\n"
            found = await asyncio.to_thread(SystemSurroundings(tmp_path).look)
        finally:
            manager.kill()
    assert found.is_metered is is_metered


def test_without_a_network_manager_it_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    assert SystemSurroundings(tmp_path).look().is_metered is None


def test_the_steady_clock_goes_on() -> None:
    before = steady_time()
    time.sleep(0.01)
    assert 0.005 < steady_time() - before < 5
