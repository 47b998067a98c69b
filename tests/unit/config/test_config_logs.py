"""The log: one JSON object a line, no secret in it, readable for its owner alone."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.config import logs
from exai_desktop.config.logs import log_file, log_tail, start_logging, stop_logging
from exai_desktop.config.paths import Places, places
from exai_desktop.core.errors.redact import register

log = logging.getLogger("exai_desktop.test")


@pytest.fixture
def found() -> Iterator[Places]:
    yield places()
    stop_logging()


def lines(found: Places) -> list[dict[str, Any]]:
    stop_logging()
    text = log_file(found).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_one_object_a_line(found: Places) -> None:
    start_logging(found, "info")
    log.info("job %d:\n%s", 5, "文件")
    log.debug("too small to be written")
    (line,) = lines(found)
    assert line["text"] == "job 5:\n文件"
    assert (line["level"], line["logger"]) == ("info", "exai_desktop.test")
    assert line["thread"] == threading.current_thread().name
    assert line["at"].endswith("+00:00")


def test_no_secret_is_written(found: Places) -> None:
    register("a-registered-secret")
    start_logging(found, "debug")
    log.info("with %s", "Bearer abcdefgh1234")
    try:
        raise ValueError("https://host/?token=planted1 sk-planted2 a-registered-secret")
    except ValueError:
        log.exception("failed for %s", {"api_key": "planted3"})
    log.warning("stack", stack_info=True)
    written = json.dumps(lines(found))
    assert "Traceback" in written
    assert "Stack (most recent call last)" in written
    for secret in ("abcdefgh1234", "planted1", "planted2", "planted3", "a-registered-secret"):
        assert secret not in written


@pytest.mark.parametrize("name", ["httpx", "httpcore", "httpcore.connection"])
def test_addresses_are_not_logged_at_all(found: Places, name: str) -> None:
    start_logging(found, "debug")
    logging.getLogger(name).info("HTTP Request: POST https://host/signed?x=1")
    logging.getLogger(name).warning("a warning passes")
    assert [line["text"] for line in lines(found)] == ["a warning passes"]


def test_a_name_that_is_not_utf8(found: Places) -> None:
    start_logging(found, "info")
    log.info("path %s", os.fsdecode(b"/\xff") if os.name != "nt" else "\udcff")
    assert len(lines(found)) == 1


def test_files_are_rotated_and_private(found: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_FILE_BYTES", 1_000)
    start_logging(found, "info")
    for number in range(200):
        log.info("line %d of a log that grows", number)
    stop_logging()
    files = sorted(found.logs.iterdir())
    assert len(files) == 5
    if sys.platform != "win32":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_everything_is_put_back(found: Places) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, threading.active_count())
    start_logging(found, "debug")
    start_logging(found, "info")
    stop_logging()
    stop_logging()
    assert (list(root.handlers), root.level, threading.active_count()) == before
    log.warning("not written any more")
    assert lines(found) == []


def test_starting_again_goes_on_in_the_same_file(found: Places, tmp_path: Path) -> None:
    for number in range(2):
        start_logging(found, "info")
        log.info("run %d", number)
        stop_logging()
    assert [line["text"] for line in lines(found)] == ["run 0", "run 1"]


def test_the_tail_without_names_keeps_codes_numbers_and_places(found: Places) -> None:
    start_logging(found, "info")
    log.info("list of %s failed (%d): %s", "Ann's account", 3, "TIMEOUT")
    logging.getLogger("another.library").warning("cannot open /home/ann/letter.pdf")
    try:
        raise FileNotFoundError(2, "no such file", "/home/ann/letter.pdf")
    except FileNotFoundError as error:
        log.warning("reading %s failed: %s", "letter.pdf", error, exc_info=True)
    stop_logging()
    tail = log_tail(found, 10, whole=False)
    assert [line.partition(" info ")[2] or line.partition(" warning ")[2] for line in tail[:2]] == [
        "exai_desktop.test: list of … failed (3): TIMEOUT",
        "another.library",
    ]
    assert "reading … failed: FileNotFoundError; FileNotFoundError at test_config_logs" in tail[2]
    assert not any("ann" in line.lower() or "letter" in line for line in tail)
    whole = log_tail(found, 10, whole=True)
    assert "Ann's account" in whole[0] and "/home/ann/letter.pdf" in whole[1]


def test_the_tail_is_the_newest_and_reads_on_through_the_file_before(found: Places) -> None:
    start_logging(found, "info")
    for number in range(6):
        log.info("line %d", number)
    stop_logging()
    log_file(found).rename(log_file(found).with_name("exai-desktop.log.1"))
    start_logging(found, "info")
    log.info("line %d", 6)
    stop_logging()
    with log_file(found).open("a") as file:
        file.write('{"at": "cut by a full di')
    assert [line[-1] for line in log_tail(found, 3, whole=False)] == ["4", "5", "6"]
