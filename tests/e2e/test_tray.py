"""Real trays and a notification daemon: the old kind of tray (trayer, by XEmbed), the new kind by
its protocol on the session bus, and what the daemon is told. The window is the real program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .desktop_bus import NotificationServer, TrayItem, TrayWatcher, session_bus
from .processes import end, eventually
from .program import Program
from .screen import Screen, virtual_screen
from .server import Server

TITLE = "EXAI Desktop"
QUESTION = "Keep EXAI Desktop"


@pytest.fixture
def screen() -> Iterator[Screen]:
    with virtual_screen() as shown:
        yield shown


@pytest.fixture
def bus(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Iterator[str]:
    """A session bus of the desktop; the keys of the program stay where they are."""
    folder = Path("/tmp") / f"exai-bus-{os.getpid()}-{time.monotonic_ns()}"
    with session_bus(folder) as address:
        program.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        program.environment["EXAI_DESKTOP_PASSPHRASE"] = "passphrase of a test"
        program.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        yield address
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shown(program: Program, screen: Screen, bus: str, sandbox: Server) -> Program:
    """The program on this screen and bus, with an account."""
    program.environment |= screen.environment
    program.is_warm = False
    program.run("vault", "create").expect(0)
    program.add_account(sandbox)
    return program


@contextmanager
def window(program: Program, *words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    started = program.start(*words)
    assert eventually((program.home / "engine.sock").exists)
    yield started
    started.send_signal(signal.SIGTERM)
    assert started.wait(60) == 0


@contextmanager
def trayer(screen: Screen) -> Iterator[subprocess.Popen[bytes]]:
    """A panel that is nothing but a tray, of the old kind."""
    command = ["trayer", "--edge", "top", "--align", "right", "--height", "24"]
    process = subprocess.Popen(
        command, env=os.environ | screen.environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        end(process)


def is_visible(screen: Screen) -> bool:
    return bool(screen.xdotool("search", "--onlyvisible", "--name", f"^{TITLE}$"))


def close(screen: Screen) -> None:
    """As the window manager's button does."""
    number = screen.find(f"^{TITLE}$")
    screen.xdotool("windowactivate", "--sync", number)
    screen.xdotool("key", "alt+F4")


def states(program: Program) -> list[str]:
    return [str(row["state"]) for row in program.jobs()]


def icon_of(screen: Screen) -> tuple[int, int]:
    """The middle of the icon in the panel: the small window of the program."""
    place = screen.xdotool("search", "--onlyvisible", "--class", "trayer")
    geometry = dict(
        line.split("=")
        for line in screen.xdotool("getwindowgeometry", "--shell", place.split()[0]).splitlines()
    )
    right = int(geometry["X"]) + int(geometry["WIDTH"])
    return right - 12, int(geometry["Y"]) + int(geometry["HEIGHT"]) // 2


def test_closing_hides_to_an_old_tray_and_the_upload_goes_on(
    shown: Program, screen: Screen, sandbox: Server, tmp_path: Path
) -> None:
    sandbox.settings(answer_delay_s=3.0)
    (tmp_path / "a.txt").write_text("sent while nobody looks")
    with trayer(screen), window(shown, tmp_path / "a.txt") as started:
        assert eventually(lambda: bool(sandbox.uploads()))
        close(screen)
        screen.find(QUESTION)
        screen.xdotool("key", "Return")
        assert eventually(lambda: not is_visible(screen))
        assert eventually(lambda: states(shown) == ["done"])
        # The answer holds for the next time; a click on the icon brings the window back.
        for _ in range(3):
            screen.xdotool("mousemove", *icon_of(screen), "click", 1)
            if eventually(lambda: is_visible(screen), 20):
                break
        assert is_visible(screen)
        close(screen)
        assert eventually(lambda: not is_visible(screen))
        assert not screen.xdotool("search", "--onlyvisible", "--name", QUESTION)
        assert started.poll() is None


