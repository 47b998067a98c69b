"""`health` on the command line, and the metrics of a running program, against a real server."""

import socket
from pathlib import Path

from .program import Program
from .server import Server


def test_how_the_providers_have_answered(program: Program, sandbox: Server, tmp_path: Path) -> None:
    program.add_account(sandbox, name="kimi")
    assert "kimi: not used recently" in program.run("health").expect(0).out
    file = tmp_path / "ours.txt"
    file.write_text("our own words")
    program.upload(file).expect(0)
    program.run("account", "test", "kimi").expect(0)
    told = program.run("health", "kimi").expect(0).out
    assert "kimi: works" in told
    assert "2 requests, 0 failed" in told
    status, *samples = program.run("health", "--json").expect(0).rows
    assert (status["account"], status["answers"]) == ("kimi", 2)
    assert [row["sample"]["check"] for row in samples] == ["question", "upload"]
    assert program.run("health", "nobody").expect(2).out == ""


def test_what_cannot_be_reached_never_works(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    program.add_account(sandbox, name="kimi", url=url)
    program.run("account", "test", "kimi").expect(1)
    for _ in range(2):  # also another program, and without a new question
        told = program.run("health", "kimi").expect(1).out
        assert "kimi: unreachable since " in told
        assert "OFFLINE" in told
        assert "works" not in told
    status = program.run("health", "--json").expect(1).rows[0]
    [listed] = program.run("account", "list", "--json").expect(0).rows
    assert listed["unreachable_since"] == status["unreachable_since"] is not None
    assert "unreachable since " in program.run("account", "list").expect(0).out


def test_a_metrics_port_that_is_taken_is_said(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = program.run("doctor", environment={"EXAI_DESKTOP_METRICS_PORT": str(port)})
    assert f"metrics_port {port}: Address already in use" in result.expect(0).out
