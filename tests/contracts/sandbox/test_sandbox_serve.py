"""The sandbox starts quickly, says where it is, keeps its store and ends quickly."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from exai_desktop.sandbox.flavours import FLAVOURS
from exai_desktop.sandbox.serve import SandboxThread
from exai_desktop.sandbox.settings import SandboxSettings
from tests.contracts.sandbox_rig import KIMI, Rig, eventually, rig, running, shared_rig
from tests.own_time import OwnTime

__all__ = ["rig", "shared_rig"]


def test_describe_names_every_account(rig: Rig) -> None:
    described = json.loads(json.dumps(rig.sandbox.describe()))
    assert {"kimi-intl", "kimi-cn", "zai", "bigmodel"} <= {flavour.name for flavour in FLAVOURS}
    for account, flavour in zip(described["accounts"], FLAVOURS, strict=True):
        assert (account["provider"], account["region"]) == (flavour.provider, flavour.region)
        assert account["base_url"] == rig.sandbox.url(flavour.name)
        assert account["key"] == rig.sandbox.key(flavour.name)
    assert described["control"]["token"] == rig.sandbox.control.token


def test_a_token_and_a_port_can_be_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = SandboxSettings(control_token="chosen-token")
    with SandboxThread(settings, port=port) as sandbox:
        assert sandbox.control == (f"http://127.0.0.1:{port}/control", "chosen-token")


def test_a_taken_port_is_an_error_not_a_hang() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match="did not start"):
            SandboxThread(port=port).__enter__()


@pytest.mark.parametrize("path", ["/control/describe", "/kimi-intl/v1/files"])
def test_a_foreign_host_is_refused(rig: Rig, path: str) -> None:
    """As when a web page makes a browser ask this computer under a name of its own."""
    url = rig.sandbox.control.url.removesuffix("/control") + path
    headers = {"Host": "evil.example", "X-Sandbox-Control": rig.sandbox.control.token}
    answer = httpx.get(url, headers=headers, trust_env=False)
    assert (answer.status_code, answer.text) == (400, "Invalid host header")


def test_an_unknown_path_is_404(rig: Rig) -> None:
    base = rig.sandbox.control.url.removesuffix("/control")
    assert rig.client.get(base + "/nowhere").status_code == 404


@pytest.mark.parametrize("kind", ["stall", "delay", "drip", "late_store"])
def test_ends_within_two_seconds_whatever_hangs(kind: str, tmp_path: Path) -> None:
    sandbox = SandboxThread(SandboxSettings(store=tmp_path))
    with sandbox, httpx.Client(trust_env=False, verify=False, timeout=10) as client:
        rig = Rig(sandbox, client)
        rig.faults({"kind": kind, "delay_s": 60, "interval_s": 60})
        failures: list[Exception] = []

        def try_upload() -> None:
            try:
                rig.upload(KIMI)
            except httpx.HTTPError as failure:
                failures.append(failure)

        thread = threading.Thread(target=try_upload)
        thread.start()
        assert eventually(lambda: any(r["body_complete"] for r in rig.requests()))
        own = OwnTime()
        sandbox.__exit__(None, None, None)
        assert own.seconds() < 2
        thread.join()
        assert failures
    assert not list((tmp_path / "incoming").iterdir())


def test_a_restart_keeps_files_and_deletions(tmp_path: Path) -> None:
    settings = SandboxSettings(store=tmp_path)
    with running(settings) as rig:
        kept = rig.upload(KIMI, "kept.txt", b"stay").json()
        gone = rig.upload("zai", "gone.txt").json()
        rig.call("zai", "DELETE", f"/files/{gone['id']}")
    (tmp_path / "incoming" / "leftover").write_bytes(b"half")
    with (tmp_path / "index.jsonl").open("ab") as index:
        index.write(b'{"op": "add", "id"')
    with running(settings) as rig:
        assert rig.call(KIMI, "GET", "/files").json()["data"] == [kept]
        assert rig.call(KIMI, "GET", f"/files/{kept['id']}/content").text == "stay"
        assert rig.call("zai", "GET", "/files?purpose=agent").json()["data"] == []
        assert rig.upload(KIMI, "kept.txt").json()["filename"] == "kept (1).txt"
    with running(settings) as rig:
        assert len(rig.call(KIMI, "GET", "/files").json()["data"]) == 2
    assert not list((tmp_path / "incoming").iterdir())


PROGRAM = "from exai_desktop.sandbox.serve import run; run(0, exit_with_stdin=%r)"


def _started(exit_with_stdin: bool, folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM % exit_with_stdin],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(folder), "TEMP": str(folder)},
    )
    return process, json.loads(_open(process.stdout).readline())


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _finished(process: subprocess.Popen[bytes]) -> bytes:
    with process:
        process.wait(60)
        return _open(process.stderr).read()


def test_the_command_serves_until_its_parent_is_gone(tmp_path: Path) -> None:
    process, described = _started(True, tmp_path)
    account = described["accounts"][0]
    with httpx.Client(trust_env=False, verify=False) as client:
        headers = {"Authorization": f"Bearer {account['key']}"}
        assert client.get(account["base_url"] + "/models", headers=headers).status_code == 200
    assert list(tmp_path.iterdir())
    _open(process.stdin).close()
    assert _finished(process) == b""
    assert process.returncode == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_on_a_signal_and_removes_its_store(
    number: signal.Signals, tmp_path: Path
) -> None:
    process, _ = _started(False, tmp_path)
    process.send_signal(number)
    assert _finished(process) == b""
    assert process.returncode == 0
    assert not list(tmp_path.iterdir())