def test_the_window_comes_back_when_its_tray_vanishes(shown: Program, screen: Screen) -> None:
    shown.run("setting", "set", "on_close", "keep_running").expect(0)
    with trayer(screen) as panel, window(shown, "--minimized"):
        assert eventually(lambda: not is_visible(screen))
        panel.terminate()
        panel.wait(60)
        assert eventually(lambda: is_visible(screen)), "nothing leads to the window any more"
        with trayer(screen):
            # It has only just come back: a first key may go past it.
            for _ in range(3):
                close(screen)
                if eventually(lambda: not is_visible(screen), 20):
                    break
            assert not is_visible(screen)


def test_without_a_tray_closing_minimises(shown: Program, screen: Screen) -> None:
    with window(shown) as started:
        close(screen)
        question = screen.find(QUESTION)
        screen.xdotool("key", "--window", question, "Return")
        screen.xdotool("key", "Return")
        assert eventually(lambda: not is_visible(screen))
        assert started.poll() is None
        # It is in the window list, and a second start brings it back.
        assert screen.xdotool("search", "--name", f"^{TITLE}$")
        shown.run().expect(0)
        assert eventually(lambda: is_visible(screen))


def the_item(watcher: TrayWatcher, address: str) -> TrayItem:
    assert eventually(lambda: bool(watcher.items)), "no icon came"
    return TrayItem(address, watcher.items[-1])


def test_a_new_tray_shows_states_and_its_menu_acts(
    shown: Program, screen: Screen, bus: str, tmp_path: Path
) -> None:
    shown.environment["EXAI_DESKTOP_ON_CLOSE"] = "keep_running"
    watcher = TrayWatcher(bus)
    (tmp_path / "one & two.txt").write_text("one")
    with window(shown, "--minimized", tmp_path / "one & two.txt"):
        item = the_item(watcher, bus)
        assert not is_visible(screen)
        assert eventually(lambda: states(shown) == ["done"])
        assert eventually(
            lambda: any("one && two.txt" in e or "one & two.txt" in e for e in item.entries())
        )
        idle = item.property("IconPixmap")
        item.choose("Pause for an hour")
        assert eventually(lambda: any(e.startswith("Resume (paused until") for e in item.entries()))
        assert eventually(lambda: item.property("IconPixmap") != idle)
        # Without a daemon the tray itself tells of the upload first, for some seconds.
        assert eventually(lambda: "Paused until" in str(item.property("ToolTip")))
        (tmp_path / "late.txt").write_text("late")
        shown.run(tmp_path / "late.txt").expect(0)
        assert eventually(lambda: "queued" in states(shown))
        close(screen)
        assert eventually(lambda: not is_visible(screen))
        item.choose("Resume")
        assert eventually(lambda: states(shown) == ["done", "done"])
        assert eventually(lambda: item.property("IconPixmap") == idle)
        item.activate()
        assert eventually(lambda: is_visible(screen))
        close(screen)
        assert eventually(lambda: not is_visible(screen))
        # The panel is started anew: our icon comes to the new one.
        item.close()
        watcher.close()
        watcher = TrayWatcher(bus)
        item = the_item(watcher, bus)
        assert not is_visible(screen)
        item.choose("Open EXAI Desktop")
        assert eventually(lambda: is_visible(screen))
        item.close()
    watcher.close()


def test_an_hours_pause_outlives_the_program(
    shown: Program, screen: Screen, bus: str, tmp_path: Path
) -> None:
    with window(shown):
        shown.run("pause", "--for", "1h").expect(0)
    (tmp_path / "a.txt").write_text("a")
    with window(shown, tmp_path / "a.txt"):
        assert eventually(lambda: bool(shown.jobs()))
        assert states(shown) == ["queued"]
        shown.run("resume").expect(0)
        assert eventually(lambda: states(shown) == ["done"])


def test_one_notification_a_batch_and_none_in_use(
    shown: Program, screen: Screen, bus: str, tmp_path: Path
) -> None:
    daemon, watcher = NotificationServer(bus), TrayWatcher(bus)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.txt").write_text(f"file {number}")
    (folder / "empty.txt").write_text("")
    with window(shown, "--minimized"):
        item = the_item(watcher, bus)
        shown.run("upload", folder).expect(1)
        assert eventually(lambda: bool(daemon.notices))
        [notice] = daemon.notices
        assert notice.title == "1 file was not uploaded"
        assert notice.text.startswith("20 of 21 files are at the provider.")
        assert notice.actions == ["default", "Open"]
        assert "1 file was not uploaded" in str(item.property("ToolTip"))
        daemon.click(notice.number)
        assert eventually(lambda: is_visible(screen)), "a click opens the window"
        # The window is in use: it tells by itself.
        assert eventually(lambda: screen.xdotool("getactivewindow", "getwindowname") == TITLE)
        (tmp_path / "seen.txt").write_text("seen")
        shown.run("upload", tmp_path / "seen.txt").expect(0)
        item.choose("Problems")
        shown.run("setting", "set", "on_close", "keep_running").expect(0)
        close(screen)
        assert eventually(lambda: not is_visible(screen))
        # One file: by its name, unless the user does not want that on the screen.
        (tmp_path / "<b>name<b>.txt").write_text("named")
        shown.run("upload", tmp_path / "<b>name<b>.txt").expect(0)
        assert eventually(lambda: len(daemon.notices) > 1)
        assert daemon.notices[1].text == "&lt;b&gt;name&lt;b&gt;.txt is at the provider."
        shown.run("setting", "set", "notify_file_names", "false").expect(0)
        (tmp_path / "secret name.txt").write_text("unnamed")
        shown.run("upload", tmp_path / "secret name.txt").expect(0)
        assert eventually(lambda: len(daemon.notices) > 2)
        assert daemon.notices[2].text == "1 file is at the provider."
        assert len(daemon.notices) == 3
        item.close()
    daemon.close()
    watcher.close()


def test_do_not_disturb_and_quiet_hours_hold_back(
    shown: Program, screen: Screen, bus: str, tmp_path: Path
) -> None:
    daemon, watcher = NotificationServer(bus), TrayWatcher(bus)
    daemon.state.is_inhibited = True
    with window(shown, "--minimized"):
        the_item(watcher, bus).close()
        for number, setting in enumerate(("", "00:00-23:59")):
            shown.run("setting", "set", "quiet_hours", setting).expect(0)
            daemon.state.is_inhibited = not setting
            (tmp_path / f"{number}.txt").write_text(f"quiet {number}")
            shown.run("upload", tmp_path / f"{number}.txt").expect(0)
            time.sleep(3)  # longer than batches are gathered
        assert not daemon.notices
        shown.run("setting", "set", "quiet_hours", "").expect(0)
        (tmp_path / "loud.txt").write_text("loud")
        shown.run("upload", tmp_path / "loud.txt").expect(0)
        assert eventually(lambda: bool(daemon.notices))
        assert daemon.notices[0].text == "loud.txt is at the provider."
    daemon.close()
    watcher.close()


def test_a_real_daemon_shows_it(shown: Program, screen: Screen, bus: str, tmp_path: Path) -> None:
    environment = os.environ | screen.environment | {"DBUS_SESSION_BUS_ADDRESS": bus}
    watcher = TrayWatcher(bus)
    daemon = subprocess.Popen(["dunst"], env=environment, stderr=subprocess.DEVNULL)
    try:
        with window(shown, "--minimized"):
            the_item(watcher, bus).close()
            (tmp_path / "a.txt").write_text("told by the daemon")
            shown.run("upload", tmp_path / "a.txt").expect(0)
            assert eventually(
                lambda: bool(screen.xdotool("search", "--onlyvisible", "--class", "Dunst"))
            )
            screen.picture(tmp_path / "notification.png")
    finally:
        end(daemon)
        watcher.close()


def test_idle_in_the_tray_it_hardly_ever_wakes_up(shown: Program, screen: Screen, bus: str) -> None:
    """Over half a minute, all threads: less than once a second."""
    watcher = TrayWatcher(bus)
    with window(shown, "--minimized") as started:
        the_item(watcher, bus).close()
        # What a start leaves behind is over by then: checks, first looks at accounts.
        assert eventually(lambda: _wakeups(started.pid, 10.0) < 10.0, 120, 1.0)
        assert min(_wakeups(started.pid, 30.0) for _ in range(2)) < 30.0
    watcher.close()


def _wakeups(pid: int, seconds: float) -> int:
    before = _switches(pid)
    time.sleep(seconds)
    return _switches(pid) - before


def _switches(pid: int) -> int:
    """How often its threads have gone to sleep, and so have been woken."""
    lines = [
        line
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text("ascii").splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))
